package server

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/term"
)

func plays() map[string]func(*play) {
	return map[string]func(*play){
		"status": func(p *play) {
			fmt.Fprint(p.out, "out\n")
			fmt.Fprint(p.err, "err\n")
			fmt.Sscanf(p.s.Command, "status %d", &p.exit.Code)
		},
		"cat":    func(p *play) { io.Copy(p.out, p.in) },
		"signal": func(p *play) { p.exit.Signal = <-p.signals },
		"resize": func(p *play) { s := <-p.sizes; fmt.Fprintf(p.out, "%dx%d\n", s.Columns, s.Rows) },
		"":       func(p *play) { fmt.Fprintf(p.out, "shell %v\n", p.s.Shell) },
	}
}

func TestExec(t *testing.T) {
	st := open(t, nil, plays())
	s := st.session(t, st.dial(t))
	var out, err bytes.Buffer
	s.Stdout, s.Stderr = &out, &err
	s.Setenv("LC_ALL", "C")
	if s.Setenv("LD_PRELOAD", "x") == nil {
		t.Error("a variable that is not accepted was")
	}
	var exit *ssh.ExitError
	if e := s.Run("status 7"); !errors.As(e, &exit) || exit.ExitStatus() != 7 {
		t.Fatalf("%v", e)
	}
	if out.String() != "hello\nout\n" || err.String() != "note\nerr\n" {
		t.Errorf("stdout %q, stderr %q", out.String(), err.String())
	}
	if got := st.last(); !slices.Equal(got.Env, []string{"LC_ALL=C"}) || got.Login.User != "alice" || got.PTY != nil || got.Shell {
		t.Errorf("session %+v", got)
	}
}

func TestExitSignal(t *testing.T) {
	st := open(t, nil, plays())
	s := st.session(t, st.dial(t))
	if err := s.Start("signal"); err != nil {
		t.Fatal(err)
	}
	s.Signal(ssh.SIGTERM)
	var exit *ssh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.Signal() != "TERM" {
		t.Fatalf("%v", err)
	}
}

func TestShellOnTerminal(t *testing.T) {
	st := open(t, nil, plays())
	s := st.session(t, st.dial(t))
	if err := s.RequestPty("vt220", 24, 80, ssh.TerminalModes{ssh.ECHO: 0}); err != nil {
		t.Fatal(err)
	}
	if s.RequestPty("vt220", 24, 80, nil) == nil {
		t.Error("a second terminal was granted")
	}
	s.WindowChange(25, 81)
	out, err := s.Output("")
	if err != nil || !strings.Contains(string(out), "shell false") {
		t.Fatalf("%q %v", out, err)
	}
	got := st.last().PTY
	if got == nil || got.Term != "vt220" || got.Size != (term.Size{Columns: 81, Rows: 25, Width: 648, Height: 200}) {
		t.Errorf("terminal %+v", got)
	}
	if v, ok := got.Modes.Get(ssh.ECHO); !ok || v != 0 {
		t.Errorf("modes %v", got.Modes)
	}
	s = st.session(t, st.dial(t))
	var shell bytes.Buffer
	s.Stdout = &shell
	if err := s.Shell(); err != nil || s.Wait() != nil || shell.String() != "hello\nshell true\n" {
		t.Errorf("%v %q", err, shell.String())
	}
}

func TestResizeReachesProcess(t *testing.T) {
	st := open(t, nil, plays())
	s := st.session(t, st.dial(t))
	if err := s.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s.Stdout = &out
	if err := s.Start("resize"); err != nil {
		t.Fatal(err)
	}
	s.WindowChange(50, 132)
	if err := s.Wait(); err != nil || !strings.Contains(out.String(), "132x50") {
		t.Errorf("%v %q", err, out.String())
	}
}

// Both ways at once, more than any window.
func TestBulk(t *testing.T) {
	st := open(t, nil, plays())
	s := st.session(t, st.dial(t))
	data := make([]byte, 16<<20)
	rand.NewChaCha8([32]byte{1}).Read(data)
	s.Stdin = bytes.NewReader(data)
	sum := sha256.New()
	s.Stdout = sum
	if err := s.Run("cat"); err != nil {
		t.Fatal(err)
	}
	want := sha256.New()
	want.Write([]byte("hello\n"))
	want.Write(data)
	if !bytes.Equal(sum.Sum(nil), want.Sum(nil)) {
		t.Error("what came back is something else")
	}
}

func TestSubsystem(t *testing.T) {
	st := open(t, func(c *Config) { c.Subsystems = map[string]string{"seven": "status 7"} }, plays())
	c := st.dial(t)
	if st.session(t, c).RequestSubsystem("other") == nil {
		t.Error("an unknown subsystem was started")
	}
	s := st.session(t, c)
	if err := s.RequestSubsystem("seven"); err != nil {
		t.Fatal(err)
	}
	if got := st.last(); got.Subsystem != "seven" || got.Command != "status 7" {
		t.Errorf("session %+v", got)
	}
}

func TestPermit(t *testing.T) {
	permit := &auth.Permit{ForceCommand: "status 3", NoPTY: true}
	st := open(t, func(c *Config) {
		c.Policy = users{permit}
		c.Subsystems = map[string]string{"seven": "status 7"}
	}, plays())
	c := st.dial(t)
	for _, ask := range []struct {
		original string
		start    func(*ssh.Session) error
	}{
		{"rm -rf /", func(s *ssh.Session) error { return s.Start("rm -rf /") }},
		{"", func(s *ssh.Session) error { return s.Shell() }},
		{"status 7", func(s *ssh.Session) error { return s.RequestSubsystem("seven") }},
	} {
		s := st.session(t, c)
		if s.RequestPty("xterm", 24, 80, nil) == nil {
			t.Error("a terminal was granted")
		}
		if err := ask.start(s); err != nil {
			t.Fatal(err)
		}
		if got := st.last(); got.Command != "status 3" || got.Original != ask.original || got.Shell || got.Subsystem != "" {
			t.Errorf("session %+v", got)
		}
		s.Close()
	}
}

func TestOneStartForEachSession(t *testing.T) {
	st := open(t, nil, plays())
	c := st.dial(t)
	ch, requests, err := c.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(requests)
	command := ssh.Marshal(struct{ S string }{"cat"})
	for i, want := range []bool{true, false, false} {
		if ok, err := ch.SendRequest("exec", true, command); ok != want || err != nil {
			t.Fatalf("start %d: %v %v", i, ok, err)
		}
	}
	for _, name := range []string{"env", "pty-req", "auth-agent-req@openssh.com", "x11-req", "nonsense@example.com"} {
		if ok, err := ch.SendRequest(name, true, ssh.Marshal(struct{ A, B string }{"LC_X", "1"})); ok || err != nil {
			t.Errorf("%s after the start: %v %v", name, ok, err)
		}
	}
	if ok, _ := ch.SendRequest("signal", true, ssh.Marshal(struct{ S string }{"BAD"})); ok {
		t.Error("a bad signal was sent")
	}
	ch.Close()
}

// What a process still writes after the client has stopped reading must not
// hold it: its pipe is closed.
func TestClientReadsNoMore(t *testing.T) {
	broken := make(chan error, 1)
	st := open(t, nil, map[string]func(*play){"yes": func(p *play) {
		for {
			if _, err := fmt.Fprintln(p.out, "y"); err != nil {
				broken <- err
				return
			}
		}
	}})
	s := st.session(t, st.dial(t))
	if err := s.Start("yes"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := <-broken; !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}
