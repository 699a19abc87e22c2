package interop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// testAnsible has ansible share a connection that stays, as it does by default,
// and send its modules both as files and through a pipe.
func testAnsible(t *testing.T, s *station) {
	s.write(t, "inventory", "far ansible_python_interpreter=/usr/bin/python3 ansible_ssh_executable="+s.link+" ansible_ssh_common_args='-F "+s.conf+"'\n")
	s.write(t, "text", "from here\n")
	s.write(t, "book.yml", "- hosts: far\n  gather_facts: no\n  tasks:\n  - ping:\n  - copy: {src: text, dest: "+s.path("copy")+", mode: '0640'}\n")
	env := []string{"ANSIBLE_SSH_CONTROL_PATH_DIR=" + s.path("cp"), "ANSIBLE_LOCAL_TEMP=" + s.path("tmp"), "ANSIBLE_REMOTE_TEMP=" + s.path("far")}
	t.Cleanup(func() {
		sockets, _ := filepath.Glob(s.path("cp/*"))
		for _, socket := range sockets {
			s.try(t, nil, s.script, "-S", socket, "-O", "exit", "far")
		}
	})
	out := s.run(t, env, "ansible-playbook", "-i", "inventory", "book.yml")
	if !strings.Contains(out, "ok=2") || !strings.Contains(out, "changed=1") {
		t.Errorf("the playbook: %s", out)
	}
	s.run(t, nil, "sh", "-ec", `cmp text copy; test $(stat -c %a copy) = 640`)
	out = s.run(t, append(env, "ANSIBLE_PIPELINING=1"), "ansible", "-i", "inventory", "far", "-m", "ping")
	if !strings.Contains(out, `"ping": "pong"`) {
		t.Errorf("pipelining: %s", out)
	}
	sockets, _ := filepath.Glob(s.path("cp/*"))
	if len(sockets) != 1 {
		t.Fatalf("the shared connections are %q", sockets)
	}
	if out := s.run(t, nil, s.script, "-S", sockets[0], "-O", "check", "far"); !strings.Contains(out, "Master running") {
		t.Errorf("the shared connection: %s", out)
	}
}

// testMosh waits for mosh's own connection, whose key came over ssh.
func testMosh(t *testing.T, s *station) {
	screen := s.onTerminal(t, "mosh", "--ssh="+s.link+" -F "+s.conf, "--server=env MOSH_SERVER_NETWORK_TMOUT=20 mosh-server",
		"far", "--", "sh", "-c", "echo over-$((40 + 2)) $SSH_CONNECTION; read line")
	screen.sees("over-42")
	screen.types("\r")
	screen.sees("[mosh is exiting.]")
}

// testAutossh has ssh started again once it has been killed.
func testAutossh(t *testing.T, s *station) {
	ctx, cancel := context.WithTimeout(t.Context(), sessionTime)
	defer cancel()
	cmd := s.command(ctx, []string{"AUTOSSH_PATH=" + s.link, "AUTOSSH_GATETIME=0", "AUTOSSH_POLL=1"},
		"autossh", "-M", "0", "-F", s.conf, "far", "echo run; cat; echo over")
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
	lines := bufio.NewScanner(out)
	says := func(want string) {
		t.Helper()
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("it wrote %q, %v; want %q", lines.Text(), lines.Err(), want)
		}
	}
	says("run")
	children := s.run(t, nil, "sh", "-c", fmt.Sprintf("cat /proc/%d/task/*/children", cmd.Process.Pid))
	s.run(t, nil, "sh", "-c", "kill -KILL "+children)
	says("run")
	in.Close()
	says("over")
	if err := cmd.Wait(); err != nil {
		t.Errorf("autossh: %v", err)
	}
}

// testPdsh runs a command on several hosts at a time.
func testPdsh(t *testing.T, s *station) {
	s.write(t, "ssh_config", s.read(t, "ssh_config")+" Port "+fmt.Sprint(s.at.Port)+"\n")
	s.run(t, nil, "sed", "-i", "/Port 1$/d", "ssh_config")
	out := s.run(t, []string{"PDSH_SSH_ARGS_APPEND=-F " + s.conf}, "pdsh", "-R", "ssh", "-S", "-w", "a[1-4]", "echo here")
	for _, host := range []string{"a1", "a2", "a3", "a4"} {
		if !strings.Contains(out, host+": here\n") {
			t.Errorf("%s didn't answer: %s", host, out)
		}
	}
}

