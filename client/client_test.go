package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/internal/leakcheck"
	"github.com/nacre-ssh/nacre/transport"
)

// run runs a command and returns what it wrote and how it ended.
func run(t *testing.T, c *Client, opts SessionOptions, command string) (out, errs string, exit Exit) {
	t.Helper()
	s, err := c.OpenSession(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if command == "" {
		err = s.Shell()
	} else {
		err = s.Exec(command)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.CloseWrite()
	a, err := io.ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(s.Stderr())
	if err != nil {
		t.Fatal(err)
	}
	if exit, err = s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return string(a), string(b), exit
}

func TestSessions(t *testing.T) {
	stage := newStage(t)
	stage.listen(t)
	c := stage.dial(t, stage.config())
	if out, errs, exit := run(t, c, SessionOptions{}, "speak"); out != "out" || errs != "err" || exit.Status != 0 {
		t.Errorf("speak: %q, %q, %+v", out, errs, exit)
	}
	if _, _, exit := run(t, c, SessionOptions{}, "fail"); exit.Status != 7 {
		t.Errorf("fail: %+v", exit)
	}
	if _, _, exit := run(t, c, SessionOptions{}, "die"); exit.Signal != "KILL" || !exit.CoreDumped {
		t.Errorf("die: %+v", exit)
	}
	opts := SessionOptions{
		PTY: &PTY{Term: "vt100", Window: Window{Columns: 80, Rows: 24}, Modes: []byte{53, 0, 0, 0, 0, 0}},
		Env: []string{"A=1", "SECRET=2", "B=with=sign", "EMPTY="},
	}
	if out, _, _ := run(t, c, opts, ""); out != "[A=1 B=with=sign EMPTY=] vt100{80 24 0 0} 1\n" {
		t.Errorf("shell: %q", out)
	}
}

func TestSubsystemAndBulk(t *testing.T) {
	stage := newStage(t)
	stage.listen(t)
	c := stage.dial(t, stage.config())
	s, err := c.OpenSession(t.Context(), SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Subsystem("echo"); err != nil {
		t.Fatal(err)
	}
	if s.Exec("true") == nil {
		t.Error("a session started two programs")
	}
	sent, back := sha256.New(), sha256.New()
	go func() {
		s.ReadFrom(io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), 16<<20), sent))
		s.CloseWrite()
	}()
	n, err := s.WriteTo(back)
	if err != nil || n != 16<<20 || !bytes.Equal(sent.Sum(nil), back.Sum(nil)) {
		t.Errorf("%d bytes came back, %v", n, err)
	}
	if _, err := s.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSignalAndResize(t *testing.T) {
	stage := newStage(t)
	stage.listen(t)
	c := stage.dial(t, stage.config())
	for command, act := range map[string]func(*Session) error{
		"signals": func(s *Session) error { return s.Signal("USR1") },
		"sizes":   func(s *Session) error { return s.Resize(Window{132, 50, 1, 2}) },
	} {
		s, err := c.OpenSession(t.Context(), SessionOptions{PTY: &PTY{}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Exec(command), act(s)); err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(s)
		if want := map[string]string{"signals": "USR1\n", "sizes": "{132 50 1 2}\n"}[command]; string(out) != want || err != nil {
			t.Errorf("%s: %q, %v", command, out, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	stage := newStage(t)
	stage.listen(t)
	c := stage.dial(t, stage.config())
	s, err := c.OpenSession(t.Context(), SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Exec("unheard of"); err != nil {
		t.Fatal(err)
	}
	var refused *RefusedError
	if _, err := s.Wait(t.Context()); !errors.As(err, &refused) || refused.Request != "exec" {
		t.Errorf("a refused command: %v", err)
	}
	if err := c.NoMoreSessions(); err != nil {
		t.Fatal(err)
	}
	// Global requests are answered in order: this one's answer says that the
	// one before was heard.
	if _, _, err := c.Mux.Request(t.Context(), "barrier@nacre", true, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.OpenSession(t.Context(), SessionOptions{}); err == nil {
		t.Error("a session was opened after no-more-sessions")
	}
}

// A session whose connection goes away says so.
func TestConnectionLost(t *testing.T) {
	stage := newStage(t)
	stage.listen(t)
	c := stage.dial(t, stage.config())
	s, err := c.OpenSession(t.Context(), SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Exec("cat"); err != nil {
		t.Fatal(err)
	}
	echo := make([]byte, 1)
	if _, err := s.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, echo); err != nil {
		t.Fatal(err)
	}
	c.Conn.Close()
	if _, err := s.Wait(t.Context()); !errors.Is(err, ErrNoExit) {
		t.Errorf("%v", err)
	}
}

func TestWaitIsCancelled(t *testing.T) {
	stage := newStage(t)
	stage.listen(t)
	c := stage.dial(t, stage.config())
	s, err := c.OpenSession(t.Context(), SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestDialErrors(t *testing.T) {
	stage := newStage(t)
	stage.listen(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := free.Addr().(*net.TCPAddr).Port
	free.Close()
	var connect *ConnectError
	if _, err := Dial(t.Context(), "127.0.0.1", closed, stage.config()); !errors.As(err, &connect) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("closed port: %v", err)
	}
	var dns *net.DNSError
	if _, err := Dial(t.Context(), "host.invalid", 22, stage.config()); !errors.As(err, &dns) {
		t.Errorf("unknown host: %v", err)
	}
	cfg := stage.config()
	cfg.HostKey = nil
	var hostKey *transport.HostKeyError
	if _, err := Dial(t.Context(), "127.0.0.1", stage.port(), cfg); !errors.As(err, &hostKey) {
		t.Errorf("no policy: %v", err)
	}
	refusal := errors.New("not this one")
	cfg.HostKey = func(context.Context, Presented) error { return refusal }
	if _, err := Dial(t.Context(), "127.0.0.1", stage.port(), cfg); !errors.Is(err, refusal) {
		t.Errorf("refused key: %v", err)
	}
	cfg = stage.config()
	cfg.Auth.Methods = nil
	var denied *auth.Error
	if _, err := Dial(t.Context(), "127.0.0.1", stage.port(), cfg); !errors.As(err, &denied) || !strings.Contains(err.Error(), "Permission denied (publickey)") {
		t.Errorf("no key: %v", err)
	}
	cfg = stage.config()
	cfg.LocalAddr = "no address"
	if _, err := Dial(t.Context(), "127.0.0.1", stage.port(), cfg); !errors.As(err, &connect) {
		t.Errorf("bad local address: %v", err)
	}
}

// settle lets what is on its way in a bubble arrive. It takes no time.
func settle() { time.Sleep(time.Hour) }

// A server that says nothing is given up after the timeout, and the time that
// the question about the host key takes doesn't count.
func TestConnectTimeout(t *testing.T) {
	leakcheck.Check(t)
	stage := newStage(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer b.Close()
		go io.Copy(io.Discard, b)
		cfg := stage.config()
		cfg.ConnectTimeout = 10 * time.Second
		begin := time.Now()
		_, err := New(t.Context(), a, "stage", 22, cfg)
		if !errors.Is(err, ErrTimeout) || time.Since(begin) != cfg.ConnectTimeout {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		a, b := longPath(0)
		ctx, cancel := context.WithCancel(t.Context())
		go stage.ServeConn(ctx, b)
		cfg := stage.config()
		cfg.ConnectTimeout = 10 * time.Second
		judge := cfg.HostKey
		cfg.HostKey = func(ctx context.Context, p Presented) error {
			time.Sleep(time.Minute) // somebody thinks
			return judge(ctx, p)
		}
		c, err := New(t.Context(), a, "stage", 22, cfg)
		if err != nil {
			t.Error(err)
		} else {
			c.Close()
		}
		cancel()
		settle()
	})
}

// Each round trip is spent once: five to the exit status of a command, four
// where the remembered lists let the client guess.
func TestRoundTrips(t *testing.T) {
	leakcheck.Check(t)
	stage := newStage(t)
	dir := t.TempDir()
	const oneWay = 50 * time.Millisecond
	for _, most := range []int{5, 4, 4} {
		synctest.Test(t, func(t *testing.T) {
			a, b := longPath(oneWay)
			ctx, cancel := context.WithCancel(t.Context())
			defer settle()
			defer cancel()
			go stage.ServeConn(ctx, b)
			cfg := stage.config()
			cfg.Remember = dir
			begin := time.Now()
			c, err := New(t.Context(), a, "stage", 22, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			s, err := c.OpenSession(t.Context(), SessionOptions{PTY: &PTY{}, Env: []string{"A=1"}})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Exec("fail"); err != nil {
				t.Fatal(err)
			}
			exit, err := s.Wait(t.Context())
			if err != nil || exit.Status != 7 {
				t.Errorf("%+v, %v", exit, err)
			}
			if trips := float64(time.Since(begin)) / float64(2*oneWay); trips > float64(most) {
				t.Errorf("%.1f round trips, not %d", trips, most)
			}
		})
	}
}

func TestKeepAliveEndsADeadConnection(t *testing.T) {
	leakcheck.Check(t)
	stage := newStage(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := longPath(0)
		ctx, cancel := context.WithCancel(t.Context())
		defer settle()
		defer cancel()
		dam := &dam{Conn: b}
		go stage.ServeConn(ctx, dam)
		cfg := stage.config()
		cfg.Mux.KeepAlive, cfg.Mux.KeepAliveMax = 10*time.Second, 3
		c, err := New(t.Context(), a, "stage", 22, cfg)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute) // the server answers: it lives
		if c.Err() != nil {
			t.Fatalf("ended: %v", c.Err())
		}
		dam.closed.Store(true)
		begin := time.Now()
		<-c.Done()
		if d := time.Since(begin); d > 60*time.Second {
			t.Errorf("given up after %v", d)
		}
	})
}

func TestMemory(t *testing.T) {
	dir := t.TempDir()
	m := memoryOf(dir, "Host.example", 22)
	if m != memoryOf(dir, "host.EXAMPLE", 22) || m == memoryOf(dir, "host.example", 23) {
		t.Error("a host has one file for each port, however its name is written")
	}
	if m.load() != nil {
		t.Error("something is remembered of nobody")
	}
	lists := transport.PeerLists{Kex: []string{"a", "b"}, HostKeys: []string{"c"}}
	m.save(nil, lists)
	info, err := os.Stat(m.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	got := m.load()
	if got == nil || strings.Join(got.Kex, ",") != "a,b" || strings.Join(got.HostKeys, ",") != "c" {
		t.Fatalf("%+v", got)
	}
	if err := os.Chtimes(m.path, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	m.save(got, lists)
	if again, err := os.Stat(m.path); err != nil || !again.ModTime().Equal(time.Unix(1, 0)) {
		t.Error("what has not changed was written again")
	}
	m.save(got, transport.PeerLists{Kex: []string{strings.Repeat("x", maxMemory)}, HostKeys: []string{"c"}})
	if text, err := os.ReadFile(m.path); err != nil || len(text) > 100 {
		t.Error("lists that are too long were written")
	}
	if err := os.WriteFile(m.path, make([]byte, maxMemory+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if m.load() != nil {
		t.Error("a file that is too long was read")
	}
	if left, err := filepath.Glob(filepath.Join(dir, "new*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	memoryOf("", "host", 22).save(nil, lists)
	if memoryOf("", "host", 22).load() != nil {
		t.Error("no directory remembers nothing")
	}
}

func FuzzLists(f *testing.F) {
	f.Add([]byte("kex curve25519-sha256,ext-info-s\nhostkey ssh-ed25519\n"))
	f.Add([]byte("kex a\nhostkey b"))
	f.Add([]byte("kex \n"))
	f.Add([]byte("other a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		lists := parseLists(text)
		if lists == nil {
			return
		}
		again := parseLists(appendLists(nil, *lists))
		if again == nil || strings.Join(again.Kex, ",") != strings.Join(lists.Kex, ",") || strings.Join(again.HostKeys, ",") != strings.Join(lists.HostKeys, ",") {
			t.Errorf("%+v became %+v", lists, again)
		}
	})
}
