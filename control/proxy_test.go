package control

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

// A stand is a server and a master of a connection to it, all in memory.
type stand struct {
	m      *Master
	server *mux.Mux
	mu     sync.Mutex
	heard  []string // global requests

	once      sync.Once
	cancelled chan struct{} // closed when something is
}

func newStand(t testing.TB) *stand {
	s := &stand{cancelled: make(chan struct{})}
	here, there := net.Pipe()
	conn := transport.Shared(there, proxiedQuirks(false), &transport.Config{})
	s.server = mux.New(conn, mux.Config{Open: s.open, Global: s.global})
	over := make(chan struct{})
	go func() {
		s.server.Run()
		close(over)
	}()
	c := client.Shared(here, proxiedQuirks(false), &client.Config{})
	s.m = &Master{Client: c, Forwards: c.Forwards(forward.Options{})}
	t.Cleanup(func() { c.Close(); <-c.Done(); <-over })
	return s
}

// open is the server's: an exec says its command and input back, and how many
// variables came before it as the exit status.
func (s *stand) open(in *mux.Incoming) {
	if in.Type != "session" {
		in.Reject(wire.OpenConnectFailed, "not from here")
		return
	}
	asked, started := uint32(0), make(chan string, 1)
	ch, err := in.Accept(nil, mux.Options{Requests: func(r *mux.Request) {
		switch r.Name {
		case "exec":
			p := wire.NewReader(r.Payload)
			r.Reply(true)
			started <- p.String()
		case "env":
			asked++
			r.Reply(true)
		}
	}})
	if err != nil {
		return
	}
	select {
	case command := <-started:
		io.WriteString(ch, command+":")
		io.Copy(ch, ch)
		io.WriteString(ch.Stderr(), "done")
		ch.Request(context.Background(), "exit-status", false, wire.AppendUint32(nil, asked))
	case <-ch.Done():
	}
	ch.Close()
}

func (s *stand) global(r *mux.GlobalRequest) {
	s.mu.Lock()
	s.heard = append(s.heard, r.Name)
	s.mu.Unlock()
	switch r.Name {
	case "tcpip-forward":
		r.Reply(true, wire.AppendUint32(nil, 4711))
	case "keepalive@openssh.com":
		r.Reply(true, nil)
	case "cancel-tcpip-forward":
		s.once.Do(func() { close(s.cancelled) })
	}
}

// visit makes a client of the master's that speaks the connection protocol.
func (s *stand) visit(t *testing.T) *client.Client {
	t.Helper()
	here, there := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan struct{})
	go func() {
		defer close(left)
		p := &proxied{served: &served{m: s.m, ctx: ctx}, up: s.m.Client.Mux}
		p.serve(transport.Shared(there, proxiedQuirks(false), &transport.Config{}))
	}()
	c := client.Shared(here, proxiedQuirks(false), &client.Config{})
	t.Cleanup(func() { c.Close(); <-left; cancel() })
	return c
}

// Sessions of several clients go side by side: requests are answered in order,
// data never overtakes the command, and the exit status comes through.
func TestProxiedSessions(t *testing.T) {
	s := newStand(t)
	big := strings.Repeat("0123456789abcdef", 1<<14)
	var all sync.WaitGroup
	for range 3 {
		c := s.visit(t)
		for range 4 {
			all.Go(func() {
				o, err := c.OpenSession(t.Context(), client.SessionOptions{Env: []string{"A=1", "B=2"}})
				if err != nil {
					t.Error(err)
					return
				}
				if ok, err := o.Request(t.Context(), "x11-req", true, nil); ok || err != nil {
					t.Errorf("x11: %v, %v", ok, err)
				}
				if err := o.Exec("say"); err != nil {
					t.Error(err)
				}
				go func() { io.WriteString(o, big); o.CloseWrite() }()
				var out, failed bytes.Buffer
				o.WriteTo(&out)
				o.Stderr().WriteTo(&failed)
				exit, err := o.Wait(t.Context())
				if out.String() != "say:"+big || failed.String() != "done" || exit.Status != 2 || err != nil {
					t.Errorf("%d bytes, %q, %+v, %v", out.Len(), failed.String(), exit, err)
				}
			})
		}
	}
	all.Wait()
}

