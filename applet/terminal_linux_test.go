package applet

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"github.com/nacre-ssh/nacre/internal/testpeer"
	"github.com/nacre-ssh/nacre/term"
)

// A person is a program on a terminal of its own, and who sits there.
type person struct {
	t      *testing.T
	tty    *os.File // the master
	cmd    *exec.Cmd
	screen bytes.Buffer // all that was shown so far
	seen   int          // how much of it sees has gone through
	before unix.Termios
}

const patience = 30 * time.Second

// atTerminal starts ssh on a terminal of 80 columns and 24 lines.
func atTerminal(t *testing.T, args ...string) *person {
	t.Helper()
	return startAtTerminal(t, "ssh", args...)
}

func startAtTerminal(t *testing.T, program string, args ...string) *person {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir(), "TERM=vt220", "SSH_AUTH_SOCK=")
	return runAtTerminal(t, cmd)
}

// runAtTerminal starts a program on a terminal of 80 columns and 24 lines.
func runAtTerminal(t *testing.T, cmd *exec.Cmd) *person {
	t.Helper()
	p := &person{t: t, cmd: cmd}
	pair, err := term.OpenPTY(term.PTYOptions{Size: term.Size{Columns: 80, Rows: 24}})
	if err != nil {
		t.Fatal(err)
	}
	defer pair.CloseSlave()
	t.Cleanup(func() { pair.Close() })
	master, slave := pair.Master, pair.Slave
	p.tty = master
	p.control(func(fd int) error { return unix.SetNonblock(fd, true) }) // for the deadline
	p.before = p.termios()
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill() })
	if err := master.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return p
}

// control keeps the master pollable, which File.Fd would not.
func (p *person) control(do func(fd int) error) {
	p.t.Helper()
	raw, err := p.tty.SyscallConn()
	if err != nil {
		p.t.Fatal(err)
	}
	if e := raw.Control(func(fd uintptr) { err = do(int(fd)) }); e != nil || err != nil {
		p.t.Fatal(e, err)
	}
}

func (p *person) resize(columns, rows uint16) {
	p.t.Helper()
	p.control(func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows})
	})
}

func (p *person) termios() (state unix.Termios) {
	p.t.Helper()
	p.control(func(fd int) error {
		got, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err == nil {
			state = *got
		}
		return err
	})
	return state
}

// sees waits until a text is on the screen behind what was seen before.
func (p *person) sees(text string) {
	p.t.Helper()
	buf := make([]byte, 4096)
	for {
		if at := strings.Index(p.screen.String()[p.seen:], text); at >= 0 {
			p.seen += at + len(text)
			return
		}
		n, err := p.tty.Read(buf)
		p.screen.Write(buf[:n])
		if err != nil {
			p.t.Fatalf("waiting for %q: %v; the screen shows\n%s", text, err, p.screen.String())
		}
	}
}

func (p *person) types(text string) {
	p.t.Helper()
	if _, err := p.tty.WriteString(text); err != nil {
		p.t.Fatal(err)
	}
}

