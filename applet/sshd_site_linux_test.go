package applet

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// soon is far more than anything here takes on a busy machine.
const soon = 15 * time.Second

// sesame is the tenant's password, crypted by crypt(3).
const sesame = "$6$nacretest$cfBAwTYTy7.Sv0I20njj1MsoRkWLPdFV7fvqYhG8ViLyNWhYMjbigpeTGdTZRFhABAknJhajlaV8DclSLUrNv."

// A tenant is the user who logs in: a temporary one where the tests are root,
// and otherwise the one who runs them.
type tenant struct {
	*user.User
	uid, gid int
	home     string // for what the tests write; the tenant's home where root runs them
	temp     bool
}

// newTenant makes the user, and removes it with all its processes afterwards.
func newTenant(t *testing.T) *tenant {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	below := "" // strict modes look at every directory up to the user's home
	if os.Geteuid() != 0 {
		below = me.HomeDir
	}
	home, err := os.MkdirTemp(below, "nacre-sshd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	if err := os.Chmod(home, 0o755); err != nil {
		t.Fatal(err)
	}
	name := me.Username
	temp := os.Geteuid() == 0
	if temp {
		name = fmt.Sprintf("nacre%d", os.Getpid())
		run(t, "useradd", "-M", "-d", home, "-s", "/bin/bash", "-p", sesame, name)
		t.Cleanup(func() {
			u, err := user.Lookup(name)
			if err != nil {
				return
			}
			for pid, p := range processTable(t) {
				if strconv.Itoa(p.uid) == u.Uid {
					syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			run(t, "userdel", "-f", name)
		})
	}
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	n := &tenant{User: u, home: home, temp: temp}
	n.uid, _ = strconv.Atoi(u.Uid)
	n.gid, _ = strconv.Atoi(u.Gid)
	n.write(t, ".hushlogin", "", 0o644)
	return n
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil && name != "userdel" {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// write makes a file of the tenant's below home.
func (n *tenant) write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(n.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, filepath.Dir(path)} {
		if err := os.Chown(p, n.uid, n.gid); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// A site is a running nacre sshd.
type site struct {
	testpeer.Target
	*tenant
	asRoot bool
	cmd    *exec.Cmd
	log    *lines
	gone   chan struct{}
	conf   string
}

// built is the binary as it is shipped, where every user can run it.
func built(t *testing.T, dir string) string {
	t.Helper()
	from := testpeer.BuildNacre(t).Path
	to := filepath.Join(dir, "nacre")
	run(t, "cp", from, to)
	if err := os.Chmod(to, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}

func authorized(k *testpeer.Key, options string) string {
	line := string(ssh.MarshalAuthorizedKey(k.Signer.PublicKey()))
	if options != "" {
		line = options + " " + line
	}
	return line
}

// startSite starts a server with the configuration lines, which come first, as
// root or as the tenant.
func startSite(t *testing.T, program string, n *tenant, asRoot bool, hostKey, id *testpeer.Key, config ...string) *site {
	t.Helper()
	text, err := os.ReadFile(hostKey.Path)
	if err != nil {
		t.Fatal(err)
	}
	secret := n.write(t, "host_key", string(text), 0o600)
	if asRoot {
		os.Chown(secret, 0, 0)
	}
	config = append(config, "ListenAddress 127.0.0.1", "HostKey "+secret, "PidFile none", "LogLevel DEBUG",
		"AuthorizedKeysFile "+filepath.Join(n.home, ".ssh/authorized_keys"), "Subsystem sftp /usr/lib/openssh/sftp-server")
	conf := n.write(t, "sshd_config", strings.Join(config, "\n")+"\n", 0o644)
	port := testpeer.FreePort(t)
	s := &site{
		tenant: n, asRoot: asRoot, log: new(lines), gone: make(chan struct{}), conf: conf,
		Target: testpeer.Target{Host: "127.0.0.1", Port: port, User: n.Username, Identity: id, HostKeys: []*testpeer.Key{hostKey}},
	}
	s.cmd = exec.Command(program, "sshd", "-D", "-e", "-f", conf, "-p", strconv.Itoa(port))
	s.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.home}
	s.cmd.Stderr = s.log
	s.cmd.WaitDelay = time.Second
	if !asRoot && n.temp {
		s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(n.uid), Gid: uint32(n.gid)}}
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.cmd.Wait(); close(s.gone) }()
	t.Cleanup(func() {
		s.cmd.Process.Signal(syscall.SIGTERM)
		s.ended(t)
		if t.Failed() {
			t.Logf("the server said:\n%s", s.log.String())
		}
	})
	s.log.says(t, "Server listening on 127.0.0.1 port "+strconv.Itoa(port)+".")
	return s
}

func (s *site) ended(t *testing.T) {
	t.Helper()
	select {
	case <-s.gone:
	case <-time.After(soon):
		s.cmd.Process.Kill()
		t.Error("the server does not end")
	}
}

// run runs a command over OpenSSH's client and wants an exit status.
func (s *site) run(t *testing.T, c testpeer.Client, session testpeer.Session, exit int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	var out bytes.Buffer
	if session.Stdout == nil {
		session.Stdout = &out
	}
	res, err := c.Run(ctx, s.Target, session)
	if err != nil || res.Exit != exit {
		t.Errorf("%s %q: exit status %d, want %d: %v\n%s", c.Name(), session.Command, res.Exit, exit, err, res.Log)
	}
	return out.String()
}

// dial logs in with the Go client.
func (s *site) dial(t *testing.T, auth ...ssh.AuthMethod) *ssh.Client {
	t.Helper()
	c, err := s.knock(s.Username, auth...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (s *site) knock(name string, auth ...ssh.AuthMethod) (*ssh.Client, error) {
	if len(auth) == 0 {
		auth = []ssh.AuthMethod{ssh.PublicKeys(s.Identity.Signer)}
	}
	return ssh.Dial("tcp", s.Addr(), &ssh.ClientConfig{
		User: name, Auth: auth, HostKeyCallback: ssh.FixedHostKey(s.HostKeys[0].Signer.PublicKey()),
	})
}

func output(t *testing.T, c *ssh.Client, command string) string {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Output(command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return string(out)
}

// lines is a log to wait for things in.
type lines struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return l.text.Write(b)
}

func (l *lines) read() (string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.text.String(), l.changed
}

func (l *lines) String() string {
	text, _ := l.read()
	return text
}

// says waits until the text is there.
func (l *lines) says(t *testing.T, want string) {
	t.Helper()
	late := time.After(soon)
	for {
		text, changed := l.read()
		if strings.Contains(text, want) {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("no %q in\n%s", want, text)
		}
	}
}

// A process is one of the system's.
type process struct{ parent, uid int }

// processTable is the system's. The uid is 0 if the real or the effective one
// is root's.
func processTable(t *testing.T) map[int]process {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	all := map[int]process{}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "status"))
		if err != nil {
			continue // it has ended
		}
		p := process{uid: -1}
		for line := range strings.Lines(string(text)) {
			var real, effective int
			fmt.Sscanf(line, "PPid: %d", &p.parent)
			if _, err := fmt.Sscanf(line, "Uid: %d %d", &real, &effective); err == nil {
				p.uid = min(real, effective)
			}
		}
		all[pid] = p
	}
	return all
}

// descendants are the processes below pid with their user ids.
func descendants(t *testing.T, pid int) map[int]int {
	t.Helper()
	all, below := processTable(t), map[int]int{}
	for p := range all {
		for up := all[p].parent; up > 0; up = all[up].parent {
			if up == pid {
				below[p] = all[p].uid
				break
			}
		}
	}
	return below
}

// closedByPeer reads until the server closes the connection.
func closedByPeer(t *testing.T, nc net.Conn) {
	t.Helper()
	nc.SetReadDeadline(time.Now().Add(soon))
	buf := make([]byte, 4096)
	for {
		if _, err := nc.Read(buf); err != nil {
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Error("the server keeps the connection")
			}
			return
		}
	}
}