// A channel that the server refuses is refused with its words, an unknown type by
// the master, and nobody's promise ends sessions for the others.
func TestProxiedRefusals(t *testing.T) {
	s := newStand(t)
	c := s.visit(t)
	var refused *mux.OpenError
	if _, err := c.Mux.OpenChannel(t.Context(), "direct-tcpip", nil, mux.Options{}); !errors.As(err, &refused) || refused.Text != "not from here" {
		t.Errorf("%v", err)
	}
	if _, err := c.Mux.OpenChannel(t.Context(), "auth-agent@openssh.com", nil, mux.Options{}); !errors.As(err, &refused) || refused.Reason != wire.OpenUnknownType {
		t.Errorf("%v", err)
	}
	if ok, _, err := c.Mux.Request(t.Context(), "keepalive@openssh.com", true, nil); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if ok, _, err := c.Mux.Request(t.Context(), "no-more-sessions@openssh.com", true, nil); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.heard) != 1 {
		t.Errorf("the server heard %q", s.heard)
	}
}

// What a client has the server listen for comes to it, and ends with it.
func TestProxiedListens(t *testing.T) {
	s := newStand(t)
	c := s.visit(t)
	came := make(chan string, 1)
	c.Handle("forwarded-tcpip", func(in *mux.Incoming) {
		came <- string(in.Extra)
		if ch, err := in.Accept(nil, mux.Options{}); err == nil {
			io.WriteString(ch, "hello")
			ch.CloseWrite()
			io.Copy(io.Discard, ch)
			ch.Close()
		}
	})
	ok, payload, err := c.Mux.Request(t.Context(), "tcpip-forward", true, wire.AppendUint32(wire.AppendString(nil, ""), 0))
	if !ok || err != nil || !bytes.Equal(payload, wire.AppendUint32(nil, 4711)) {
		t.Fatalf("%v, %q, %v", ok, payload, err)
	}
	from := func(port uint32) []byte {
		b := wire.AppendUint32(wire.AppendString(nil, ""), port)
		return wire.AppendUint32(wire.AppendString(b, "192.0.2.1"), 9)
	}
	ch, err := s.server.OpenChannel(t.Context(), "forwarded-tcpip", from(4711), mux.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ch.CloseWrite()
	if text, err := io.ReadAll(ch); string(text) != "hello" || err != nil || <-came != string(from(4711)) {
		t.Errorf("%q, %v", text, err)
	}
	ch.Close()
	if _, err := s.server.OpenChannel(t.Context(), "forwarded-tcpip", from(4712), mux.Options{}); err == nil {
		t.Error("nobody asked for this one")
	}
	c.Close()
	<-s.cancelled
}

// A tape is a connection that says what is on it.
type tape struct {
	io.Reader
	net.Conn
}

func (t tape) Read(b []byte) (int, error)     { return t.Reader.Read(b) }
func (tape) Write(b []byte) (int, error)      { return len(b), nil }
func (tape) Close() error                     { return nil }
func (tape) SetWriteDeadline(time.Time) error { return nil }
func (tape) SetDeadline(time.Time) error      { return nil }

// FuzzProxied is a client that says anything: it ends, and the shared connection
// lives on.
func FuzzProxied(f *testing.F) {
	frame := func(messages ...[]byte) (b []byte) {
		for _, m := range messages {
			b = wire.AppendString(b, append([]byte{0}, m...))
		}
		return b
	}
	open := wire.AppendString([]byte{wire.MsgChannelOpen}, "session")
	open = append(open, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 0x80, 0)
	exec := append(wire.AppendString([]byte{wire.MsgChannelRequest, 0, 0, 0, 0}, "exec"), 1, 0, 0, 0, 1, 'x')
	listen := append(wire.AppendString([]byte{wire.MsgGlobalRequest}, "tcpip-forward"), 1, 0, 0, 0, 0, 0, 0, 0, 0)
	f.Add(frame(open, exec, []byte{wire.MsgChannelData, 0, 0, 0, 0, 0, 0, 0, 1, 'x'}, []byte{wire.MsgChannelEOF, 0, 0, 0, 0}, []byte{wire.MsgChannelClose, 0, 0, 0, 0}))
	f.Add(frame(listen, listen, open, []byte{wire.MsgChannelWindowAdjust, 0, 0, 0, 0, 255, 255, 255, 255}))
	f.Add(frame([]byte{wire.MsgDisconnect, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0}))
	f.Add(frame([]byte{wire.MsgKexInit}, []byte{wire.MsgPing, 0, 0, 0, 0}))
	f.Add([]byte{0, 0, 0, 2, 1, 90})
	s := newStand(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := &proxied{served: &served{m: s.m, ctx: ctx}, up: s.m.Client.Mux}
		if err := p.serve(transport.Shared(tape{Reader: bytes.NewReader(b)}, proxiedQuirks(false), &transport.Config{})); err == nil {
			t.Error("it ended without an error")
		}
		cancel()
		if ok, _, err := s.m.Client.Mux.Request(context.Background(), "keepalive@openssh.com", true, nil); !ok || err != nil {
			t.Fatalf("the shared connection has ended: %v, %v", ok, err)
		}
	})
}
