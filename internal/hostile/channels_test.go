package hostile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/leakcheck"
	"github.com/nacre-ssh/nacre/internal/slab"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

// accept has the victim give each channel to handle.
func accept(handle func(*mux.Channel)) func(*stack) {
	return func(s *stack) {
		s.mux.Open = func(in *mux.Incoming) {
			if ch, err := in.Accept(nil, mux.Options{}); err == nil {
				handle(ch)
			}
		}
	}
}

// zeros is an endless source.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// drip is an endless source of one byte at a time.
type drip struct{}

func (drip) Read(p []byte) (int, error) { p[0] = 0; return 1, nil }

// A peer that opens all the window there is, takes packets of one byte, and
// reads nothing: what is sent to it waits in a bounded queue, however small the
// pieces are.
func TestSendingToTheDeaf(t *testing.T) {
	chunk := make([]byte, 1<<20)
	for name, row := range map[string]struct {
		maxPacket int
		send      func(*mux.Channel)
	}{
		"packets of 1 byte, written":       {1, func(ch *mux.Channel) { ch.Write(chunk) }},
		"packets of 1 byte, read from":     {1, func(ch *mux.Channel) { ch.ReadFrom(zeros{}) }},
		"one byte at a time":               {1 << 15, func(ch *mux.Channel) { ch.ReadFrom(drip{}) }},
		"large packets":                    {1<<32 - 1, func(ch *mux.Channel) { ch.ReadFrom(zeros{}) }},
		"stderr":                           {1 << 15, func(ch *mux.Channel) { ch.Stderr().ReadFrom(zeros{}) }},
		"requests":                         {1 << 15, func(ch *mux.Channel) { requests(ch) }},
		"requests that nobody will answer": {1 << 15, func(ch *mux.Channel) { asks(ch) }},
		"keystrokes":                       {1 << 15, func(ch *mux.Channel) { ch.SetInteractive(); ch.ReadFrom(drip{}) }},
	} {
		for _, role := range roles {
			t.Run(role+" "+name, func(t *testing.T) {
				leakcheck.Check(t) // no sender outlives its connection
				s := attack(t, role, deafen, accept(row.send)).reach(open)
				b := newBudget(t)
				const channels = 32
				for range channels {
					s.must(s.peer.Send(msg(wire.MsgChannelOpen, "session", 7, 1<<32-1, row.maxPacket)))
				}
				s.quiet()
				b.check("while nobody reads", 16<<20, 2*channels+16)
				s.peer.Conn.Close()
				s.wait()
			})
		}
	}
}

func requests(ch *mux.Channel) {
	for {
		if _, err := ch.Request(context.Background(), "x", false, nil); err != nil {
			return
		}
	}
}

func asks(ch *mux.Channel) {
	for range 3000 {
		if _, err := ch.Ask("x", true, nil); err != nil {
			break
		}
	}
	<-ch.Done()
}

// quiet waits until the victim has stopped asking for memory.
func (s *stack) quiet() {
	for was, calm := int64(-1), 0; calm < 10; {
		time.Sleep(10 * time.Millisecond) // nothing tells that nothing happens
		if now := slab.Out(); now != was {
			was, calm = now, 0
		} else {
			calm++
		}
	}
}

