package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/transport"
)

// A packetSeen is one packet as somebody on the way sees it.
type packetSeen struct {
	at   time.Time
	size int
}

// A watched connection remembers what was written to it.
type watched struct {
	net.Conn
	mu   sync.Mutex
	seen []packetSeen
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	w.seen = append(w.seen, packetSeen{time.Now(), len(b)})
	w.mu.Unlock()
	return w.Conn.Write(b)
}

// forget returns what was seen and begins anew.
func (w *watched) forget() []packetSeen {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

// typing is a session with a terminal on which everything comes back, inside a
// bubble of time, and the two directions of its connection.
func typing(t *testing.T, interval time.Duration) (s *Session, out, back *watched) {
	t.Helper()
	a, b := net.Pipe()
	out, back = &watched{Conn: a}, &watched{Conn: b}
	hostKey, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan *mux.Mux, 1)
	go func() {
		conn, err := transport.Server(t.Context(), back, &transport.Config{HostKeys: []key.Signer{hostKey}})
		if err != nil {
			t.Error(err)
			served <- nil
			return
		}
		conn.AuthSucceeded()
		m := mux.New(conn, mux.Config{Open: func(in *mux.Incoming) {
			ch, err := in.Accept(nil, mux.Options{Interactive: true, Requests: func(r *mux.Request) { r.Reply(true) }})
			if err == nil {
				ch.ReadFrom(struct{ io.Reader }{ch})
			}
		}})
		served <- m
		m.Run()
	}()
	conn, err := transport.Client(t.Context(), out, &transport.Config{VerifyHostKey: func(context.Context, key.Public) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	conn.AuthSucceeded()
	c := start(conn, &auth.Result{}, &Config{HideKeystrokes: interval}, slog.New(slog.DiscardHandler))
	m := <-served
	t.Cleanup(func() { c.Close(); <-c.Done(); <-m.Done() })
	if s, err = c.OpenSession(t.Context(), SessionOptions{PTY: &PTY{Term: "xterm"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	out.forget()
	back.forget()
	return s, out, back
}

// press types keys with these pauses between them, and returns what came back.
func press(t *testing.T, s *Session, keys string, pause time.Duration) {
	t.Helper()
	for i := range len(keys) {
		if _, err := s.Write([]byte(keys[i : i+1])); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pause)
	}
}

// Whoever sees the packets learns neither when nor how often a key was pressed:
// all are of one size and at one distance, for a while after the last key, and so
// is what comes back.
func TestKeystrokesHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 20 * time.Millisecond
		s, out, back := typing(t, interval)
		const keys = "correct horse"
		press(t, s, keys, 73*time.Millisecond)
		last := time.Now().Add(-73 * time.Millisecond)
		time.Sleep(5 * time.Second)
		got := make([]byte, len(keys))
		if _, err := io.ReadFull(s, got); err != nil || string(got) != keys {
			t.Fatalf("%q came back: %v", got, err)
		}
		sent, returned := out.forget(), back.forget()
		for i, p := range sent {
			if p.size != sent[0].size {
				t.Errorf("packet %d has %d bytes, the first %d", i, p.size, sent[0].size)
			}
			if i == 0 {
				continue
			}
			if gap := p.at.Sub(sent[i-1].at); gap < interval*9/10 || gap > interval*11/10 {
				t.Errorf("packet %d comes after %v", i, gap)
			}
		}
		if len(returned) != len(sent) {
			t.Errorf("%d packets one way, %d the other", len(sent), len(returned))
		}
		for i, p := range returned {
			if p.size != returned[0].size {
				t.Errorf("packet %d back has %d bytes, the first %d", i, p.size, returned[0].size)
			}
		}
		if after := sent[len(sent)-1].at.Sub(last); after < chaffLeast-2*interval || after > chaffLeast+chaffMore {
			t.Errorf("false keystrokes end %v after the last key", after)
		}
	})
}

// What is faster than the moments waits for the next one, in order, and not
// longer.
func TestKeystrokesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := typing(t, 100*time.Millisecond)
		for range 50 {
			began := time.Now()
			press(t, s, "abc", time.Millisecond)
			got := make([]byte, 3)
			if _, err := io.ReadFull(s, got); err != nil || string(got) != "abc" {
				t.Fatalf("%q: %v", got, err)
			}
			if d := time.Since(began); d > 110*time.Millisecond {
				t.Fatalf("an echo took %v", d)
			}
		}
		s.Write([]byte("x"))
		s.Write([]byte("y"))
		began := time.Now()
		s.CloseWrite()
		if rest, err := io.ReadAll(io.LimitReader(s, 2)); string(rest) != "xy" || err != nil || time.Since(began) > 0 {
			t.Errorf("%q after %v, %v", rest, time.Since(began), err)
		}
	})
}

// Bulk is not held up, and nothing is hidden while there is some.
func TestKeystrokesRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, out, _ := typing(t, 100*time.Millisecond)
		paste := bytes.Repeat([]byte("x"), 1<<20)
		began := time.Now()
		go s.ReadFrom(io.MultiReader(bytes.NewReader([]byte("ab")), bytes.NewReader(paste)))
		if got := make([]byte, len(paste)+2); true {
			if _, err := io.ReadFull(s, got); err != nil || string(got[:3]) != "abx" {
				t.Fatal(err)
			}
		}
		if d := time.Since(began); d > 0 {
			t.Errorf("a megabyte was held up for %v", d)
		}
		time.Sleep(5 * time.Second)
		bulk, err := s.mux.OpenChannel(t.Context(), "direct-tcpip", nil, mux.Options{})
		if err != nil {
			t.Fatal(err)
		}
		out.forget()
		press(t, s, "abc", time.Millisecond)
		time.Sleep(5 * time.Second)
		if sent := out.forget(); len(sent) != 3 {
			t.Errorf("%d packets for three keys beside bulk", len(sent))
		}
		bulk.Close()
	})
}
