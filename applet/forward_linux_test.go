package applet

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

const debianSSH = "/usr/bin/ssh"

// A tunneler is one program as client and another as server.
type tunneler struct {
	program string   // the client
	args    []string // that log in at the server
	owner   int      // who owns the sockets that the server makes
	dir     string   // where the server may make them
}

// TestForwarding has our client forward through Debian's server, and Debian's
// client through ours.
func TestForwarding(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	t.Run("our client", func(t *testing.T) {
		testForwarding(t, &tunneler{program: "ssh", args: []string{"-F", h.conf}, owner: os.Getuid(), dir: t.TempDir()})
	})
	t.Run("sentences", func(t *testing.T) { testForwardSentences(t, h) })
	t.Run("escapes", func(t *testing.T) { testEscapes(t, h) })
	n := newTenant(t)
	y := &yard{built(t, n.home), n, n.temp, testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.Ed25519)}
	t.Run("our server", func(t *testing.T) {
		s := y.site(t)
		testForwarding(t, &tunneler{program: debianSSH, args: clientArgs(t, s), owner: n.uid, dir: n.home})
	})
	t.Run("our server restricts", func(t *testing.T) { testRestrictedForwards(t, y) })
}

// clientArgs are the options that Debian's ssh logs in to a site with.
func clientArgs(t *testing.T, s *site) []string {
	t.Helper()
	known := filepath.Join(t.TempDir(), "known")
	line := fmt.Sprintf("[127.0.0.1]:%d %s", s.Port, testpeer.Read(t, s.HostKeys[0].Path+".pub"))
	if err := os.WriteFile(known, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"-F", "none", "-p", strconv.Itoa(s.Port), "-l", s.Username, "-i", s.Identity.Path, "-o", "IdentitiesOnly=yes",
		"-o", "UserKnownHostsFile=" + known, "-o", "BatchMode=yes", "-o", "KexAlgorithms=curve25519-sha256",
		"-o", "IgnoreUnknown=WarnWeakCrypto", "-o", "WarnWeakCrypto=no"}
}

func (u *tunneler) command(args ...string) *exec.Cmd {
	return exec.Command(u.program, append(append(append([]string{}, u.args...), args...), "127.0.0.1")...)
}

// start runs the client until the test ends; it has said ready by then.
func (u *tunneler) start(t *testing.T, ready string, args ...string) {
	t.Helper()
	cmd, log := u.command(append([]string{"-N", "-v"}, args...)...), new(lines)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("the client said:\n%s", log)
		}
	})
	log.says(t, ready)
}

// digests serves sums of what it is sent.
func digests(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	if network == "unix" {
		os.Chmod(address, 0o777) // the tenant connects, too
	}
	testpeer.AcceptAt(t, l, func(nc net.Conn) {
		sum := sha256.New()
		n, err := io.Copy(sum, nc)
		fmt.Fprintf(nc, "%d %x %v", n, sum.Sum(nil), err)
	})
	return l
}

// digested sends size bytes through a tunnel, ends that direction, and wants
// their sum in the other.
func digested(network, address string, size int64) error {
	nc, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	defer nc.Close()
	sum := sha256.New()
	if _, err := io.Copy(nc, io.TeeReader(io.LimitReader(rand.Reader, size), sum)); err != nil {
		return err
	}
	if err := nc.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return err
	}
	answer, err := io.ReadAll(nc)
	if want := fmt.Sprintf("%d %x <nil>", size, sum.Sum(nil)); err != nil || string(answer) != want {
		return fmt.Errorf("the answer is %q, %v; want %q", answer, err, want)
	}
	return nil
}

func testForwarding(t *testing.T, u *tunneler) {
	here := t.TempDir()
	if err := os.Chmod(here, 0o755); err != nil {
		t.Fatal(err)
	}
	for dir := here; dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		os.Chmod(dir, 0o755) // the server's user has to reach the target
	}
	port := digests(t, "tcp", "127.0.0.1:0").Addr().(*net.TCPAddr).Port
	target := filepath.Join(here, "target")
	digests(t, "unix", target)
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "from the web") })}
	t.Cleanup(func() { server.Close() })
	go server.Serve(web)
	url := fmt.Sprintf("http://localhost:%d/", web.Addr().(*net.TCPAddr).Port)

	ports := make([]string, 6)
	for i := range ports {
		ports[i] = strconv.Itoa(testpeer.FreePort(t))
	}
	local, remote := filepath.Join(here, "l"), filepath.Join(u.dir, "r")
	tcp := fmt.Sprintf("127.0.0.1:%d", port)
	u.start(t, "remote forward success for: listen "+remote+"2",
		"-L", ports[0]+":"+tcp, "-L", local+"1:"+tcp, "-L", ports[1]+":"+target, "-L", local+"2:"+target,
		"-D", ports[2], "-R", ports[3], "-R", ports[4]+":"+tcp, "-R", remote+"1:"+tcp, "-R", ports[5]+":"+target, "-R", remote+"2:"+target)
	for _, at := range []string{ports[0], ports[1], ports[4], ports[5], local + "1", local + "2", remote + "1", remote + "2"} {
		network, address := "unix", at
		if !strings.Contains(at, "/") {
			network, address = "tcp", "127.0.0.1:"+at
		}
		if err := digested(network, address, 1<<20); err != nil {
			t.Errorf("%s: %v", at, err)
		}
	}
	for _, at := range []string{ports[0], ports[4]} {
		if err := digested("tcp", "127.0.0.1:"+at, 64<<20); err != nil {
			t.Errorf("much through %s: %v", at, err)
		}
		parallel(t, 64, func() error { return digested("tcp", "127.0.0.1:"+at, 20<<10) })
	}
	for _, at := range []string{ports[2], ports[3]} {
		for _, option := range []string{"--socks4", "--socks4a", "--socks5", "--socks5-hostname"} {
			out, err := exec.Command("curl", "-sS", "--max-time", "10", option, "127.0.0.1:"+at, url).CombinedOutput()
			if err != nil || string(out) != "from the web" {
				t.Errorf("curl %s through %s: %q, %v", option, at, out, err)
			}
		}
	}
	if info, err := os.Stat(remote + "1"); err != nil || info.Mode().Perm() != 0o600 || int(info.Sys().(*syscall.Stat_t).Uid) != u.owner {
		t.Errorf("the server's socket: %v, %v", info, err)
	}
}

