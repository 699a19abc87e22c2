package applet

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// theirs is OpenSSH's ssh, which stands at both ends of ours here.
const theirs = "/usr/bin/ssh"

// A masterProcess is an ssh that shares its connection.
type masterProcess struct {
	h      *host
	socket string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
}

// startMaster starts one and waits until it shares: what its own session says
// comes after that.
func startMaster(t *testing.T, h *host, program string, options ...string) *masterProcess {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctl") // a short name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	m := &masterProcess{h: h, socket: filepath.Join(dir, "s")}
	m.cmd = exec.Command(program, append(append([]string{"-F", h.conf, "-M", "-S", m.socket, "-o", "SendEnv=FOO"}, options...), "127.0.0.1", "echo up; cat")...)
	m.cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
	m.cmd.Stderr = os.Stderr
	stdout, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.cmd.Process.Kill(); m.cmd.Wait() })
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "up\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return m
}

// args are what a client of the master is called with.
func (m *masterProcess) args(more ...string) []string {
	return append([]string{"-F", m.h.conf, "-S", m.socket, "-o", "ControlMaster=no", "-o", "SendEnv=FOO"}, more...)
}

// run runs a client and returns what it wrote and its exit code.
func (m *masterProcess) run(t *testing.T, program, stdin string, more ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(program, m.args(more...)...)
	cmd.Env = append(os.Environ(), "FOO=bar", "SSH_AUTH_SOCK=")
	var out, err bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &err
	if e := cmd.Run(); e != nil && cmd.ProcessState == nil {
		t.Fatal(e)
	}
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

func (m *masterProcess) wants(t *testing.T, program, stdin, stdout string, code int, more ...string) {
	t.Helper()
	out, err, got := m.run(t, program, stdin, more...)
	if out != stdout || got != code {
		t.Errorf("%v: %q and %d, want %q and %d; it says %s", more, out, got, stdout, code, err)
	}
}

// Our client at both masters, OpenSSH's at ours.
func TestSharedConnections(t *testing.T) {
	h := startHost(t)
	for _, pair := range []struct{ name, master, client string }{
		{"ours at ours", "ssh", "ssh"}, {"theirs at ours", "ssh", theirs}, {"ours at theirs", theirs, "ssh"},
	} {
		t.Run(pair.name, func(t *testing.T) {
			t.Parallel()
			m := startMaster(t, h, pair.master)
			for _, test := range []func(*testing.T, *masterProcess, string){
				testSharedSessions, testSharedForwards, testSharedTerminal, testSharedCrowd, testSharedEnds,
			} {
				test(t, m, pair.client)
			}
		})
	}
}

func testSharedSessions(t *testing.T, m *masterProcess, client string) {
	pid := strconv.Itoa(m.cmd.Process.Pid)
	if _, said, code := m.run(t, client, "", "-O", "check", "127.0.0.1"); code != 0 || said != "Master running (pid="+pid+")\r\n" {
		t.Errorf("%q, %d", said, code)
	}
	m.wants(t, client, "hello\n", "hello\n", 0, "127.0.0.1", "cat")
	m.wants(t, client, "", "bar", 7, "127.0.0.1", `printf %s "$FOO"; exit 7`)
	m.wants(t, client, "", "", 255, "127.0.0.1", `kill -9 $$`)
	m.wants(t, client, "", "", 0, "-n", "127.0.0.1", "cat")
	if out, said, code := m.run(t, client, "", "127.0.0.1", "echo out; echo wrong >&2"); out != "out\n" || !strings.HasSuffix(said, "wrong\n") || code != 0 {
		t.Errorf("%q, %q, %d", out, said, code)
	}
	big := strings.Repeat("0123456789abcdef", 1<<18)
	m.wants(t, client, big, fmt.Sprintf("%x  -\n", sha256.Sum256([]byte(big))), 0, "127.0.0.1", "sha256sum")
	m.wants(t, client, big, big, 0, "127.0.0.1", "cat")
	testSharedSubsystem(t, m, client)
}

// testSharedSubsystem keeps the input open until the answer is there: sftp-server
// drops what it would say when that ends.
func testSharedSubsystem(t *testing.T, m *masterProcess, client string) {
	cmd := exec.Command(client, m.args("-s", "127.0.0.1", "sftp")...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	io.WriteString(in, "\x00\x00\x00\x05\x01\x00\x00\x00\x03")
	hello := make([]byte, 9)
	if _, err := io.ReadFull(out, hello); err != nil || string(hello[4:]) != "\x02\x00\x00\x00\x03" {
		t.Errorf("sftp says %q, %v", hello, err)
	}
	in.Close()
	cmd.Wait()
}

func testSharedForwards(t *testing.T, m *masterProcess, client string) {
	target := "127.0.0.1:" + strconv.Itoa(m.h.Port)
	if out, said, _ := m.run(t, client, "", "-W", target, "127.0.0.1"); !strings.HasPrefix(out, "SSH-2.0-OpenSSH") {
		t.Errorf("-W: %q, %q", out, said)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	here := l.Addr().String()
	l.Close()
	local := []string{"-L", here + ":" + target}
	for range 2 { // the second time it is there already
		m.wants(t, client, "", "", 0, append([]string{"-O", "forward"}, append(local, "127.0.0.1")...)...)
	}
	speaks(t, here)
	m.wants(t, client, "", "", 0, append([]string{"-O", "cancel"}, append(local, "127.0.0.1")...)...)
	if nc, err := net.Dial("tcp", here); err == nil {
		nc.Close()
		t.Error("a cancelled forward still listens")
	}
	remote := []string{"-R", "0:" + target, "127.0.0.1"}
	port, said, code := m.run(t, client, "", append([]string{"-O", "forward"}, remote...)...)
	if _, err := strconv.Atoi(strings.TrimSpace(port)); err != nil || code != 0 {
		t.Fatalf("port %q, %q, %d", port, said, code)
	}
	speaks(t, "127.0.0.1:"+strings.TrimSpace(port))
	m.wants(t, client, "", "", 0, append([]string{"-O", "cancel"}, remote...)...)
	if _, said, _ := m.run(t, client, "", append([]string{"-O", "cancel"}, remote...)...); !strings.Contains(said, "port not forwarded") {
		t.Errorf("a second cancel says %q", said)
	}
	if _, said, code := m.run(t, client, "", "-O", "forward", "-L", "127.0.0.1:"+strconv.Itoa(m.h.Port)+":a:1", "127.0.0.1"); code != 255 || !strings.Contains(said, "Port forwarding failed") {
		t.Errorf("a port that is taken: %q, %d", said, code)
	}
}

// speaks tells that an SSH server is to be heard at an address.
func speaks(t *testing.T, address string) {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	if line, err := bufio.NewReader(nc).ReadString('\n'); !strings.HasPrefix(line, "SSH-2.0-OpenSSH") {
		t.Errorf("%s says %q, %v", address, line, err)
	}
}

func testSharedTerminal(t *testing.T, m *masterProcess, client string) {
	p := startAtTerminal(t, client, m.args("-tt", "127.0.0.1", "stty size; trap 'stty size' WINCH; trap 'echo inter''rupted' INT; echo set; while :; do sleep 0.05; done")...)
	p.sees("24 80")
	p.sees("set")
	p.resize(100, 30)
	p.sees("30 100")
	p.types("\x03")
	p.sees("interrupted")
	p.types("\r~?")
	p.sees("Supported escape sequences:")
	p.types("\r~.")
	if code := p.leaves(); code != 255 || !p.shows("Shared connection to 127.0.0.1 closed.") {
		t.Errorf("exit code %d, screen\n%s", code, p.screen.String())
	}
	p = startAtTerminal(t, client, m.args("-t", "127.0.0.1", "echo $TERM; read line; echo got $line; exit 9")...)
	p.sees("vt220")
	p.types("a line\n")
	p.sees("got a line")
	if code := p.leaves(); code != 9 {
		t.Errorf("exit code %d", code)
	}
}

// Many sessions at a time; one that dies hurts nobody.
func testSharedCrowd(t *testing.T, m *masterProcess, client string) {
	victim := exec.Command(client, m.args("127.0.0.1", "echo here; cat")...)
	if _, err := victim.StdinPipe(); err != nil { // open until it dies
		t.Fatal(err)
	}
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			m.wants(t, client, strconv.Itoa(i), strconv.Itoa(i), i, "127.0.0.1", "cat; exit "+strconv.Itoa(i))
		})
	}
	victim.Process.Kill()
	victim.Wait()
	all.Wait()
}

