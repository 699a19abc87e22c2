package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A far is what a tunnel leads to. Who connects says first what it wants: how
// many bytes come, and how many it wants then.
type far struct{ net.Listener }

func newFar() (far, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return far{}, err
	}
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go answer(nc)
		}
	}()
	return far{l}, nil
}

func answer(nc net.Conn) {
	defer nc.Close()
	var want [2]int64
	if binary.Read(nc, binary.BigEndian, &want) != nil {
		return
	}
	if n, err := discard(io.LimitReader(nc, want[0])); err == nil && n == want[0] {
		writeZeros(nc, want[1])
	}
}

// farWants is what answer reads first.
func farWants(up, down int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(up)), uint64(down))
}

// zeroPiece is what goes into a tunnel at once and is taken from it at once, in
// bytes: the tunnel is to be the slow part.
const zeroPiece = 256 << 10

// pieces are of zeroPiece bytes; what is in them is of no interest to anybody.
var pieces = sync.Pool{New: func() any { return new([zeroPiece]byte) }}

func writeZeros(w io.Writer, n int64) error {
	if n == 0 {
		return nil
	}
	piece := pieces.Get().(*[zeroPiece]byte)
	defer pieces.Put(piece)
	for n > 0 {
		m, err := w.Write(piece[:min(n, zeroPiece)])
		if n -= int64(m); err != nil {
			return err
		}
	}
	return nil
}

