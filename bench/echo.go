package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
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
func (l *lab) typist(ctx context.Context, c side, at int, f far) (*typist, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd, err := l.ssh(ctx, c, at, l.dir, rawCat, "-tt", "-c", aesGCM,
		// Hiding when keys are typed takes time on purpose, and Debian's OpenSSH doesn't have it.
		"-o", "IgnoreUnknown=ObscureKeystrokeTiming", "-o", "ObscureKeystrokeTiming=no",
		"-o", "ExitOnForwardFailure=yes", "-L", fmt.Sprintf("%s:%d:%s", loopback, port, f.Addr()))
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

// bulk keeps data flowing through the forward until stop is called.
func (t *typist) bulk(up, down bool) (stop func(), err error) {
	var open []net.Conn
	var group sync.WaitGroup
	stop = func() {
		for _, nc := range open {
			nc.Close()
		}
		group.Wait()
	}
	for _, way := range []struct {
		on       bool
		up, down int64
	}{{up, 1 << 50, 0}, {down, 0, 1 << 50}} {
		if !way.on {
			continue
		}
		nc, err := t.dial()
		if err != nil {
			stop()
			return nil, err
		}
		open = append(open, nc)
		if _, err := nc.Write(farWants(way.up, way.down)); err != nil {
			stop()
			return nil, err
		}
		group.Go(func() {
			if way.up > 0 {
				_ = writeZeros(nc, way.up) // until it is closed
			} else {
				_, _ = io.Copy(io.Discard, nc)
			}
		})
	}
	return stop, nil
}

// echo is how long each of n keys took on a connection of one side to a port.
func (b *bench) echo(c side, at int, f far, up, down bool, n int) ([]float64, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	t, err := b.typist(ctx, c, at, f)
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
	f, err := newFar()
	if err != nil {
		return err
	}
	defer f.Close()
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
				took, err := b.echo(b.sides()[i], w.ports[i], f, w.up, w.down, w.keys)
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
