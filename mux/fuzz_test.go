package mux

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/slab"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

// The seeds under testdata/fuzz are what real peers sent; internal/hostile
// records them (go test ./internal/hostile -run Real -args -record).

// A tapeConn is a connection whose peer has said all already. What is written to
// it is kept in the buffer, if there is one.
type tapeConn struct {
	io.Reader
	to *bytes.Buffer
}

func (c tapeConn) Write(p []byte) (int, error) {
	if c.to != nil {
		return c.to.Write(p)
	}
	return len(p), nil
}
func (tapeConn) Close() error                     { return nil }
func (tapeConn) LocalAddr() net.Addr              { return nil }
func (tapeConn) RemoteAddr() net.Addr             { return nil }
func (tapeConn) SetDeadline(time.Time) error      { return nil }
func (tapeConn) SetReadDeadline(time.Time) error  { return nil }
func (tapeConn) SetWriteDeadline(time.Time) error { return nil }

// bothEnds are the states of the two ends of one connection, from which each run
// of the fuzzer starts anew: one end seals, the other opens.
func bothEnds(t testing.TB) (client, server []byte) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var ends [2]*transport.Conn
	var failed [2]error
	var both sync.WaitGroup
	both.Go(func() {
		nc, err := net.Dial("tcp", l.Addr().String())
		if failed[0] = err; err == nil {
			trust := func(context.Context, key.Public) error { return nil }
			ends[0], failed[0] = transport.Client(t.Context(), nc, &transport.Config{Exportable: true, VerifyHostKey: trust})
		}
	})
	both.Go(func() {
		nc, err := l.Accept()
		if failed[1] = err; err == nil {
			ends[1], failed[1] = transport.Server(t.Context(), nc, fuzzConfig(nil))
		}
	})
	both.Wait()
	if err := errors.Join(failed[0], failed[1]); err != nil {
		t.Fatal(err)
	}
	var states [2][]byte
	for i, c := range ends {
		c.AuthSucceeded()
		if states[i], err = c.Export(); err != nil {
			t.Fatal(err)
		}
		c.NetConn().Close()
	}
	return states[0], states[1]
}

func fuzzConfig(start func(func())) *transport.Config {
	return &transport.Config{Exportable: true, HostKeys: []key.Signer{hostKey()}, Go: start}
}

// FuzzMux is a whole connection: the bytes are strings, each a message as it
// comes out of the cipher, and go through a real pair of transports. Channel 0 is
// one that this side has asked for; the peer may open others.
func FuzzMux(f *testing.F) {
	client, server := bothEnds(f)
	pack := func(messages ...[]byte) (b []byte) {
		for _, m := range messages {
			b = wire.AppendString(b, m)
		}
		return b
	}
	open := rejection(7, 1<<20, "")[:0]
	open = wire.AppendString(append(open, wire.MsgChannelOpen), "session")
	open = append(open, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 0x80, 0)
	confirm := []byte{wire.MsgChannelOpenConfirm, 0, 0, 0, 0, 0, 0, 0, 3, 0, 16, 0, 0, 0, 0, 0x80, 0}
	f.Add(pack(confirm, []byte{wire.MsgChannelData, 0, 0, 0, 0, 0, 0, 0, 1, 'x'}, []byte{wire.MsgChannelEOF, 0, 0, 0, 0}, []byte{wire.MsgChannelClose, 0, 0, 0, 0}))
	f.Add(pack(open, []byte{wire.MsgChannelWindowAdjust, 0, 0, 0, 1, 255, 255, 255, 255}, []byte{wire.MsgChannelClose, 0, 0, 0, 1}))
	f.Add(pack([]byte{wire.MsgChannelOpenFailure, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, []byte{wire.MsgRequestSuccess}, []byte{wire.MsgPing, 0, 0, 0, 0}))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := slab.Out()
		var started sync.WaitGroup
		start := func(f func()) { started.Go(f) }
		conn, err := transport.Import(tapeConn{Reader: sealedBy(t, client, b)}, server, fuzzConfig(start))
		if err != nil {
			t.Fatal(err)
		}
		m := New(conn, Config{MaxChannels: 8, Open: echo, Global: func(r *GlobalRequest) { r.Reply(r.Name == "yes", r.Payload) }})
		ours := ask(t, m)
		var used sync.WaitGroup
		used.Go(func() {
			if <-ours.opened == nil {
				io.Copy(io.Discard, ours)
			}
			ours.Close()
		})
		if err := m.Run(); err == nil {
			t.Error("it ended without an error")
		}
		conn.Close()
		used.Wait()
		started.Wait()
		if n := m.queued.Load(); n != 0 {
			t.Errorf("%d bytes of requests are still counted", n)
		}
		if n := slab.Out() - before; n != 0 {
			t.Errorf("%d slabs are still out", n)
		}
		if n := grown.Load(); n != 0 {
			t.Errorf("windows are grown by %d still", n)
		}
	})
}

// sealedBy is what the other end would write for the messages in b.
func sealedBy(t testing.TB, state, b []byte) *bytes.Buffer {
	out := new(bytes.Buffer)
	conn, err := transport.Import(tapeConn{bytes.NewReader(nil), out}, state, &transport.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := wire.NewReader(b)
	for n := 0; r.Len() > 0 && n < 200; n++ {
		if m := r.Bytes(); len(m) > 0 && len(m) <= wire.MaxPayload {
			if err := conn.SendLane(transport.Bulk, m); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := conn.Drain(); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	return out
}

// ask makes a channel that has been asked for and not been answered yet.
func ask(t testing.TB, m *Mux) *Channel {
	ch := newChannel(m, "session", Options{})
	ch.opened = make(chan error, 1)
	m.open++
	if err := m.add(ch); err != nil || ch.local != 0 {
		t.Fatal(ch.local, err)
	}
	return ch
}

// echo accepts a channel, answers some of its requests, and gives back what
// comes.
func echo(in *Incoming) {
	if in.Type == "refuse" {
		return
	}
	ch, err := in.Accept(nil, Options{Requests: func(r *Request) { r.Reply(r.Name == "shell") }})
	if err != nil {
		return
	}
	defer ch.Close()
	b := make([]byte, 100)
	for {
		n, err := ch.Read(b)
		if err != nil {
			return
		}
		if _, err := ch.Write(b[:n]); err != nil {
			return
		}
	}
}