// discard reads until the end. [io.Discard] would read 8 KiB at a time.
func discard(r io.Reader) (n int64, err error) {
	piece := pieces.Get().(*[zeroPiece]byte)
	defer pieces.Put(piece)
	for {
		m, err := r.Read(piece[:])
		n += int64(m)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// A tunnel is a client with a forward to a far.
type tunnel struct {
	cmd  *exec.Cmd
	port int
	to   string // for SOCKS; "" for a fixed target
}

// tunnel starts a client of a side, with -L or -D, and returns when it listens.
func (l *lab) tunnel(ctx context.Context, c side, srv *server, f far, w load) (*tunnel, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	to := f.Addr().String()
	options := []string{"-N", "-L", fmt.Sprintf("%s:%d:%s", loopback, port, to)}
	t := &tunnel{port: port}
	if w.dynamic {
		options = []string{"-N", "-D", fmt.Sprintf("%s:%d", loopback, port)}
		t.to = to
	}
	if w.cipher != "" {
		options = append(options, "-c", w.cipher)
	}
	if t.cmd, err = l.ssh(ctx, c, srv.port, l.dir, "", options...); err != nil {
		return nil, err
	}
	t.cmd.Args = t.cmd.Args[:len(t.cmd.Args)-1] // no command, not an empty one
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	for range int(startTime / retryTime) {
		if nc, err := t.dial(); err == nil {
			return t, nc.Close()
		}
		time.Sleep(retryTime) // a tunnel tells nobody when it begins to listen
	}
	t.stop()
	return nil, fmt.Errorf("%s does not forward after %v", c.name, startTime)
}

// dial connects through the tunnel.
func (t *tunnel) dial() (net.Conn, error) {
	nc, err := net.Dial("tcp", net.JoinHostPort(loopback, strconv.Itoa(t.port)))
	if err != nil || t.to == "" {
		return nc, err
	}
	at, err := net.ResolveTCPAddr("tcp", t.to)
	if err == nil {
		_, err = nc.Write(append(append([]byte{5, 1, 0, 5, 1, 0, 1}, at.IP.To4()...), byte(at.Port>>8), byte(at.Port)))
	}
	if err == nil {
		_, err = io.ReadFull(nc, make([]byte, 12))
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

// trade sends up bytes through the tunnel and takes down bytes.
func (t *tunnel) trade(up, down int64) error {
	nc, err := t.dial()
	if err != nil {
		return err
	}
	defer nc.Close()
	head := farWants(up, down)
	if up < zeroPiece {
		_, err = nc.Write(append(head, make([]byte, up)...))
	} else if _, err = nc.Write(head); err == nil {
		err = writeZeros(nc, up)
	}
	if err != nil {
		return err
	}
	n, err := discard(nc)
	if err == nil && n != down {
		err = fmt.Errorf("%d of %d bytes came", n, down)
	}
	return err
}

// stop ends the client and returns the processor time that it took, in seconds.
func (t *tunnel) stop() float64 {
	_ = t.cmd.Process.Signal(syscall.SIGTERM)
	_ = t.cmd.Wait() // it says that a signal ended it
	return (t.cmd.ProcessState.UserTime() + t.cmd.ProcessState.SystemTime()).Seconds()
}

// A load is what goes through a tunnel.
type load struct {
	name     string
	dynamic  bool
	cipher   string // "" for what each side chooses itself
	up, down int64  // bytes of each connection
	count    int    // connections, eight at a time where there are more
}

// carry has a tunnel of one side carry a load. The rate is in MiB/s, or in
// connections a second where there are many; processor times are per GiB, or
// per thousand connections.
func (b *bench) carry(c side, srv *server, f far, w load) (transfer, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	t, err := b.tunnel(ctx, c, srv, f, w)
	if err != nil {
		return transfer{}, err
	}
	before, err := settledCPU(ctx, srv.pid())
	if err != nil {
		t.stop()
		return transfer{}, err
	}
	began := time.Now()
	err = t.tradeAll(w)
	took := time.Since(began).Seconds()
	after, err2 := settledCPU(ctx, srv.pid())
	client := t.stop()
	if err := errors.Join(err, err2); err != nil {
		return transfer{}, fmt.Errorf("%s, %s: %w", c.name, w.name, err)
	}
	amount := float64(w.up+w.down) / gib
	rate := amount * 1024 / took
	if w.count > 1 {
		amount, rate = float64(w.count)/1000, float64(w.count)/took
	}
	return transfer{rate: rate, client: client / amount, server: (after - before) / amount}, nil
}

// resetsBorne is how many connections of a load may be reset: OpenSSH's client has
// been seen to reset one.
const resetsBorne = 10

// tradeAll carries a load. A connection that is reset is made again, and told.
func (t *tunnel) tradeAll(w load) error {
	const atOnce = 8
	var group sync.WaitGroup
	var resets atomic.Int32
	work, failed := make(chan struct{}, w.count), make(chan error, atOnce)
	for range w.count {
		work <- struct{}{}
	}
	close(work)
	for range min(atOnce, w.count) {
		group.Go(func() {
			for range work {
				err := t.trade(w.up, w.down)
				for errors.Is(err, syscall.ECONNRESET) && resets.Add(1) <= resetsBorne {
					err = t.trade(w.up, w.down)
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(failed)
	if n := resets.Load(); n > 0 {
		fmt.Fprintf(os.Stderr, "bench: %s: %d connections were reset and made again\n", t.cmd.Path, n)
	}
	return <-failed
}

// forwardRow is what a forwarded port carries: much in one connection, and many
// small ones: with the cipher that each side chooses, as people run it, and with
// the same cipher on both.
func forwardRow(b *bench) error {
	ours, peer, err := b.pair()
	if err != nil {
		return err
	}
	f, err := newFar()
	if err != nil {
		return err
	}
	defer f.Close()
	n, count := int64(b.size(2*gib, gib/8)), b.size(3000, 300)
	for _, w := range []load{
		{"-L up", false, "", n, 0, 1}, {"-L down", false, "", 0, n, 1},
		{"-D up", true, "", n, 0, 1}, {"-D down", true, "", 0, n, 1},
		{"-L up, " + aesGCM, false, aesGCM, n, 0, 1}, {"-L down, " + aesGCM, false, aesGCM, 0, n, 1},
		{"-L, connections of 1 KiB", false, "", 100, 1024, count}, {"-D, connections of 1 KiB", true, "", 100, 1024, count},
	} {
		pairs := []*crossing{{client: b.ours, server: ours}, {client: b.peer, server: peer}}
		order := slices.Clone(pairs)
		for range b.runs {
			for _, c := range order {
				t, err := b.carry(c.client, c.server, f, w)
				if err != nil {
					return err
				}
				c.of = append(c.of, t)
			}
			slices.Reverse(order)
		}
		must := atLeastTimes("1.5", 1.5)
		if w.cipher != "" {
			must = atLeastTimes("1", 1)
		}
		b.forwardRows(w, pairs[0], pairs[1], must)
	}
	return nil
}

func (b *bench) forwardRows(w load, ours, theirs *crossing, must goal) {
	rate, cost := "MiB/s", "CPU-s/GiB"
	if w.count > 1 {
		rate, cost = "1/s", "CPU-s/1000"
	}
	for _, r := range []struct {
		what, unit string
		part       func(transfer) float64
		goal       goal
	}{
		{"", rate, func(t transfer) float64 { return t.rate }, must},
		{": client", cost, func(t transfer) float64 { return t.client }, goal{}},
		{": server", cost, func(t transfer) float64 { return t.server }, goal{}},
	} {
		b.row("forward "+w.name+r.what, r.unit, ours.median(r.part), b.peer.name, theirs.median(r.part), r.goal)
	}
}