// testCopyID runs OpenSSH's own script, which reads the words of ssh -v.
func testCopyID(t *testing.T, s *station) {
	// The account's home must not be touched: the command gets another one.
	s.program(t, "bin/ssh", `for last; do :; done
n=$#; while [ $((n = n - 1)) -gt 0 ]; do set -- "$@" "$1"; shift; done; shift
case $last in exec*) last="export HOME=`+s.dir+`; $last";; esac
exec `+s.link+` -F `+s.conf+` "$@" "$last"`)
	s.run(t, nil, "mkdir", ".ssh")
	s.run(t, nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "new")
	for range 2 {
		s.run(t, nil, "ssh-copy-id", "-f", "-i", "new.pub", "far")
	}
	if got, want := s.read(t, ".ssh/authorized_keys"), strings.Repeat(s.read(t, "new.pub"), 2); got != want {
		t.Errorf("authorized_keys is %q", got)
	}
	out := s.run(t, nil, "ssh-copy-id", "-i", s.at.Identity.Path, "far")
	if !strings.Contains(out, "All keys were skipped because they already exist") {
		t.Errorf("a key that is there already: %s", out)
	}
}

// testTramp talks to a shell as Emacs does: on a terminal, through a shared
// connection, with another prompt.
func testTramp(t *testing.T, s *station) {
	screen := s.onTerminal(t, s.script, "-o", "ControlMaster=auto", "-o", "ControlPath="+s.path("tramp.%C"), "-o", "ControlPersist=no", "-e", "none", "far")
	screen.types("exec env TERM='dumb' INSIDE_EMACS='29,tramp' ENV='' HISTFILE= PROMPT_COMMAND='' PS1='///1f3c'\"#$ \" PS2='' PS3='' /bin/sh -i\r")
	screen.sees("///1f3c#$ ")
	screen.types("stty -inlcr -onlcr -echo kill '^U' erase '^H'\r")
	screen.sees("///1f3c#$ ")
	screen.types("printf '%s\\n' \"$INSIDE_EMACS\" ~.\r")
	screen.sees("29,tramp\n~.\n///1f3c#$ ")
	screen.types("exit\r")
	screen.sees("closed.")
	screen.ends()
	if left, _ := filepath.Glob(s.path("tramp.*")); len(left) > 0 {
		t.Errorf("a socket is left: %q", left)
	}
}

// testEditor is how VS Code reaches its server: a shell without a terminal that
// is told by standard input what to do, and a SOCKS proxy beside it.
func testEditor(t *testing.T, s *station) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the editor's server") }))
	defer web.Close()
	port := testpeer.FreePort(t)
	ctx, cancel := context.WithTimeout(t.Context(), sessionTime)
	defer cancel()
	cmd := s.command(ctx, nil, s.script, "-T", "-D", fmt.Sprint(port), "-o", "ConnectTimeout=15", "far", "bash")
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
	io.WriteString(in, "echo 'listening on'\n"+strings.Repeat("# a long script\n", 4096)+"echo == done ==\ncat\nexit 3\n")
	said := bufio.NewReader(out)
	for line := ""; err == nil && line != "== done ==\n"; {
		line, err = said.ReadString('\n')
	}
	got := s.run(t, nil, "curl", "-sS", "--socks5-hostname", net.JoinHostPort("127.0.0.1", fmt.Sprint(port)), web.URL)
	if got != "the editor's server" {
		t.Errorf("through the proxy came %q", got)
	}
	in.Close()
	if rest, err := io.ReadAll(said); err != nil || string(rest) != "exit 3\n" {
		t.Errorf("at the end came %q, %v", rest, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ssh: %v", err)
	}
}

// screen is a program on a terminal.
type screen struct {
	t    *testing.T
	tty  *os.File
	text strings.Builder
	seen int
}

func (s *station) onTerminal(t *testing.T, argv ...string) *screen {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = s.dir, s.env
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 160})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tty.Close() // hangs up
		end := time.AfterFunc(sessionTime, func() { cmd.Process.Kill() })
		defer end.Stop()
		cmd.Wait()
	})
	tty.SetReadDeadline(time.Now().Add(sessionTime))
	return &screen{t: t, tty: tty}
}

// sees waits until a text is shown behind what was seen before.
func (s *screen) sees(text string) {
	s.t.Helper()
	buf := make([]byte, 4096)
	for {
		if at := strings.Index(s.text.String()[s.seen:], text); at >= 0 {
			s.seen += at + len(text)
			return
		}
		n, err := s.tty.Read(buf)
		s.text.Write(buf[:n])
		if n == 0 && err != nil {
			s.t.Fatalf("waiting for %q: %v; the screen shows\n%s", text, err, s.text.String())
		}
	}
}

// ends waits until the program has left the terminal.
func (s *screen) ends() {
	s.t.Helper()
	if _, err := io.Copy(&s.text, s.tty); !errors.Is(err, syscall.EIO) {
		s.t.Fatalf("waiting for the program's end: %v; the screen shows\n%s", err, s.text.String())
	}
}

func (s *screen) types(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.tty, text); err != nil {
		s.t.Fatal(err)
	}
}
