package applet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// TestSSHD has real clients log in to nacre sshd: as root it serves a temporary
// user through that user's own process, otherwise in its own.
func TestSSHD(t *testing.T) {
	n := newTenant(t)
	program := built(t, n.home)
	hostKey, id := testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.Ed25519)
	roles := map[string]bool{"user": false}
	if n.temp {
		roles["root"] = true
	}
	for role, asRoot := range roles {
		t.Run(role, func(t *testing.T) {
			for name, test := range map[string]func(*testing.T, *yard){
				"commands": testCommands, "peers": testPeers, "bulk": testBulk, "terminal": testShells,
				"keys": testKeyOptions, "refusals": testRefusals, "reload": testReload, "identity": testIdentity,
				"debug": testDebug, "background": testBackground, "match": testMatch, "idle": testIdle,
			} {
				t.Run(name, func(t *testing.T) {
					test(t, &yard{program, n, asRoot, hostKey, id})
				})
			}
		})
	}
	if n.temp {
		t.Run("workers", func(t *testing.T) { testWorkers(t, &yard{program, n, true, hostKey, id}) })
		t.Run("passwords", func(t *testing.T) { testPasswords(t, &yard{program, n, true, hostKey, id}) })
	}
}

// A yard is where sites are built.
type yard struct {
	program     string
	n           *tenant
	asRoot      bool
	hostKey, id *testpeer.Key
}

// site starts a server that lets the tenant's one key in.
func (y *yard) site(t *testing.T, config ...string) *site {
	t.Helper()
	y.authorize(t, authorized(y.id, ""))
	return startSite(t, y.program, y.n, y.asRoot, y.hostKey, y.id, config...)
}

func (y *yard) authorize(t *testing.T, lines ...string) {
	t.Helper()
	path := y.n.write(t, ".ssh/authorized_keys", strings.Join(lines, ""), 0o600)
	for p, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
	}
}