// Windows and packet sizes at their ends. A writer waits for credit and ends
// with the connection.
func TestWindowsAtTheirEnds(t *testing.T) {
	for name, row := range map[string]struct {
		window, maxPacket int
		data              int // bytes that must come
		largest           int // and the largest piece
	}{
		"a window of 0":   {0, 1 << 15, 0, 0},
		"a window of 1":   {1, 1 << 15, 1, 1},
		"packets of 1":    {1000, 1, 1000, 1},
		"all of 32 bits":  {1<<32 - 1, 1<<32 - 1, 1 << 20, 65280},
		"smaller packets": {100_000, 999, 100_000, 999},
	} {
		t.Run(name, func(t *testing.T) {
			wrote := make(chan int, 1)
			s := attack(t, "server", accept(func(ch *mux.Channel) {
				n, _ := ch.Write(make([]byte, 1<<20))
				wrote <- n
			})).reach(open)
			s.openChannel(row.window, row.maxPacket)
			got, _ := s.receive(row.data, row.largest)
			s.must(s.peer.Send(msg(wire.MsgPing, "more?")))
			m, err := s.peer.Expect(wire.MsgPong, wire.MsgChannelData)
			s.must(err)
			if m[0] != wire.MsgPong || got != row.data {
				t.Fatalf("%d bytes came, then message %d", got, m[0])
			}
			s.must(s.peer.Send(msg(wire.MsgChannelClose, 0)))
			select {
			case n := <-wrote:
				if n != row.data {
					t.Errorf("Write says %d, %d came", n, row.data)
				}
			case <-time.After(patience):
				t.Fatalf("the writer hangs:\n%s", stacks())
			}
		})
	}
}

// receive reads channel data until want bytes are there.
func (s *stack) receive(want, largest int) (total, packets int) {
	s.t.Helper()
	for total < want {
		m, err := s.peer.Expect(wire.MsgChannelData)
		s.must(err)
		r := wire.NewReader(m[5:])
		n := len(r.Bytes())
		if n == 0 || n > largest || r.End() != nil {
			s.t.Fatalf("a piece of %d bytes, at most %d may come", n, largest)
		}
		total += n
		packets++
	}
	return total, packets
}

// A peer that adjusts beyond 2^32-1 in one or many steps is refused; up to it,
// it is not.
func TestWindowOverflow(t *testing.T) {
	for _, role := range roles {
		s := attack(t, role).reach(open)
		s.openChannel(0, 1<<15)
		s.must(s.peer.Send(msg(wire.MsgChannelWindowAdjust, 0, 1<<32-1)))
		s.must(s.peer.Send(msg(wire.MsgChannelWindowAdjust, 0, 1)))
		s.dead(wire.DisconnectProtocolError)
		s = attack(t, role).reach(open)
		s.openChannel(1<<32-1, 1<<15)
		s.must(s.peer.Send(msg(wire.MsgChannelWindowAdjust, 0, 0)))
		s.alive()
	}
}

// Extended data of a type that nobody knows is thrown away and its credit given
// back, so that a channel can't run dry of it.
func TestUnknownExtendedDataGivesCredit(t *testing.T) {
	for _, role := range roles {
		s := attack(t, role).reach(open)
		s.openChannel(1<<20, 1<<15)
		data := string(make([]byte, 32<<10))
		credit := 2 << 20 // the window at the start
		for sent := 0; sent < 16<<20; sent += len(data) {
			for credit < len(data) {
				m, err := s.peer.Expect(wire.MsgChannelWindowAdjust)
				s.must(err)
				r := wire.NewReader(m[5:])
				credit += int(r.Uint32())
			}
			credit -= len(data)
			s.must(s.peer.Send(msg(wire.MsgChannelExtendedData, 0, 1000, data)))
		}
		s.alive()
	}
}

// recorder is a sink whose first write waits and says afterwards what it wrote.
type recorder struct {
	began, proceed chan struct{}
	got            chan []byte
	once           atomic.Bool
}

func (r *recorder) TryWrite([]byte) (int, error) { return 0, nil }
func (r *recorder) Write(b []byte) (int, error) {
	if r.once.CompareAndSwap(false, true) {
		close(r.began)
		<-r.proceed
		r.got <- bytes.Clone(b)
	}
	return len(b), nil
}

