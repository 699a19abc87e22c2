package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

const (
	// typing is the time between two keys, faster than anybody types.
	typing = 15 * time.Millisecond
	// rawCat gives back each byte that is typed, as a program in raw mode does.
	rawCat = "stty raw -echo; echo ready; exec cat"
)

// A typist is a client with a terminal whose keys come back, and a forward to a
// far for the bulk data beside them.
type typist struct {
	*tunnel
	keys io.WriteCloser
	seen io.Reader
}

// typist starts a client of a side and returns when keys come back.
func (l *lab) typist(ctx context.Context, c side, at int, far string) (*typist, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd, err := l.ssh(ctx, c, at, l.dir, rawCat, "-tt", "-c", aesGCM,
		// Hiding when keys are typed takes time on purpose, and Debian's OpenSSH doesn't have it.
		"-o", "IgnoreUnknown=ObscureKeystrokeTiming", "-o", "ObscureKeystrokeTiming=no",
		"-o", "ExitOnForwardFailure=yes", "-L", fmt.Sprintf("%s:%d:%s", loopback, port, far))
	if err != nil {
		return nil, err
	}
	t := &typist{tunnel: &tunnel{cmd: cmd, port: port}}
	t.keys, err = cmd.StdinPipe()
	seen, err2 := cmd.StdoutPipe()
	t.seen = seen
	if err := errors.Join(err, err2, cmd.Start()); err != nil {
		return nil, err
	}
	// The forward listens before the command starts.
	for said := []byte(nil); !slices.Equal(said, []byte("ready\r\n")) && !slices.Equal(said, []byte("ready\n")); {
		b := make([]byte, 1)
		if _, err := t.seen.Read(b); err != nil {
			t.stop()
			return nil, fmt.Errorf("%s said %q: %w", c.name, said, err)
		}
		said = append(said, b...)
	}
	return t, nil
}

// echoes types n keys and returns how long each took to come back, in seconds.
func (t *typist) echoes(n int) (took []float64, err error) {
	b := make([]byte, 1)
	for i := range n {
		time.Sleep(typing)
		key, began := []byte{byte('a' + i%26)}, time.Now()
		if _, err := t.keys.Write(key); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(t.seen, b); err != nil {
			return nil, err
		}
		if b[0] != key[0] {
			return nil, fmt.Errorf("%q came back for %q", b, key)
		}
		took = append(took, time.Since(began).Seconds())
	}
	return took, nil
}

// bulk keeps data flowing through the forward, between processes of their own:
// what moves data in quantity would have the keys wait here, too.
func (t *typist) bulk(up, down bool) (stop func(), err error) {
	if !up && !down {
		return func() {}, nil
	}
	way := "down"
	if up {
		way = "up"
	}
	cmd := exec.Command(self(), "-role", "bulk", strconv.Itoa(t.port), way)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it says that a signal ended it
	}, nil
}

// bulkRole is a process that sends to a far, or takes from it, through a port
// here until it is killed.
func bulkRole(port, way string) error {
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	nc, err := (&tunnel{port: n}).dial()
	if err != nil {
		return err
	}
	const endless = 1 << 50
	if way == "down" {
		if _, err := nc.Write(farWants(0, endless)); err != nil {
			return err
		}
		_, err := discard(nc)
		return err
	}
	if _, err := nc.Write(farWants(endless, 0)); err != nil {
		return err
	}
	return writeZeros(nc, endless)
}

// farRole is a process that is a far until its input ends.
func farRole() error {
	f, err := newFar()
	if err != nil {
		return err
	}
	fmt.Println(f.Addr().(*net.TCPAddr).Port)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// farProcess starts one and returns where it is.
func (l *lab) farProcess() (addr string, stop func(), err error) {
	cmd := exec.CommandContext(l.ctx, self(), "-role", "far")
	in, err := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err, err2, cmd.Start()); err != nil {
		return "", nil, err
	}
	stop = func() {
		in.Close()
		_ = cmd.Wait()
	}
	var port int
	if _, err := fmt.Fscan(out, &port); err != nil {
		stop()
		return "", nil, fmt.Errorf("a far: %w", err)
	}
	return net.JoinHostPort(loopback, strconv.Itoa(port)), stop, nil
}

// echo is how long each of n keys took on a connection of one side to a port.
func (b *bench) echo(c side, at int, far string, up, down bool, n int) ([]float64, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	t, err := b.typist(ctx, c, at, far)
	if err != nil {
		return nil, err
	}
	defer t.stop()
	stop, err := t.bulk(up, down)
	if err != nil {
		return nil, err
	}
	defer stop()
	if _, err := t.echoes(n / 10); err != nil { // until the bulk data has its pace
		return nil, err
	}
	return t.echoes(n)
}

// The slow link of echoRow: a good line of a home.
const (
	slowRate   = 4 << 20 // bytes a second
	slowOneWay = 10 * time.Millisecond
)

// echoRow is how long a person waits for what they type, alone and beside bulk
// data of the same connection, on this machine and over a slow link.
func echoRow(b *bench) error {
	far, stop, err := b.farProcess()
	if err != nil {
		return err
	}
	defer stop()
	near, slow := [2]int{}, [2]int{}
	for i, s := range b.sides() {
		srv, err := b.serve(s)
		if err != nil {
			return err
		}
		link, err := testpeer.NewNarrowPipe(srv.addr(), slowOneWay, slowRate)
		if err != nil {
			return err
		}
		defer link.Close()
		near[i], slow[i] = srv.port, link.Port()
	}
	for _, w := range []struct {
		name     string
		ports    [2]int
		up, down bool
		keys     int
	}{
		{"", near, false, false, b.size(300, 50)},
		{" beside bulk up", near, true, false, b.size(300, 50)},
		{" beside bulk down", near, false, true, b.size(300, 50)},
		{", slow link, beside bulk up", slow, true, false, b.size(60, 10)},
		{", slow link, beside bulk down", slow, false, true, b.size(60, 10)},
	} {
		var all [2][]float64
		for run := range b.runs {
			for _, i := range [][]int{{0, 1}, {1, 0}}[run%2] {
				took, err := b.echo(b.sides()[i], w.ports[i], far, w.up, w.down, w.keys)
				if err != nil {
					return fmt.Errorf("%s%s: %w", b.sides()[i].name, w.name, err)
				}
				all[i] = append(all[i], took...)
			}
		}
		b.echoRows("key's echo"+w.name, all)
	}
	return nil
}

func (b *bench) echoRows(name string, took [2][]float64) {
	for _, part := range []struct {
		name string
		of   float64
	}{{"p50", 0.50}, {"p99", 0.99}} {
		b.row(name+", "+part.name, "ms", 1000*quantile(took[0], part.of), b.peer.name, 1000*quantile(took[1], part.of), atMostTimes("1", 1))
	}
}

// quantile is the value that a part of v does not exceed; v must not be empty.
func quantile(v []float64, part float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[min(int(part*float64(len(v))), len(v)-1)]
}