func testCommands(t *testing.T, y *yard) {
	s := y.site(t, "AcceptEnv FOO_* LD_*", "RekeyLimit 64K")
	o := testpeer.NewOpenSSH(t)
	if out := s.run(t, o, testpeer.Session{Command: "echo hello; exit 7"}, 7); out != "hello\n" {
		t.Errorf("output %q", out)
	}
	s.run(t, o, testpeer.Session{Command: "kill -KILL $$"}, 255) // as ssh tells a signal
	if out := s.run(t, o, testpeer.Session{Command: "cat", Stdin: strings.NewReader("in and out")}, 0); out != "in and out" {
		t.Errorf("output %q", out)
	}

	c := s.dial(t)
	session, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Setenv("FOO_BAR", "baz"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"LD_PRELOAD", "OTHER"} {
		if session.Setenv(name, "x") == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	var out, stderr bytes.Buffer
	session.Stdout, session.Stderr = &out, &stderr
	err = session.Run(`echo "$FOO_BAR $LD_PRELOAD $OTHER $USER $SSH_CONNECTION"; echo err >&2; kill -TERM $$`)
	var exit *ssh.ExitError
	if !errors.As(err, &exit) || exit.Signal() != "TERM" {
		t.Errorf("%v", err)
	}
	local := c.LocalAddr().(*net.TCPAddr)
	want := fmt.Sprintf("baz   %s 127.0.0.1 %d 127.0.0.1 %d\n", y.n.Username, local.Port, s.Port)
	if out.String() != want || stderr.String() != "err\n" {
		t.Errorf("stdout %q, want %q; stderr %q", out.String(), want, stderr.String())
	}
	s.log.says(t, fmt.Sprintf("Accepted publickey for %s from 127.0.0.1 port %d ssh2: ED25519 SHA256:", y.n.Username, local.Port))

	if session, err = c.NewSession(); err != nil {
		t.Fatal(err)
	}
	if err := session.RequestSubsystem("sftp"); err != nil {
		t.Error(err)
	}
	session.Close()
	if session, err = c.NewSession(); err != nil {
		t.Fatal(err)
	}
	if session.RequestSubsystem("nonsense") == nil {
		t.Error("an unknown subsystem was started")
	}
}

// testPeers has the other programs log in.
func testPeers(t *testing.T, y *yard) {
	s := y.site(t)
	for _, c := range []testpeer.Client{testpeer.NewDropbear(t), testpeer.NewPuTTY(t), testpeer.NewParamiko(t), testpeer.NewAsyncSSH(t)} {
		if out := s.run(t, c, testpeer.Session{Command: "echo hello; exit 7"}, 7); out != "hello\n" {
			t.Errorf("%s: output %q", c.Name(), out)
		}
	}
}

// testBulk sends 16 MiB both ways while the client and the server both ask for
// new keys: after a hand-over those need the monitor's signature.
func testBulk(t *testing.T, y *yard) {
	s := y.site(t, "RekeyLimit 3M")
	in, out := testpeer.NewPayload(16<<20, 1), testpeer.Sink{}
	s.run(t, testpeer.NewOpenSSH(t), testpeer.Session{Command: "cat", Stdin: in, Stdout: &out, Rekey: 2 << 20}, 0)
	if out.N != 16<<20 || out.Sum() != in.Sum() {
		t.Errorf("%d bytes came back, want 16 MiB with the same checksum", out.N)
	}
	if n := strings.Count(s.log.String(), "new keys"); n < 4 {
		t.Errorf("%d key exchanges", n)
	}
}

// A keyboard is a shell on a terminal.
type keyboard struct {
	*ssh.Session
	keys   io.Writer
	screen lines
}

func sitDown(t *testing.T, c *ssh.Client) *keyboard {
	t.Helper()
	session, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	k := &keyboard{Session: session}
	if err := k.RequestPty("vt100", 24, 80, ssh.TerminalModes{ssh.ECHO: 0, ssh.ISIG: 1}); err != nil {
		t.Fatal(err)
	}
	session.Stdout = &k.screen
	k.keys, _ = session.StdinPipe()
	if err := k.Shell(); err != nil {
		t.Fatal(err)
	}
	return k
}

// types types a text and waits for what it brings.
func (k *keyboard) types(t *testing.T, text, want string) {
	t.Helper()
	io.WriteString(k.keys, text)
	if want != "" {
		k.screen.says(t, want)
	}
}

// leaves waits for the end of the shell.
func (k *keyboard) leaves(t *testing.T, status int) {
	t.Helper()
	over := make(chan error, 1)
	go func() { over <- k.Wait() }()
	select {
	case err := <-over:
		var exit *ssh.ExitError
		if !errors.As(err, &exit) || exit.ExitStatus() != status {
			t.Errorf("%v", err)
		}
	case <-time.After(soon):
		t.Fatalf("the shell does not end:\n%s", k.screen.String())
	}
}

func testShells(t *testing.T, y *yard) {
	s := y.site(t)
	k := sitDown(t, s.dial(t))
	k.types(t, "PS1='> '; PS2=; bind 'set enable-bracketed-paste off' 2>/dev/null; echo $TERM-$SSH_TTY-$(tty)\n", "vt100-/dev/pts/")
	k.types(t, "stty size\n", "24 80")
	k.WindowChange(50, 132)
	k.types(t, "stty size\n", "50 132")
	k.types(t, "stty -a | grep -o ' -echo '; trap 'echo caught-$?' WINCH; echo be''gin\n", "begin")
	k.types(t, "sh -c 'echo rea''dy; exec sleep 1000'\n", "ready")
	k.types(t, "\x03", "")
	k.types(t, "echo after-$?\n", "after-130")
	k.types(t, "sh -c 'echo aga''in; exec sleep 1000'\n", "again")
	k.types(t, "\x1a", "Stopped")
	k.types(t, "kill -9 %1; while jobs | grep -q Stopped; do :; done; echo rea''ped\n", "reaped")
	k.types(t, "exit 9\n", "")
	k.leaves(t, 9)
	// Hanging up ends what runs on the terminal.
	c := s.dial(t)
	k = sitDown(t, c)
	fifo := filepath.Join(y.n.home, "hangup")
	run(t, "mkfifo", "-m", "666", fifo)
	defer os.Remove(fifo)
	k.types(t, "sh -c 'echo rea''dy; exec sleep 1000' 3>"+fifo+"\n", "")
	f, err := os.OpenFile(fifo, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	k.screen.says(t, "ready")
	c.Close()
	f.SetReadDeadline(time.Now().Add(soon))
	if _, err := io.Copy(io.Discard, f); err != nil { // ends when the last writer has gone
		t.Error(err)
	}
}

func testKeyOptions(t *testing.T, y *yard) {
	s := y.site(t)
	y.authorize(t,
		"# a comment\n",
		authorized(y.id, `nonsense`),
		authorized(y.id, `from="10.0.0.0/8"`),
		authorized(y.id, `expiry-time="20200101"`),
		authorized(y.id, `restrict,command="echo forced: $SSH_ORIGINAL_COMMAND"`),
	)
	c := s.dial(t)
	if out := output(t, c, "ls -l"); out != "forced: ls -l\n" {
		t.Errorf("output %q", out)
	}
	session, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if session.RequestPty("xterm", 24, 80, nil) == nil {
		t.Error("a restricted key got a terminal")
	}
	session.Close()
	if _, err := c.Dial("tcp", s.Addr()); err == nil {
		t.Error("something was forwarded")
	}
	for _, options := range []string{`from="10.0.0.0/8"`, `expiry-time="20200101"`, "nonsense", "cert-authority"} {
		y.authorize(t, authorized(y.id, options))
		if c, err := s.knock(y.n.Username); err == nil {
			c.Close()
			t.Errorf("a key with %s was let in", options)
		}
	}
	s.log.says(t, "correct key, but not from a permitted host (127.0.0.1)")
}

func testRefusals(t *testing.T, y *yard) {
	s := y.site(t, "MaxAuthTries 2", "LoginGraceTime 1", "MaxSessions 1", "StrictModes yes")
	for name, line := range map[string]string{
		"nobody-at-all": "Invalid user nobody-at-all from 127.0.0.1 port ",
		"../../etc":     "Invalid user ../../etc from 127.0.0.1 port ",
		"a b;c":         "Invalid user a b;c from 127.0.0.1 port ",
	} {
		if c, err := s.knock(name); err == nil {
			c.Close()
			t.Errorf("%s was let in", name)
		}
		s.log.says(t, line)
	}
	if !y.asRoot && y.n.temp {
		if _, err := s.knock("root"); err == nil {
			t.Error("root was let in by a server that runs as somebody else")
		}
		s.log.says(t, "User root from 127.0.0.1 not allowed because the server runs as ")
	}
	stranger, other := testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.ECDSA256)
	if _, err := s.knock(y.n.Username, ssh.PublicKeys(stranger.Signer, other.Signer)); err == nil {
		t.Error("a stranger's key was let in")
	}
	s.log.says(t, "maximum authentication attempts exceeded for "+y.n.Username+" from 127.0.0.1 port ")

	c := s.dial(t)
	if _, err := c.NewSession(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.NewSession(); err == nil {
		t.Error("a second session with MaxSessions 1")
	}

	if err := os.Chmod(filepath.Join(y.n.home, ".ssh"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := s.knock(y.n.Username); err == nil {
		t.Error("keys were taken from a directory that everybody can write")
	}
	s.log.says(t, "Authentication refused: bad ownership or modes for directory "+filepath.Join(y.n.home, ".ssh"))

	nc, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, "SSH-2.0-stalled\r\n")
	closedByPeer(t, nc)
	s.log.says(t, fmt.Sprintf("Timeout before authentication for 127.0.0.1 port %d", nc.LocalAddr().(*net.TCPAddr).Port))
}

func testReload(t *testing.T, y *yard) {
	s := y.site(t, "MaxSessions 1")
	c := s.dial(t)
	conf := testpeer.Read(t, s.conf)
	y.n.write(t, "sshd_config", "DenyUsers "+y.n.Username+"\n"+conf, 0o644)
	s.cmd.Process.Signal(syscall.SIGHUP)
	s.log.says(t, "Received SIGHUP; restarting.")
	for { // the signal is handled after it was logged
		other, err := s.knock(y.n.Username)
		if err != nil {
			break
		}
		other.Close()
	}
	s.log.says(t, "not allowed because listed in DenyUsers")
	if out := output(t, c, "echo still here"); out != "still here\n" {
		t.Errorf("the old connection says %q", out)
	}
	y.n.write(t, "sshd_config", "Nonsense yes\n"+conf, 0o644)
	s.cmd.Process.Signal(syscall.SIGHUP)
	s.log.says(t, "the configuration stays as it was")
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.ended(t)
	s.log.says(t, "Received signal 15; terminating.")
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if !y.asRoot {
		return
	}
	if out := output(t, c, "echo alive"); out != "alive\n" {
		t.Errorf("after the end of the monitor: %q", out)
	}
}

// testIdentity looks at who the processes of a session are.
func testIdentity(t *testing.T, y *yard) {
	s := y.site(t)
	c := s.dial(t)
	groups := y.n.Gid
	if ids, err := y.n.GroupIds(); err == nil {
		groups = strings.Join(ids, " ")
	}
	want := fmt.Sprintf("%s %s\n", y.n.Uid, y.n.Gid)
	if out := output(t, c, `echo $(id -u) $(id -g)`); out != want {
		t.Errorf("ids %q, want %q (groups %s)", out, want, groups)
	}
	if out := output(t, c, "ls /proc/self/fd | sort -n | head -3 | tr '\\n' ' '; ls -l /proc/$$/fd | grep socket | wc -l"); !strings.HasPrefix(out, "0 1 2 ") || !strings.HasSuffix(out, "0\n") {
		t.Errorf("descriptors of a child: %q", out)
	}
	session, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	in, _ := session.StdinPipe()
	var screen lines
	session.Stdout = &screen
	if err := session.Start("echo up; exec cat"); err != nil {
		t.Fatal(err)
	}
	screen.says(t, "up")
	below := descendants(t, s.cmd.Process.Pid)
	if len(below) == 0 {
		t.Error("the session has no process")
	}
	for pid, uid := range below {
		if uid != y.n.uid {
			t.Errorf("process %d of the session runs as user %d, not %d", pid, uid, y.n.uid)
		}
	}
	in.Close()
	if err := session.Wait(); err != nil {
		t.Error(err)
	}
}

// testWorkers ends the process of one user and looks at another's connection.
func testWorkers(t *testing.T, y *yard) {
	s := y.site(t, "PermitRootLogin yes", "StrictModes no") // root takes the same file
	c, root := s.dial(t), (*ssh.Client)(nil)
	pid, err := strconv.Atoi(strings.TrimSpace(output(t, c, "echo $PPID")))
	if err != nil {
		t.Fatal(err)
	}
	if root, err = s.knock("root"); err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if other := strings.TrimSpace(output(t, root, "echo $PPID")); other == strconv.Itoa(pid) {
		t.Fatal("two users share a process")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil {
		t.Error("the connection of a dead process ended well")
	}
	if out := output(t, root, "echo alive"); out != "alive\n" {
		t.Errorf("the other user's connection says %q", out)
	}
	if out := output(t, s.dial(t), "echo again"); out != "again\n" {
		t.Errorf("a new connection says %q", out)
	}
}

func testPasswords(t *testing.T, y *yard) {
	s := y.site(t)
	for name, method := range map[string]func(string) ssh.AuthMethod{
		"password": ssh.Password,
		"keyboard-interactive": func(p string) ssh.AuthMethod {
			return ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
				return []string{p}[:len(questions)], nil
			})
		},
	} {
		if out := output(t, s.dial(t, method("sesame")), "id -un"); out != y.n.Username+"\n" {
			t.Errorf("%s: %q", name, out)
		}
		for _, wrong := range []string{"", "wrong", strings.Repeat("x", 2000)} {
			if _, err := s.knock(y.n.Username, method(wrong)); err == nil {
				t.Errorf("%s: %d bytes of nonsense were taken", name, len(wrong))
			}
		}
	}
	if _, err := s.knock("nobody-at-all", ssh.Password("sesame")); err == nil {
		t.Error("nobody was let in")
	}
	s.log.says(t, "Failed password for invalid user nobody-at-all from 127.0.0.1 port ")
	s.log.says(t, "Accepted password for "+y.n.Username+" from 127.0.0.1 port ")
}

func testDebug(t *testing.T, y *yard) {
	y.authorize(t, authorized(y.id, ""))
	s := startSite(t, y.program, y.n, y.asRoot, y.hostKey, y.id)
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.ended(t)
	port := testpeer.FreePort(t)
	cmd := exec.Command(y.program, "sshd", "-d", "-f", s.conf, "-p", strconv.Itoa(port))
	cmd.SysProcAttr = s.cmd.SysProcAttr
	log := new(lines)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	log.says(t, "Server listening on 127.0.0.1")
	s.Port = port
	c := s.dial(t)
	if out := output(t, c, "echo one"); out != "one\n" {
		t.Errorf("output %q", out)
	}
	if _, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Error("a second connection was accepted")
	}
	c.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, log)
	}
}

