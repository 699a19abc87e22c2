package applet

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// A pki is a directory with authorities and keys, and the programs that are
// tried: the real ones under "openssh", ours under "nacre".
type pki struct {
	dir, me string
	program map[string][]string // what runs ssh, sshd, ssh-keygen of an implementation
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	p := &pki{dir: t.TempDir(), me: testpeer.Me(t), program: map[string][]string{
		"openssh": nil, "nacre": {"nacre"}, // the test binary, as TestMain has it
	}}
	for name, args := range map[string]string{
		"uca": "-t ed25519", "hca": "-t ecdsa", "other": "-t ed25519", "rca": "-t rsa -b 2048",
		"ed25519": "-t ed25519", "rsa": "-t rsa -b 2048", "p256": "-t ecdsa", "p384": "-t ecdsa -b 384", "p521": "-t ecdsa -b 521",
	} {
		p.run(t, "openssh", "ssh-keygen", append(strings.Fields(args), "-q", "-N", "", "-C", name, "-f", name)...)
	}
	return p
}

// command is a program of an implementation, without an agent.
func (p *pki) command(whose, program string, args ...string) *exec.Cmd {
	argv := append(append(append([]string{}, p.program[whose]...), program), args...)
	if whose == "openssh" {
		argv[0] = realProgram(program)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=", "HOME="+p.dir)
	return cmd
}

// realProgram is the path of a program of OpenSSH's: under the short name there
// may be ours, and sshd starts itself again by its path.
func realProgram(name string) string {
	for _, dir := range []string{"/usr/sbin/", "/usr/bin/", "/usr/local/bin/"} {
		if _, err := os.Stat(dir + name); err == nil {
			return dir + name
		}
	}
	return name
}

func (p *pki) run(t *testing.T, whose, program string, args ...string) {
	t.Helper()
	if out, err := p.command(whose, program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s %q: %v\n%s", whose, program, args, err, out)
	}
}

func (p *pki) path(name string) string { return filepath.Join(p.dir, name) }

func (p *pki) write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p.path(name)
}

// certify signs a key, and keeps the certificate with a copy of the private key
// under another name: identity NAME, certificate NAME-cert.pub.
func (p *pki) certify(t *testing.T, whose, typ, name string, args ...string) {
	t.Helper()
	for _, end := range []string{"", ".pub"} {
		p.write(t, name+end, testpeer.Read(t, p.path(typ+end)))
	}
	p.run(t, whose, "ssh-keygen", append(append([]string{"-q"}, args...), name+".pub")...)
}

// serve starts an sshd and returns its port and its log.
func (p *pki) serve(t *testing.T, whose string, lines ...string) (port string, log *lockedLog) {
	t.Helper()
	port = strconv.Itoa(testpeer.FreePort(t))
	conf := p.write(t, "sshd_config."+port, strings.Join(append(lines,
		"ListenAddress 127.0.0.1", "Port "+port, "StrictModes no", "UsePAM no", "PermitRootLogin yes", "PidFile none",
		"MaxStartups 100", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "LogLevel DEBUG", ""), "\n"))
	cmd := p.command(whose, "sshd", "-D", "-e", "-f", conf)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log = &lockedLog{listening: make(chan struct{})}
	done := make(chan struct{})
	go func() { io.Copy(log, stderr); close(done) }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-done
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s sshd:\n%s", whose, log.String())
		}
	})
	select {
	case <-log.listening:
	case <-done:
		t.Fatalf("%s sshd ended:\n%s", whose, log.String())
	}
	return port, log
}

// A lockedLog keeps what a server says, and tells when it listens.
type lockedLog struct {
	mu        sync.Mutex
	text      bytes.Buffer
	told      bool
	listening chan struct{}
}

func (l *lockedLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	if !l.told && strings.Contains(l.text.String(), "Server listening on") {
		l.told = true
		close(l.listening)
	}
	return len(b), nil
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// login runs a command there; ok says that it ended well.
func (p *pki) login(t *testing.T, whose, port, identity string, options []string, command ...string) (out string, ok bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	args := []string{"-F", "none", "-p", port, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "GlobalKnownHostsFile=none", "-i", identity, "-l", p.me}
	for _, o := range options {
		args = append(args, "-o", o)
	}
	cmd := p.command(whose, "ssh", append(append(args, "127.0.0.1"), command...)...)
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	b, err := cmd.CombinedOutput()
	return string(b), err == nil
}

// A crowd does things at the same time, but not too many: most of a refused
// login is the server's pause.
type crowd struct {
	sync.WaitGroup
	once  sync.Once
	seats chan struct{}
}

func (c *crowd) Go(f func()) {
	c.once.Do(func() { c.seats = make(chan struct{}, 8) })
	c.seats <- struct{}{}
	c.WaitGroup.Go(func() { f(); <-c.seats })
}