// Bytes that a slow sink is being given stay what they are when the channel is
// closed meanwhile: their buffer must not serve another connection yet.
func TestSinkKeepsItsBytes(t *testing.T) {
	sink := &recorder{began: make(chan struct{}), proceed: make(chan struct{}), got: make(chan []byte, 1)}
	channel := make(chan *mux.Channel, 1)
	s := attack(t, "server", accept(func(ch *mux.Channel) { ch.SetSink(sink); channel <- ch })).reach(open)
	s.openChannel(1<<20, 1<<15)
	data := bytes.Repeat([]byte("mine"), 8<<10)
	for range 40 {
		s.must(s.peer.Send(msg(wire.MsgChannelData, 0, string(data))))
	}
	<-sink.began
	s.alive() // all that was sent has been read, and the reader has moved on to other slabs
	(<-channel).Close()
	var lent []*slab.Slab
	for range 32 {
		x := slab.Get(slab.Small)
		copy(x.Bytes(), bytes.Repeat([]byte("yours"), slab.Small/5))
		lent = append(lent, x)
	}
	for range 8 {
		x := slab.Get(slab.Large)
		copy(x.Bytes(), bytes.Repeat([]byte("yours"), slab.Large/5))
		lent = append(lent, x)
	}
	close(sink.proceed)
	got := <-sink.got
	for _, x := range lent {
		x.Release()
	}
	if !bytes.HasPrefix(data, got) {
		t.Fatalf("the sink was given %.20q", got)
	}
}

// Channels opened and closed again and again leave nothing behind.
func TestChannelChurn(t *testing.T) {
	for _, role := range roles {
		s := attack(t, role, accept(func(ch *mux.Channel) {
			io.Copy(io.Discard, ch)
			ch.Close()
		})).reach(open)
		b := newBudget(t)
		for range 2000 {
			s.must(s.peer.Send(msg(wire.MsgChannelOpen, "session", 7, 1<<20, 1<<15)))
			m, err := s.peer.Expect(wire.MsgChannelOpenConfirm)
			s.must(err)
			n := int(be32(m[5:]))
			s.must(s.peer.Send(
				msg(wire.MsgChannelData, n, "x"), msg(wire.MsgChannelRequest, n, "shell", false),
				msg(wire.MsgChannelEOF, n), msg(wire.MsgChannelClose, n)))
			_, err = s.peer.Expect(wire.MsgChannelClose)
			s.must(err)
			if n >= 64 {
				t.Fatalf("channel number %d", n)
			}
		}
		s.alive()
		b.check("after 2000 channels", 4<<20, 8)
	}
}

func be32(b []byte) uint32 { r := wire.NewReader(b); return r.Uint32() }

// What the victim asks for and is answered badly, or never.
func TestAnswersToOurOwn(t *testing.T) {
	type asked struct {
		ok  bool
		err error
	}
	ask := func(t *testing.T, role string) (*stack, chan asked) {
		s := attack(t, role).reach(open)
		got := make(chan asked, 3)
		m := <-s.authed
		go func() {
			ok, _, err := m.Request(context.Background(), "x", true, nil)
			got <- asked{ok, err}
		}()
		go func() {
			ch, err := m.OpenChannel(context.Background(), "session", nil, mux.Options{})
			if err == nil {
				_, err = ch.Request(context.Background(), "exec", true, nil)
			}
			got <- asked{err == nil, err}
		}()
		for range 2 {
			_, err := s.peer.Expect(wire.MsgGlobalRequest, wire.MsgChannelOpen)
			s.must(err)
		}
		return s, got
	}
	for _, role := range roles {
		for name, answers := range map[string][][]byte{
			"never":                {},
			"channel twice":        {msg(wire.MsgChannelOpenConfirm, 0, 1, 1, 1), msg(wire.MsgChannelOpenConfirm, 0, 1, 1, 1)},
			"yes and no":           {msg(wire.MsgChannelOpenConfirm, 0, 1, 1, 1), msg(wire.MsgChannelOpenFailure, 0, 1, "", "")},
			"no and yes":           {msg(wire.MsgChannelOpenFailure, 0, 1, "", ""), msg(wire.MsgChannelOpenConfirm, 0, 1, 1, 1)},
			"packets of nothing":   {msg(wire.MsgChannelOpenConfirm, 0, 1, 1, 0)},
			"data before the yes":  {msg(wire.MsgChannelData, 0, "x")},
			"close before the yes": {msg(wire.MsgChannelClose, 0)},
			"request before":       {msg(wire.MsgChannelRequest, 0, "x", true)},
			"close, then data":     {msg(wire.MsgChannelOpenConfirm, 0, 1, 1, 1), msg(wire.MsgChannelClose, 0), msg(wire.MsgChannelData, 0, "x")},
			"many replies":         {msg(wire.MsgRequestSuccess), msg(wire.MsgRequestSuccess), msg(wire.MsgChannelOpenConfirm, 0, 1, 1, 1), msg(wire.MsgChannelSuccess, 0), msg(wire.MsgChannelSuccess, 0)},
			"truncated":            {msg(wire.MsgChannelOpenConfirm, 0, 1)},
		} {
			t.Run(role+" "+name, func(t *testing.T) {
				s, got := ask(t, role)
				for _, m := range answers {
					s.must(s.peer.Send(m))
				}
				s.verdict(nothing)
				s.peer.Conn.Close()
				s.wait()
				for range 2 {
					select {
					case <-got:
					case <-time.After(patience):
						t.Fatalf("who asked hangs:\n%s", stacks())
					}
				}
			})
		}
	}
}