func testBackground(t *testing.T, y *yard) {
	s := y.site(t)
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.ended(t)
	y.n.write(t, "run/log", "", 0o644)
	pidFile, logFile := filepath.Join(y.n.home, "run/pid"), filepath.Join(y.n.home, "run/log")
	s.Port = testpeer.FreePort(t)
	args := []string{"sshd", "-f", s.conf, "-o", "PidFile " + pidFile, "-E", logFile, "-p", strconv.Itoa(s.Port)}
	start := func() ([]byte, error) {
		cmd := exec.Command(y.program, args...)
		cmd.SysProcAttr = s.cmd.SysProcAttr
		return cmd.CombinedOutput()
	}
	// The configuration's own PidFile line comes later than -o's.
	if out, err := start(); err != nil || len(out) > 0 {
		t.Fatalf("%v %s", err, out)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(testpeer.Read(t, pidFile)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := syscall.Getpgid(pid); err != nil || got != pid {
		t.Errorf("the server is in group %d: %v", got, err)
	}
	if out := output(t, s.dial(t), "echo here"); out != "here\n" {
		t.Errorf("output %q", out)
	}
	out, err := start() // the port is taken
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 255 {
		t.Errorf("a second server: %v %s", err, out)
	}
	if !strings.Contains(testpeer.Read(t, logFile), fmt.Sprintf("Bind to port %d on 127.0.0.1 failed: address already in use.", s.Port)) {
		t.Errorf("log:\n%s", testpeer.Read(t, logFile))
	}
	log, err := os.Open(logFile)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	fd, err := pidfd(pid)
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(pid, syscall.SIGTERM)
	fd.wait(t)
	if _, err := os.Stat(pidFile); err == nil {
		t.Error("the pid file stays")
	}
}
