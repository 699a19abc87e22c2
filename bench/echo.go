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
func (l *lab) typist(ctx context.Context, c side, srv *server, f far) (*typist, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd, err := l.ssh(ctx, c, srv.port, l.dir, rawCat, "-tt", "-c", aesGCM,
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

// echo is how long each of n keys took on a connection of one side.
func (b *bench) echo(c side, srv *server, f far, up, down bool, n int) ([]float64, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	t, err := b.typist(ctx, c, srv, f)
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

// echoRow is how long a person waits for what they type, alone and beside bulk
// data of the same connection.
func echoRow(b *bench) error {
	ours, peer, err := b.pair()
	if err != nil {
		return err
	}
	f, err := newFar()
	if err != nil {
		return err
	}
	defer f.Close()
	n := b.size(300, 50)
	for _, w := range []struct {
		name     string
		up, down bool
	}{{"alone", false, false}, {"beside bulk up", true, false}, {"beside bulk down", false, true}} {
		var all [2][]float64
		for run := range b.runs {
			for _, i := range [][]int{{0, 1}, {1, 0}}[run%2] {
				took, err := b.echo(b.sides()[i], []*server{ours, peer}[i], f, w.up, w.down, n)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", b.sides()[i].name, w.name, err)
				}
				all[i] = append(all[i], took...)
			}
		}
		for _, part := range []struct {
			name string
			of   float64
		}{{"p50", 0.50}, {"p99", 0.99}} {
			b.row("key's echo "+w.name+", "+part.name, "ms", 1000*quantile(all[0], part.of), b.peer.name, 1000*quantile(all[1], part.of), atMostTimes("1", 1))
		}
	}
	return nil
}

// quantile is the value that a part of v does not exceed; v must not be empty.
func quantile(v []float64, part float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[min(int(part*float64(len(v))), len(v)-1)]
}
