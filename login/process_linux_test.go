package login

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// self is the user that the tests run as, with a shell and a home that exist.
func self(t testing.TB) *User {
	t.Helper()
	u, err := new(Database).Current()
	must(t, err)
	u.Shell = "/bin/sh"
	u.Home = t.TempDir()
	return u
}

// output starts a command and reads all that it says.
func output(t testing.TB, s Spec) (stdout, stderr string, exit Exit) {
	t.Helper()
	p, err := new(Runner).Start(s)
	must(t, err)
	p.Stdin.Close()
	out, _ := io.ReadAll(p.Stdout)
	errs, _ := io.ReadAll(p.Stderr)
	exit = p.Wait()
	p.Close()
	return string(out), string(p.Notice) + string(errs), exit
}

func TestCommand(t *testing.T) {
	u := self(t)
	env := (&Environment{User: u}).List()
	for _, c := range []struct {
		command, stdout, stderr string
		exit                    Exit
	}{
		{"echo out; echo err >&2; exit 3", "out\n", "err\n", Exit{Code: 3}},
		{"pwd; echo $HOME $0", u.Home + "\n" + u.Home + " sh\n", "", Exit{}},
		{"kill -TERM $$", "", "", Exit{Signal: "TERM"}},
		{"kill -9 $$", "", "", Exit{Signal: "KILL"}},
		{"ulimit -c 0; kill -SEGV $$", "", "", Exit{Signal: "SEGV"}},
		{"kill -XCPU $$", "", "", Exit{Signal: "XCPU@openssh.com"}},
		{"exit 255", "", "", Exit{Code: 255}},
		{"", "", "", Exit{}},
	} {
		stdout, stderr, exit := output(t, Spec{User: u, Command: c.command, Env: env})
		exit.Core = false
		if stdout != c.stdout || stderr != c.stderr || exit != c.exit {
			t.Errorf("%q: %q %q %+v", c.command, stdout, stderr, exit)
		}
	}
}

func TestHomeMissing(t *testing.T) {
	u := self(t)
	u.Home = "/no/such/home"
	stdout, stderr, exit := output(t, Spec{User: u, Command: "pwd"})
	if stdout != "/\n" || stderr != "Could not chdir to home directory /no/such/home: no such file or directory\n" || exit.Code != 0 {
		t.Errorf("%q %q %+v", stdout, stderr, exit)
	}
}

// A child has three descriptors, no blocked or ignored signal, and the limits
// that this process was started with.
func TestChildInherits(t *testing.T) {
	leak, err := os.Open("/dev/null")
	must(t, err)
	defer leak.Close()
	stdout, stderr, _ := output(t, Spec{User: self(t), Command: "ls /proc/self/fd; grep -E '^Sig(Blk|Ign)' /proc/self/status; ulimit -n"})
	fields := strings.Fields(standardSignals(stdout))
	want := []string{"0", "1", "2", "3", "SigBlk:", "0000000000000000", "SigIgn:", "0000000000000000"} // 3 is ls's own
	if len(fields) != len(want)+1 || !slices.Equal(fields[:len(want)], want) {
		t.Errorf("%q %q", stdout, stderr)
	}
}

// standardSignals takes the signals from 32 up out of the masks in the text of
// /proc/self/status: the C library keeps 32 and 33 to itself, and has them
// ignored in what it spawns (make does so).
func standardSignals(status string) string {
	return regexp.MustCompile(`Sig(Blk|Ign):\t[0-9a-f]{16}`).ReplaceAllStringFunc(status, func(line string) string {
		set, _ := strconv.ParseUint(line[len("SigBlk:\t"):], 16, 64)
		return fmt.Sprintf("%s%016x", line[:len("SigBlk:\t")], set&(1<<31-1))
	})
}

func TestSignalAndHangup(t *testing.T) {
	u := self(t)
	var r Runner
	start := func() *Process {
		// A grandchild in the same group must get it too.
		p, err := r.Start(Spec{User: u, Command: "sleep 1000 & echo ready; wait"})
		must(t, err)
		line, _ := bufio.NewReader(p.Stdout).ReadString('\n')
		if line != "ready\n" {
			t.Fatalf("%q", line)
		}
		return p
	}
	p := start()
	for _, name := range []string{"", "STOP", "CONT", "SIGTERM", "term", "9"} {
		if err := p.Signal(name); !errors.Is(err, ErrSignal) {
			t.Errorf("%q: %v", name, err)
		}
	}
	must(t, p.Signal("TERM"))
	if exit := p.Wait(); exit.Signal != "TERM" {
		t.Errorf("%+v", exit)
	}
	if rest, err := io.ReadAll(p.Stdout); err != nil || len(rest) != 0 { // ends when the last of the group has
		t.Error(rest, err)
	}
	if err := p.Signal("TERM"); !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
	p.Close()
	p = start()
	p.Hangup()
	if exit := p.Wait(); exit.Signal != "HUP" {
		t.Errorf("%+v", exit)
	}
	eventually(t, "the count", func() bool { return r.Running() == 0 })
	if err := syscall.Kill(p.Pid(), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("a zombie stays: %v", err)
	}
}