// parallel does something n times at once.
func parallel(t *testing.T, n int, do func() error) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if err := do(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// What permits leave is left, and nothing else.
func testRestrictedForwards(t *testing.T, y *yard) {
	outer, sites := t, map[string]*site{} // by configuration
	port := digests(t, "tcp", "127.0.0.1:0").Addr().(*net.TCPAddr).Port
	other := digests(t, "tcp", "127.0.0.1:0").Addr().(*net.TCPAddr).Port
	listen := testpeer.FreePort(t)
	for name, test := range map[string]struct {
		config, options string
		opens, other    bool
		listens         bool
	}{
		"all":           {"", "", true, true, true},
		"disabled":      {"DisableForwarding yes", "", false, false, false},
		"none":          {"AllowTcpForwarding no", "", false, false, false},
		"local":         {"AllowTcpForwarding local", "", true, true, false},
		"remote":        {"AllowTcpForwarding remote", "", false, false, true},
		"open":          {fmt.Sprintf("PermitOpen 127.0.0.1:%d", port), "", true, false, true},
		"listen":        {"PermitListen 1", "", true, true, false},
		"key's no":      {"", "no-port-forwarding", false, false, false},
		"key restricts": {"", "restrict", false, false, false},
		"key restores":  {"", "restrict,port-forwarding", true, true, true},
		"key's open":    {"", fmt.Sprintf("permitopen=\"127.0.0.1:%d\"", port), true, false, true},
		"key's listen":  {"", "permitlisten=\"localhost:1\"", true, true, false},
		"key's both":    {"", fmt.Sprintf("permitlisten=\"localhost:%d\",permitopen=\"127.0.0.1:%d\"", listen, other), false, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := sites[test.config]
			if s == nil {
				s = y.site(outer, test.config)
				sites[test.config] = s
			}
			y.authorize(t, authorized(y.id, test.options))
			c := s.dial(t)
			for target, want := range map[int]bool{port: test.opens, other: test.other} {
				nc, err := c.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", target))
				if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "administratively prohibited") {
					t.Errorf("to %d: %v, want %v", target, err, want)
				}
				if err == nil {
					nc.Close()
				}
			}
			ok, _, err := c.SendRequest("tcpip-forward", true, ssh.Marshal(struct {
				Host string
				Port uint32
			}{"localhost", uint32(listen)}))
			if ok != test.listens || err != nil {
				t.Errorf("listening: %v, %v, want %v", ok, err, test.listens)
			}
		})
	}
}

// Our client says what Debian's says, and ends as it does.
func testForwardSentences(t *testing.T, h *host) {
	taken := strconv.Itoa(h.Port)
	sure := "ExitOnForwardFailure=yes"
	for _, args := range [][]string{
		{"-L", "9.9.9.9:8080:localhost:1"},
		{"-o", sure, "-L", "9.9.9.9:8080:localhost:1"},
		{"-L", "127.0.0.1:" + taken + ":localhost:1"},
		{"-R", "127.0.0.1:" + taken + ":localhost:1"},
		{"-o", sure, "-R", "127.0.0.1:" + taken + ":localhost:1"},
		{"-o", sure, "-R", "/nowhere/socket:localhost:1"},
		{"-L", "/nowhere/socket:localhost:1"},
		{"-L", "bad"}, {"-R", "bad"}, {"-D", "bad"}, {"-W", "bad"}, {"-L", "0:a:1"}, {"-L", "/" + strings.Repeat("x", 120) + ":a:1"},
		{"-o", "ClearAllForwardings=yes", "-L", "9.9.9.9:8080:localhost:1"},
		{"-W", "127.0.0.1:1", "-L", "9.9.9.9:8080:localhost:1"},
	} {
		var texts [2]string
		for i, program := range []string{"ssh", debianSSH} {
			args := append(append([]string{"-F", h.conf}, args...), "-o", "KexAlgorithms=curve25519-sha256", // the cheap one
				"-o", "IgnoreUnknown=WarnWeakCrypto", "-o", "WarnWeakCrypto=no", "127.0.0.1")
			if args[2] != "-W" {
				args = append(args, "true")
			}
			cmd := exec.Command(program, args...)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			texts[i] = fmt.Sprintf("%sexit code %d", ownWords(out), cmd.ProcessState.ExitCode())
		}
		if texts[0] != texts[1] {
			t.Errorf("%q: here\n%s\nthere\n%s", args, texts[0], texts[1])
		}
	}
}

// ownWords leaves out what the server's session says, which logs to it.
func ownWords(out []byte) string {
	var own strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(string(out), "\r", "")) {
		if !strings.HasPrefix(line, "debug") {
			own.WriteString(line)
		}
	}
	return own.String()
}
