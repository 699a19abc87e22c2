package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/transport"
)

const (
	// abreast is how many logins the generator has under way at once.
	abreast = 4
	// perSource is how many connections come from one loopback address, so that
	// ports don't run out: half of Linux's default range.
	perSource = 10000
)

// login makes connection number n to a server and logs in. It returns after the
// server has answered a request, so that what belongs to a new connection has
// been done on its side.
func (l *lab) login(ctx context.Context, srv *server, n int) (*mux.Mux, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+n/perSource))}}
	nc, err := d.DialContext(ctx, "tcp", srv.addr())
	if err != nil {
		return nil, err
	}
	conn, err := transport.Client(ctx, nc, &transport.Config{
		Algorithms:    transport.Algorithms{Kex: []string{"curve25519-sha256"}},
		VerifyHostKey: l.isHost,
	})
	if err != nil {
		return nil, err
	}
	_, err = auth.Client(ctx, conn, auth.ClientConfig{User: l.user, Host: srv.name, Methods: []auth.ClientMethod{
		auth.PublicKeys(func(context.Context) ([]auth.Identity, error) {
			return []auth.Identity{{Signer: l.id, Source: "bench", Direct: true}}, nil
		}),
	}})
	if err != nil {
		conn.Close()
		return nil, err
	}
	conn.AuthSucceeded()
	m := mux.New(conn, mux.Config{})
	go m.Run() // ends with the connection
	if _, _, err := m.Request(ctx, "keepalive@openssh.com", true, nil); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func (l *lab) isHost(_ context.Context, k key.Public) error {
	if !key.Equal(k, l.host.Public()) {
		return errors.New("not the server's key")
	}
	return nil
}

// logins makes n connections to a server, a few at once. each gets those that
// were made, from several goroutines.
func (l *lab) logins(srv *server, n int, each func(*mux.Mux)) error {
	ctx, cancel := context.WithTimeoutCause(l.ctx, patience, errors.New("it took too long"))
	defer cancel()
	var next atomic.Int64
	var failed error
	var once sync.Once
	var workers sync.WaitGroup
	for range abreast {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				m, err := l.login(ctx, srv, i)
				if err != nil {
					once.Do(func() {
						failed = fmt.Errorf("login %d of %d at %s: %w: %s", i, n, srv.name, err, srv.said())
					})
					cancel()
					return
				}
				each(m)
			}
		})
	}
	workers.Wait()
	if failed == nil {
		failed = context.Cause(ctx)
	}
	return failed
}

// loginRow is what a server spends on a new connection. The generator is the
// same for both, and shares the processors with the server: the rate is a lower
// bound.
func loginRow(b *bench) error {
	ours, peer, err := b.pair()
	if err != nil {
		return err
	}
	n := b.size(300, 50)
	var cpu, rate [2][]float64
	for range b.runs {
		for i, srv := range []*server{ours, peer} {
			before, err := settledCPU(b.ctx, srv.pid())
			if err != nil {
				return err
			}
			began := time.Now()
			if err := b.logins(srv, n, func(m *mux.Mux) { m.Close() }); err != nil {
				return err
			}
			took := time.Since(began).Seconds()
			after, err := settledCPU(b.ctx, srv.pid())
			if err != nil {
				return err
			}
			cpu[i] = append(cpu[i], (after-before)/float64(n))
			rate[i] = append(rate[i], float64(n)/took)
		}
	}
	b.row("new connection, server", "CPU-ms", 1000*median(cpu[0]), b.peer.name, 1000*median(cpu[1]), atMostTimes("1/10", 0.1))
	b.row("new connections", "1/s", median(rate[0]), b.peer.name, median(rate[1]), goal{})
	return nil
}