func TestRunnerCap(t *testing.T) {
	r := Runner{Max: 1}
	u := self(t)
	p, err := r.Start(Spec{User: u, Command: "read x"})
	must(t, err)
	if _, err := r.Start(Spec{User: u, Command: "true"}); !errors.Is(err, ErrChildren) {
		t.Error(err)
	}
	p.Close()
	p.Wait()
	eventually(t, "the count", func() bool { return r.Running() == 0 })
	u.Shell = "/no/such/shell"
	if _, err := r.Start(Spec{User: u, Command: "true"}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if r.Running() != 0 {
		t.Error("a failed start is counted")
	}
}

func TestOtherUser(t *testing.T) {
	u := self(t)
	u.UID += 7
	p, err := OpenPTY(Window{})
	must(t, err)
	if _, err := new(Runner).Start(Spec{User: u, Command: "true", PTY: p}); !errors.Is(err, ErrOtherUser) {
		t.Error(err)
	}
	if _, err := p.Master.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Error("the terminal stays open")
	}
}

func TestNoLogin(t *testing.T) {
	u := self(t)
	dir := t.TempDir()
	r := Runner{NoLogin: []string{dir + "/none", dir + "/nologin"}}
	u.UID = 1000
	if _, closed := r.noLogin(u); closed {
		t.Error("closed without a file")
	}
	must(t, os.WriteFile(dir+"/nologin", []byte("going down\n"), 0o644))
	if text, closed := r.noLogin(u); !closed || string(text) != "going down\n" {
		t.Errorf("%q %v", text, closed)
	}
	u.UID = 0
	if _, closed := r.noLogin(u); closed {
		t.Error("closed for root")
	}
}

func TestTerminal(t *testing.T) {
	u := self(t)
	pty, err := OpenPTY(Window{Cols: 80, Rows: 24})
	must(t, err)
	motd := t.TempDir() + "/motd"
	must(t, os.WriteFile(motd, []byte("Welcome.\n"), 0o644))
	r := Runner{Motd: motd}
	name := pty.Name
	p, err := r.Start(Spec{User: u, Shell: true, PTY: pty, PrintMotd: true, Env: (&Environment{User: u, TTY: name, Term: "dumb"}).List()})
	must(t, err)
	if string(p.Greeting) != "Welcome.\r\n" {
		t.Errorf("%q", p.Greeting)
	}
	must(t, p.Resize(Window{Cols: 132, Rows: 50}))
	_, err = p.Stdin.WriteString("stty size; tty; echo \"arg0=$0\"; ps -o tpgid= -p $$ >/dev/null && echo control; exit 7\n")
	must(t, err)
	out, err := io.ReadAll(p.Stdout)
	if !IsEnd(err) {
		t.Error(err)
	}
	for _, want := range []string{"50 132", name, "arg0=-sh"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
	if exit := p.Wait(); exit.Code != 7 {
		t.Errorf("%+v", exit)
	}
	p.Close()
	must(t, os.WriteFile(u.Home+"/.hushlogin", nil, 0o644))
	if motd := r.motd(Spec{User: u, Shell: true, PrintMotd: true}); len(motd) != 0 {
		t.Errorf("%q", motd)
	}
}

// Closing the terminal hangs up what runs on it, also in other process groups.
func TestTerminalClosed(t *testing.T) {
	pty, err := OpenPTY(Window{Cols: 80, Rows: 24})
	must(t, err)
	p, err := new(Runner).Start(Spec{User: self(t), Command: "echo ready; exec sleep 1000", PTY: pty})
	must(t, err)
	if line, _ := bufio.NewReader(p.Stdout).ReadString('\n'); line != "ready\r\n" {
		t.Errorf("%q", line)
	}
	p.Close()
	if exit := p.Wait(); exit.Signal != "HUP" {
		t.Errorf("%+v", exit)
	}
}

func TestPipesAreLarge(t *testing.T) {
	p, err := new(Runner).Start(Spec{User: self(t), Command: "read x"})
	must(t, err)
	raw, err := p.Stdin.SyscallConn()
	must(t, err)
	size := 0
	must(t, raw.Control(func(fd uintptr) { size, err = unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0) }), err)
	if size != pipeSize && os.Geteuid() == 0 || size < 65536 {
		t.Errorf("a pipe holds %d bytes", size)
	}
	p.Close()
	p.Wait()
}