// A connection that ends while its round trip is being measured, a reply to
// that outstanding.
func TestEndsWhileMeasuring(t *testing.T) {
	for _, role := range roles {
		s := attack(t, role, accept(func(ch *mux.Channel) { io.Copy(io.Discard, ch) })).reach(open)
		s.openChannel(1<<20, 1<<15)
		for range 64 {
			s.must(s.peer.Send(msg(wire.MsgChannelData, 0, string(make([]byte, 16<<10)))))
		}
		_, err := s.peer.Expect(wire.MsgGlobalRequest)
		s.must(err)
		s.peer.Conn.Close()
		if err := s.wait(); err == nil {
			t.Error("it ended without an error")
		}
	}
}

// The keepalive gives up a peer that is silent, not one that talks.
func TestKeepAlive(t *testing.T) {
	s := attack(t, "server", func(s *stack) { s.mux.KeepAlive, s.mux.KeepAliveMax = 20*time.Millisecond, 2 }).reach(open)
	if err := s.wait(); !errors.Is(err, mux.ErrDead) {
		t.Fatalf("%v", err)
	}
}

// A peer that reads nothing while it is told why it is cut off doesn't hold the
// end up.
func TestEndOfTheDeaf(t *testing.T) {
	for _, role := range roles {
		s := attack(t, role, deafen, accept(func(ch *mux.Channel) { ch.ReadFrom(zeros{}) })).reach(open)
		s.openChannel(1<<32-1, 1<<15)
		s.quiet()
		s.must(s.peer.Send([]byte{wire.MsgNewKeys}))
		var gone *transport.DisconnectError
		if err := s.wait(); !errors.As(err, &gone) || gone.Remote {
			t.Errorf("%v", err)
		}
	}
}

// Half-open connections: a peer whose connection breaks at any moment.
func TestBrokenAnywhere(t *testing.T) {
	for _, role := range roles {
		for state := connected; state < noOfStates; state++ {
			for _, cut := range []func(net.Conn) error{
				net.Conn.Close,
				func(c net.Conn) error { return c.(*net.TCPConn).CloseWrite() },
				func(c net.Conn) error { c.(*net.TCPConn).SetLinger(0); return c.Close() },
			} {
				s := attack(t, role)
				if state > connected {
					s.reach(state)
				}
				cut(s.peer.Conn)
				if err := s.wait(); err == nil {
					t.Errorf("%s, %s: it ended without an error", role, stateNames[state])
				}
			}
		}
	}
}