// leaves waits for the program's end and returns its exit code; the terminal
// must be as it was.
func (p *person) leaves() int {
	p.t.Helper()
	buf := make([]byte, 4096)
	for {
		n, err := p.tty.Read(buf)
		p.screen.Write(buf[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			p.t.Fatalf("the program doesn't end; the screen shows\n%s", p.screen.String())
		}
		if err != nil {
			break // EIO: nobody has the terminal open any more
		}
	}
	p.cmd.Wait() // the state says what happened
	if after := p.termios(); after != p.before {
		p.t.Errorf("the terminal was left as\n%+v\nit had been\n%+v", after, p.before)
	}
	return p.cmd.ProcessState.ExitCode()
}

// shows tells whether a text was on the screen at any time.
func (p *person) shows(text string) bool { return strings.Contains(p.screen.String(), text) }

// All of it runs against one server: starting one takes longer than most tests.
func TestSSHAtTerminal(t *testing.T) {
	h := startHost(t)
	for name, test := range map[string]func(*testing.T, *host){
		"passphrase": testPassphrase, "first contact": testFirstContact, "terminal": testTerminal,
		"signals": testSignals, "lost connection": testLostConnection, "type-ahead": testTypeAhead,
	} {
		t.Run(name, func(t *testing.T) { test(t, h) })
	}
}

func testPassphrase(t *testing.T, h *host) {
	conf := h.write(t, "locked_config", h.config("IdentityFile "+h.encrypted, "UserKnownHostsFile "+h.known))
	prompt := "Enter passphrase for key '" + h.encrypted + "': "
	t.Run("right", func(t *testing.T) {
		p := atTerminal(t, "-F", conf, "127.0.0.1", "echo logged in")
		p.sees(prompt)
		p.types("wrong\n")
		p.sees(prompt)
		p.types(passphrase + "\n")
		p.sees("logged in")
		if code := p.leaves(); code != 0 || p.shows(passphrase+"\r") {
			t.Errorf("exit code %d, screen\n%s", code, p.screen.String())
		}
	})
	t.Run("wrong", func(t *testing.T) {
		p := atTerminal(t, "-F", conf, "127.0.0.1", "true")
		for range 3 {
			p.sees(prompt)
			p.types("wrong\n")
		}
		p.sees("Load key \"" + h.encrypted + "\": incorrect passphrase supplied to decrypt private key")
		p.sees("Permission denied (publickey")
		if code := p.leaves(); code != 255 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("not accepted", func(t *testing.T) {
		other := h.lock(t, testpeer.NewKey(t, testpeer.Ed25519).Path)
		conf := h.write(t, "other_config", h.config("IdentityFile "+other, "UserKnownHostsFile "+h.known))
		p := atTerminal(t, "-F", conf, "127.0.0.1", "true")
		p.sees("Permission denied (publickey")
		if code := p.leaves(); code != 255 || p.shows("passphrase") {
			t.Errorf("exit code %d, screen\n%s", code, p.screen.String())
		}
	})
}

func testFirstContact(t *testing.T, h *host) {
	name := "[127.0.0.1]:" + strconv.Itoa(h.Port)
	contact := func(t *testing.T, file string) *person {
		conf := h.write(t, "first_config", h.config("IdentityFile "+h.Identity.Path, "UserKnownHostsFile "+file))
		p := atTerminal(t, "-F", conf, "127.0.0.1", "echo logged in")
		p.sees("The authenticity of host '" + name + " (" + name + ")' can't be established.\r\n" +
			"ED25519 key fingerprint is " + h.HostKeys[0].Fingerprint() + ".\r\n" +
			"This key is not known by any other names.\r\n" +
			"Are you sure you want to continue connecting (yes/no/[fingerprint])? ")
		return p
	}
	for _, answer := range []string{"yes", h.HostKeys[0].Fingerprint()} {
		t.Run(answer[:3], func(t *testing.T) {
			file := t.TempDir() + "/known_hosts"
			p := contact(t, file)
			p.types("perhaps\n")
			p.sees("Please type 'yes', 'no' or the fingerprint: ")
			p.types(answer + "\n")
			p.sees("Warning: Permanently added '" + name + "' (ED25519) to the list of known hosts.")
			p.sees("logged in")
			if code := p.leaves(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if text := testpeer.Read(t, file); !strings.HasPrefix(text, name+" ssh-ed25519 ") || strings.Count(text, "\n") != 1 {
				t.Errorf("known_hosts holds %q", text)
			}
		})
	}
	t.Run("another name", func(t *testing.T) {
		file := h.write(t, "other_known", "older.example "+testpeer.Read(t, h.HostKeys[0].Path+".pub"))
		conf := h.write(t, "other_name_config", h.config("IdentityFile "+h.Identity.Path, "UserKnownHostsFile "+file))
		p := atTerminal(t, "-F", conf, "127.0.0.1", "echo logged in")
		p.sees("This host key is known by the following other names/addresses:\r\n    " + file + ":1: older.example\r\n")
		p.sees("(yes/no/[fingerprint])? ")
		p.types("\n")
		p.sees("Host key verification failed.")
		if code := p.leaves(); code != 255 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("no", func(t *testing.T) {
		file := t.TempDir() + "/known_hosts"
		p := contact(t, file)
		p.types("no\n")
		p.sees("Host key verification failed.")
		if code := p.leaves(); code != 255 {
			t.Errorf("exit code %d", code)
		}
		if _, err := os.Stat(file); err == nil {
			t.Error("a refused host was added")
		}
	})
}

// shell is a remote program that answers each line with it and the terminal's
// size, and ends at a line "end".
const shell = `stty -echo; echo "type $TERM on $(tty)"; echo "size $(stty size)"; ` +
	`while read -r line; do echo "got <$line>"; [ "$line" = end ] && exit 5; echo "size $(stty size)"; done`

// asksForSize types lines until the remote terminal has a size: the change
// travels beside the keys.
func (p *person) asksForSize(want string) {
	p.t.Helper()
	for !strings.HasSuffix(p.screen.String()[:p.seen], want+"\r\n") {
		p.types("look\r")
		p.sees("size ")
		p.sees("\r\n")
	}
}

func testTerminal(t *testing.T, h *host) {
	t.Run("session", func(t *testing.T) {
		p := atTerminal(t, "-t", "-F", h.conf, "127.0.0.1", shell)
		p.sees("type vt220 on /dev/pts/")
		p.sees("size 24 80\r\n")
		p.resize(132, 50)
		p.asksForSize("size 50 132")
		p.types("~~tilde\r")
		p.sees("got <~tilde>")
		p.types("a~.b\r") // not at the start of a line
		p.sees("got <a~.b>")
		p.types("~x\r") // no escape
		p.sees("got <~x>")
		p.types("~?")
		p.sees("Supported escape sequences:\r\n ~.   - terminate connection")
		p.types("\r~R")
		p.types("end\r")
		p.sees("got <end>")
		p.sees("Connection to 127.0.0.1 closed.")
		if code := p.leaves(); code != 5 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("shell", func(t *testing.T) {
		p := atTerminal(t, "-F", h.conf, "127.0.0.1")
		p.types("exec sh -c 'echo from-$((40 + 2)); exit 9'\r")
		p.sees("from-42")
		if code := p.leaves(); code != 9 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("escape", func(t *testing.T) {
		p := atTerminal(t, "-t", "-F", h.conf, "127.0.0.1", shell)
		p.sees("size 24 80")
		p.types("~.")
		p.sees("Connection to 127.0.0.1 closed.")
		if code := p.leaves(); code != 255 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("other escape", func(t *testing.T) {
		p := atTerminal(t, "-t", "-e", "%", "-F", h.conf, "127.0.0.1", shell)
		p.sees("size 24 80")
		p.types("~.\r")
		p.sees("got <~.>")
		p.types("%.")
		if code := p.leaves(); code != 255 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("no escape", func(t *testing.T) {
		p := atTerminal(t, "-t", "-e", "none", "-F", h.conf, "127.0.0.1", shell)
		p.sees("size 24 80")
		p.types("~.\rend\r")
		p.sees("got <~.>")
		if code := p.leaves(); code != 5 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("interrupt", func(t *testing.T) {
		p := atTerminal(t, "-t", "-F", h.conf, "127.0.0.1", "trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 1; done")
		p.sees("ready")
		p.types("\x03")
		p.sees("interrupted")
		if code := p.leaves(); code != 3 {
			t.Errorf("exit code %d", code)
		}
	})
}

// A signal ends ssh with 255, as OpenSSH's, and gives the terminal back.
func testSignals(t *testing.T, h *host) {
	for _, number := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
		p := atTerminal(t, "-v", "-t", "-F", h.conf, "127.0.0.1", shell)
		p.sees("size 24 80")
		if err := p.cmd.Process.Signal(number); err != nil {
			t.Fatal(err)
		}
		if code := p.leaves(); code != 255 || !p.shows(fmt.Sprintf("Killed by signal %d.", int(number))) {
			t.Errorf("%v: ssh ended as %v, screen\n%s", number, p.cmd.ProcessState, p.screen.String())
		}
	}
}

// A connection that goes away is told about, with a terminal and with -N.
func testLostConnection(t *testing.T, h *host) {
	for _, args := range [][]string{{"-t"}, {"-N", "-v"}} {
		way, err := testpeer.NewPipe(h.Addr(), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer way.Close()
		args = append(args, "-F", h.conf, "-p", strconv.Itoa(way.Port()), "-o", "HostKeyAlias=[127.0.0.1]:"+strconv.Itoa(h.Port), "127.0.0.1")
		ready := "Authenticated to"
		if args[0] == "-t" {
			args, ready = append(args, shell), "size 24 80"
		}
		p := atTerminal(t, args...)
		p.sees(ready)
		way.Close()
		p.sees("Connection ")
		if code := p.leaves(); code != 255 || !p.shows("closed by") {
			t.Errorf("%v: exit code %d, screen\n%s", args, code, p.screen.String())
		}
	}
}

// passwordServer takes the password "open sesame", by either method.
func passwordServer(t *testing.T, interactive bool) int {
	t.Helper()
	conf := &ssh.ServerConfig{
		MaxAuthTries:   10,
		BannerCallback: func(ssh.ConnMetadata) string { return "be \x1b[31mwelcome\n" },
	}
	if interactive {
		conf.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Name: ", "Password: "}, []bool{true, false})
			if err != nil || len(answers) != 2 || answers[0] != "ali" || answers[1] != "open sesame" {
				return nil, fmt.Errorf("no: %v", err)
			}
			return nil, nil
		}
	} else {
		conf.PasswordCallback = func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if string(password) != "open sesame" {
				return nil, errors.New("no")
			}
			return nil, nil
		}
	}
	conf.AddHostKey(testpeer.NewKey(t, testpeer.Ed25519).Signer)
	return testpeer.Accept(t, func(c *net.TCPConn) { servePassword(c, conf) })
}

// servePassword greets whoever logs in.
func servePassword(c net.Conn, conf *ssh.ServerConfig) {
	_, chans, reqs, err := ssh.NewServerConn(c, conf)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	for open := range chans {
		ch, reqs, err := open.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range reqs {
				r.Reply(r.Type == "exec", nil)
				if r.Type == "exec" {
					fmt.Fprintln(ch, "inside")
					ch.SendRequest("exit-status", false, []byte{0, 0, 0, 4})
					ch.Close()
				}
			}
		}()
	}
}

func TestPasswords(t *testing.T) {
	options := func(port int) []string {
		return []string{"-F", "none", "-o", "UserKnownHostsFile=" + t.TempDir() + "/known", "-o", "StrictHostKeyChecking=accept-new",
			"-o", "IdentityFile=none", "-p", strconv.Itoa(port), "ali@127.0.0.1", "anything"}
	}
	t.Run("password", func(t *testing.T) {
		p := atTerminal(t, options(passwordServer(t, false))...)
		p.sees("be \\x1b[31mwelcome")
		p.sees("ali@127.0.0.1's password: ")
		p.types("guess\n")
		p.sees("Permission denied, please try again.")
		p.sees("ali@127.0.0.1's password: ")
		p.types("open sesame\n")
		p.sees("inside")
		if code := p.leaves(); code != 4 || p.shows("sesame") {
			t.Errorf("exit code %d, screen\n%s", code, p.screen.String())
		}
	})
	t.Run("refused", func(t *testing.T) {
		p := atTerminal(t, options(passwordServer(t, false))...)
		for range 3 {
			p.sees("ali@127.0.0.1's password: ")
			p.types("guess\n")
		}
		p.sees("ali@127.0.0.1: Permission denied (password).")
		if code := p.leaves(); code != 255 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		p := atTerminal(t, options(passwordServer(t, false))...)
		p.sees("ali@127.0.0.1's password: ")
		p.types("half\x03")
		p.leaves()
		if got := p.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal(); got != syscall.SIGINT {
			t.Errorf("ssh ended as %v", p.cmd.ProcessState)
		}
	})
	t.Run("keyboard-interactive", func(t *testing.T) {
		p := atTerminal(t, options(passwordServer(t, true))...)
		p.sees("(ali@127.0.0.1) Name: ")
		p.types("ali\n")
		p.sees("(ali@127.0.0.1) Password: ")
		p.types("open sesame\n")
		p.sees("inside")
		if code := p.leaves(); code != 4 || p.shows("sesame") {
			t.Errorf("exit code %d, screen\n%s", code, p.screen.String())
		}
	})
	t.Run("batch", func(t *testing.T) {
		p := atTerminal(t, append([]string{"-o", "BatchMode=yes"}, options(passwordServer(t, false))...)...)
		p.sees("ali@127.0.0.1: Permission denied (password).")
		if code := p.leaves(); code != 255 || p.shows("password:") {
			t.Errorf("exit code %d, screen\n%s", code, p.screen.String())
		}
	})
}

// On a terminal the demo gives a shell.
func TestDemoAtTerminal(t *testing.T) {
	p := startAtTerminal(t, "nacre", "demo")
	p.sees("A server listens on 127.0.0.1:")
	p.sees("This is a shell over SSH; leave it with exit.")
	p.types("exec sh -c 'echo from-$((40 + 2)); exit 6'\r")
	p.sees("from-42")
	p.sees("Connection to 127.0.0.1 closed.")
	if code := p.leaves(); code != 6 {
		t.Errorf("exit code %d", code)
	}
}
