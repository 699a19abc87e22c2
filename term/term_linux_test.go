package term

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// childRole makes the test binary play a program at a terminal.
const childRole = "NACRE_TERM_CHILD"

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		child(role)
		return
	}
	testpeer.Hangups()
	os.Exit(m.Run())
}

func child(role string) {
	ctx := context.Background()
	switch role {
	case "raw", "panic", "exit":
		if _, err := Raw(os.Stdin); err != nil {
			fmt.Println("failed:", err)
			return
		}
		fmt.Print("ready\n")
		if role == "panic" {
			defer Rescue()
			panic("on purpose")
		}
		if role == "exit" {
			RestoreAll()
			os.Exit(7)
		}
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "password":
		secret, err := ReadPassword(ctx, "Password: ")
		fmt.Printf("got %q %v\n", secret, err)
	case "confirm":
		ok, err := Confirm(ctx, "Sure? ", "SHA256:abc")
		fmt.Printf("got %v %v\n", ok, err)
	case "cancelled":
		ctx, cancel := context.WithCancel(ctx)
		go func() {
			_, _ = io.ReadAll(os.NewFile(3, "cancel"))
			cancel()
		}()
		_, err := ReadPassword(ctx, "Password: ")
		fmt.Printf("got %v\n", err)
	}
}

// session is a child on a pty of its own.
type session struct {
	t      *testing.T
	pty    *PTY
	cmd    *exec.Cmd
	out    *bufio.Reader
	before unix.Termios
}