func testSharedEnds(t *testing.T, m *masterProcess, client string) {
	info, err := os.Stat(m.socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, said, code := m.run(t, client, "", "-O", "stop", "127.0.0.1"); code != 0 || said != "Stop listening request sent.\r\n" {
		t.Errorf("%q, %d", said, code)
	}
	if _, err := os.Stat(m.socket); err == nil {
		t.Error("the socket is still there")
	}
	if _, said, code := m.run(t, client, "", "-O", "check", "127.0.0.1"); code != 255 || !strings.HasPrefix(said, "Control socket connect("+m.socket+"): No such file or directory") {
		t.Errorf("%q, %d", said, code)
	}
	m.stdin.Close()
	if err := m.cmd.Wait(); err != nil {
		t.Errorf("the master: %v", err)
	}
}

// -O exit ends master and sessions, and takes the socket away; so does a signal.
func TestMasterExits(t *testing.T) {
	h := startHost(t)
	m := startMaster(t, h, "ssh")
	guest := exec.Command(theirs, m.args("127.0.0.1", "echo here; sleep 600")...)
	out, err := guest.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := guest.Start(); err != nil {
		t.Fatal(err)
	}
	bufio.NewReader(out).ReadString('\n')
	if _, said, code := m.run(t, "ssh", "", "-O", "conninfo", "127.0.0.1"); code != 0 {
		t.Errorf("%q, %d", said, code)
	}
	if list, said, _ := m.run(t, "ssh", "", "-O", "channels", "127.0.0.1"); strings.Count(list, "client-session") != 2 {
		t.Errorf("%q, %q", list, said)
	}
	if _, said, code := m.run(t, theirs, "", "-O", "exit", "127.0.0.1"); code != 0 || said != "Exit request sent.\r\n" {
		t.Errorf("%q, %d", said, code)
	}
	if m.cmd.Wait(); m.cmd.ProcessState.ExitCode() != 255 {
		t.Errorf("the master: %v", m.cmd.ProcessState)
	}
	if guest.Wait(); guest.ProcessState.ExitCode() != 255 {
		t.Errorf("the guest: %v", guest.ProcessState)
	}
	if _, err := os.Stat(m.socket); err == nil {
		t.Error("the socket is still there")
	}

	m = startMaster(t, h, "ssh")
	m.cmd.Process.Signal(os.Interrupt)
	m.cmd.Wait()
	if _, err := os.Stat(m.socket); err == nil {
		t.Error("the socket is still there")
	}
}

// ControlPersist leaves a master behind, which goes when nobody needs it.
func TestControlPersist(t *testing.T) {
	h := startHost(t)
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	m := &masterProcess{h: h, socket: filepath.Join(dir, "s")}
	auto := []string{"-o", "ControlPersist=yes", "127.0.0.1"}
	run := func(program string, command string) (string, int) {
		args := append([]string{"-F", h.conf, "-S", m.socket, "-o", "ControlMaster=auto"}, append(auto, command)...)
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
		out, _ := cmd.Output()
		return string(out), cmd.ProcessState.ExitCode()
	}
	// The parent of the session's shell is the server's process for the connection.
	first, code := run("ssh", "echo $PPID; exit 3")
	if code != 3 || first == "" {
		t.Fatalf("%q, %d", first, code)
	}
	t.Cleanup(func() { m.run(t, "ssh", "", "-O", "exit", "127.0.0.1") })
	for _, program := range []string{"ssh", theirs} {
		if again, code := run(program, "echo $PPID; exit 4"); again != first || code != 4 {
			t.Errorf("%q, %d; the first was %q", again, code, first)
		}
	}
	auto = []string{"-o", "BatchMode=yes", "-l", "nobody-here", "-o", "ControlPersist=yes", "-S", m.socket + "2", "127.0.0.1"}
	if _, code := run("ssh", "true"); code != 255 {
		t.Errorf("a login that fails: %d", code)
	}
}

// A hop whose connection is shared needs no login.
func TestJumpOverMaster(t *testing.T) {
	h := startHost(t)
	for _, master := range []string{"ssh", theirs} {
		m := startMaster(t, h, master)
		conf := h.write(t, "over", "Host hop\n ControlPath "+m.socket+"\n IdentityFile none\nHost *\n"+testpeer.Read(t, h.conf))
		cmd := exec.Command("ssh", "-v", "-F", conf, "-J", "hop", "127.0.0.1", "echo reached")
		cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("reached\n")) || bytes.Contains(out, []byte("[hop] Connecting")) {
			t.Errorf("%s: %v, %s", master, err, out)
		}
	}
}

// What can't be shared is said, and the session goes on, unless there can be no
// such socket: then there is none, as with OpenSSH.
func TestUnsharedConnections(t *testing.T) {
	h := startHost(t)
	open := t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(open, "s"): "others can change the directory",
		h.conf:                   "already exists, disabling multiplexing",
	} {
		cmd := exec.Command("ssh", "-F", h.conf, "-M", "-S", path, "127.0.0.1", "echo done")
		cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) || !strings.HasSuffix(string(out), "done\n") {
			t.Errorf("%s: %v, %s", path, err, out)
		}
	}
	for _, program := range []string{"ssh", theirs} {
		for _, options := range [][]string{{"-M"}, {"-o", "ControlMaster=auto"}, {"-M", "-o", "ControlPersist=1"}} {
			for _, path := range []string{filepath.Join(open, strings.Repeat("x", 120)), filepath.Join(open, "none", "s")} {
				args := append([]string{"-F", h.conf, "-S", path}, append(options, "127.0.0.1", "echo done")...)
				cmd := exec.Command(program, args...)
				cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
				if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 255 || len(out) == 0 || strings.Contains(string(out), "done\n") {
					t.Errorf("%s %v: %v, %s", program, args, cmd.ProcessState, out)
				}
			}
		}
	}
}