func start(t *testing.T, role string, extra ...*os.File) *session {
	t.Helper()
	p, err := OpenPTY(PTYOptions{Size: Size{Columns: 80, Rows: 24}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	s := &session{t: t, pty: p, out: bufio.NewReader(p.Master), before: termios(t, p.Slave)}
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = append(os.Environ(), childRole+"="+role, "GORACE=atexit_sleep_ms=0")
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = p.Slave, p.Slave, p.Slave
	s.cmd.ExtraFiles = extra
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := p.Master.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return s
}

// expect reads up to a text and returns all it read.
func (s *session) expect(text string) string {
	s.t.Helper()
	var seen bytes.Buffer
	for !strings.HasSuffix(seen.String(), text) {
		c, err := s.out.ReadByte()
		if err != nil {
			s.t.Fatalf("waiting for %q after %q: %v", text, seen.String(), err)
		}
		seen.WriteByte(c)
	}
	return seen.String()
}

func (s *session) typed(text string) {
	s.t.Helper()
	if _, err := s.pty.Master.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// end waits for the child and checks that the terminal is as it was.
func (s *session) end() *os.ProcessState {
	s.t.Helper()
	_ = s.cmd.Wait() // the state says what happened
	if after := termios(s.t, s.pty.Slave); after != s.before {
		s.t.Errorf("the terminal was left as\n%+v\nit had been\n%+v", after, s.before)
	}
	return s.cmd.ProcessState
}

func signalOf(state *os.ProcessState) syscall.Signal {
	return state.Sys().(syscall.WaitStatus).Signal()
}

func termios(t *testing.T, f *os.File) unix.Termios {
	t.Helper()
	got, err := getTermios(f)
	if err != nil {
		t.Fatal(err)
	}
	return *got
}

func openPTY(t *testing.T, o PTYOptions) *PTY {
	t.Helper()
	p, err := OpenPTY(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestGuardClose(t *testing.T) {
	p := openPTY(t, PTYOptions{})
	before := termios(t, p.Slave)
	g, err := Raw(p.Slave)
	if err != nil {
		t.Fatal(err)
	}
	if raw := termios(t, p.Slave); raw.Lflag&(unix.ECHO|unix.ICANON|unix.ISIG) != 0 {
		t.Errorf("not raw: %+v", raw)
	}
	for range 2 {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		if termios(t, p.Slave) != before {
			t.Error("not given back")
		}
		if err := g.Resume(); err != nil || termios(t, p.Slave) != before {
			t.Errorf("a closed guard made the terminal raw again: %v", err)
		}
	}
}

func TestGuardSuspend(t *testing.T) {
	p := openPTY(t, PTYOptions{})
	before := termios(t, p.Slave)
	g, err := Raw(p.Slave)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	raw := termios(t, p.Slave)
	if err := g.Suspend(); err != nil || termios(t, p.Slave) != before {
		t.Errorf("suspended: %v", err)
	}
	if err := g.Resume(); err != nil || termios(t, p.Slave) != raw {
		t.Errorf("resumed: %v", err)
	}
	RestoreAll()
	if termios(t, p.Slave) != before {
		t.Error("RestoreAll left it raw")
	}
}

func TestRawNeedsATerminal(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := Raw(f); err == nil || IsTerminal(f) {
		t.Errorf("%s is no terminal: %v", os.DevNull, err)
	}
	if !IsTerminal(openPTY(t, PTYOptions{}).Slave) {
		t.Error("a pty is a terminal")
	}
}

func TestSignalRestores(t *testing.T) {
	for _, number := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		s := start(t, "raw")
		s.expect("ready")
		if err := s.cmd.Process.Signal(number); err != nil {
			t.Fatal(err)
		}
		if state := s.end(); signalOf(state) != number {
			t.Errorf("%v ended the child as %v", number, state)
		}
	}
}

func TestPanicAndExitRestore(t *testing.T) {
	for role, code := range map[string]int{"panic": 2, "exit": 7} {
		s := start(t, role)
		s.expect("ready")
		if role == "panic" {
			s.expect("on purpose")
			go func() { _, _ = io.Copy(io.Discard, s.out) }() // the stack, lest the child blocks
		}
		if state := s.end(); state.ExitCode() != code {
			t.Errorf("%s: %v", role, state)
		}
	}
}

func TestStopRestores(t *testing.T) {
	s := start(t, "raw")
	s.expect("ready")
	raw := termios(t, s.pty.Slave)
	if err := s.cmd.Process.Signal(syscall.SIGTSTP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(s.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("not stopped: %v, %v", status, err)
	}
	if termios(t, s.pty.Slave) != s.before {
		t.Error("a stopped program kept the terminal raw")
	}
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); termios(t, s.pty.Slave) != raw; {
		if time.Now().After(deadline) {
			t.Fatal("not raw again after the stop")
		}
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.end()
}

func TestReadPassword(t *testing.T) {
	s := start(t, "password")
	s.expect("Password: ")
	if termios(t, s.pty.Slave).Lflag&unix.ECHO != 0 {
		t.Error("a password is echoed")
	}
	s.typed("s3 cret\n")
	if seen := s.expect(`got "s3 cret" <nil>`); strings.Count(seen, "cret") != 1 {
		t.Errorf("the screen shows %q", seen)
	}
	s.end()
}

func TestReadPasswordInterrupted(t *testing.T) {
	s := start(t, "password")
	s.expect("Password: ")
	s.typed("half\x03")
	if state := s.end(); signalOf(state) != syscall.SIGINT {
		t.Errorf("^C ended the child as %v", state)
	}
}

func TestReadPasswordStopped(t *testing.T) {
	s := start(t, "password")
	s.expect("Password: ")
	s.typed("half\x1a")
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(s.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("^Z did not stop the child: %v, %v", status, err)
	}
	if termios(t, s.pty.Slave) != s.before {
		t.Error("a stopped question left the terminal without echo")
	}
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.expect("Password: ")
	s.typed("whole\n")
	s.expect(`got "whole" <nil>`)
	s.end()
}

func TestReadPasswordCancelled(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := start(t, "cancelled", r)
	s.expect("Password: ")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.expect("got context canceled")
	s.end()
}

func TestConfirm(t *testing.T) {
	for typed, want := range map[string]string{
		"yes\n": "true", "no\n": "false", "\n": "false", "SHA256:abc\n": "true", "what\nYES\n": "true", "SHA256:abd\nno\n": "false",
	} {
		s := start(t, "confirm")
		s.expect("Sure? ")
		for _, line := range strings.SplitAfter(strings.TrimSuffix(typed, "\n"), "\n") {
			s.typed(strings.TrimSuffix(line, "\n") + "\n")
			if strings.HasSuffix(line, "\n") {
				s.expect("or the fingerprint: ")
			}
		}
		s.expect("got " + want + " <nil>")
		s.end()
	}
}

func TestNoTerminal(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childRole+"=password", "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), ErrNoTerminal.Error()) {
		t.Errorf("%s, %v", out, err)
	}
}

func TestModesOnPTY(t *testing.T) {
	p := openPTY(t, PTYOptions{Modes: Modes{{opECHO, 0}, {1, 7}, {2, noChar}, {opIUTF8, 1}, {opOSpeed, 115200}, {opISpeed, 9600}, {140, 1}, {opOSpeed, 12345}}})
	got, err := ReadModes(p.Slave)
	if err != nil {
		t.Fatal(err)
	}
	for op, want := range map[byte]uint32{opECHO: 0, 1: 7, 2: noChar, opIUTF8: 1, opOSpeed: 115200, opCS8: 1, opCS7: 0} {
		if value, ok := got.Get(op); !ok || value != want {
			t.Errorf("mode %d is %d, not %d", op, value, want)
		}
	}
	other := openPTY(t, PTYOptions{Modes: got})
	again, err := ReadModes(other.Slave)
	if err != nil || !reflect.DeepEqual(again, got) {
		t.Errorf("modes changed on their way:\n%v\n%v, %v", got, again, err)
	}
	parsed, err := ParseModes(got.Append(nil))
	if err != nil || !reflect.DeepEqual(parsed, got) {
		t.Errorf("%v, %v", parsed, err)
	}
	if err := (Modes{{opECHO, 1}}).Apply(p.Master); err != nil {
		t.Error(err)
	}
}

func TestSevenBits(t *testing.T) {
	p := openPTY(t, PTYOptions{})
	var word unix.Termios
	for _, m := range []Mode{{opCS7, 1}, {opCS8, 0}} {
		m.apply(&word, nil, nil)
	}
	if word.Cflag&unix.CSIZE != unix.CS7 {
		t.Errorf("CS7 1, CS8 0 gives %#x", word.Cflag)
	}
	if err := (Modes{{opCS7, 1}, {opCS8, 1}}).Apply(p.Slave); err != nil || termios(t, p.Slave).Cflag&unix.CSIZE != unix.CS8 {
		t.Errorf("what OpenSSH sends for eight bits: %v", err)
	}
}

func TestResizeAndWatch(t *testing.T) {
	p := openPTY(t, PTYOptions{Size: Size{Columns: 80, Rows: 24, Width: 640, Height: 480}})
	if size, err := GetSize(p.Slave); err != nil || size != (Size{80, 24, 640, 480}) {
		t.Fatalf("%v, %v", size, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sizes := make(chan Size, 8)
	WatchSize(ctx, p.Slave, func(s Size) { sizes <- s })
	want := Size{Columns: 100, Rows: 65535}
	if err := p.Resize(Size{Columns: 100, Rows: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	// The pty isn't this process's terminal: it has to be told.
	if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-sizes:
		if got != want {
			t.Errorf("%v", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nobody told the new size")
	}
}

func TestOwner(t *testing.T) {
	p := openPTY(t, PTYOptions{Own: true, UID: os.Getuid(), GID: os.Getgid()})
	info, err := os.Stat(p.Name)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o620 && mode != 0o600 {
		t.Errorf("%s has mode %o", p.Name, mode)
	}
	if err := p.CloseSlave(); err != nil || p.CloseSlave() != nil {
		t.Errorf("closing the slave: %v", err)
	}
	if _, err := p.Master.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the master of a closed slave: %v", err)
	}
}
