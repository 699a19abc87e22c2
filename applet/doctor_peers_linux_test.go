package applet

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// What may answer instead of an SSH server, and what may not answer at all.
func TestDoctorStrangers(t *testing.T) {
	says := func(text string, stays bool) int {
		return accepts(t, func(c net.Conn) {
			io.WriteString(c, text)
			if half, ok := c.(*net.TCPConn); ok && !stays {
				half.CloseWrite()
			}
			io.Copy(io.Discard, c)
		})
	}
	web := httptest.NewTLSServer(nil)
	t.Cleanup(web.Close)
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	dropped := accepts(t, func(c net.Conn) {})
	for _, c := range []struct {
		cause string
		code  int
		words []string
		args  []string
	}{
		{"not-ssh", 6, []string{"a web server (HTTP)", "HTTP/1.1 400"}, []string{"-p", port(webServer(t)), "127.0.0.1"}},
		{"not-ssh", 6, []string{"a TLS server"}, []string{"-p", port(web.Listener.Addr().(*net.TCPAddr).Port), "127.0.0.1"}},
		{"not-ssh", 6, []string{"a TLS server"}, []string{"-p", port(openSSL(t)), "127.0.0.1"}},
		{"not-ssh", 6, []string{"a telnet server", `\\xff\\xfd\\x18`}, []string{"-p", port(says("\xff\xfd\x18\xff\xfd\x20", true)), "127.0.0.1"}},
		{"not-ssh", 6, []string{"a mail server (SMTP)", "220 mx.example.net ESMTP Postfix"}, []string{"-p", port(says("220 mx.example.net ESMTP Postfix\r\n", true)), "127.0.0.1"}},
		{"penalty", 6, []string{"PerSourcePenalties"}, []string{"-p", port(says("Not allowed at this time\r\n", false)), "127.0.0.1"}},
		{"stranger", 6, []string{`hello \\x1b[31m`}, []string{"-p", port(says("hello \x1b[31m\r\n", false)), "127.0.0.1"}},
		{"dropped", 6, []string{"MaxStartups", "fail2ban"}, []string{"-p", port(dropped), "127.0.0.1"}},
		{"silent", 6, []string{"says nothing for 1s"}, []string{"-p", port(silentServer(t)), "-o", "ConnectTimeout=1", "127.0.0.1"}},
		{"refused", 5, []string{"nothing listens on 127.0.0.1 port"}, []string{"-p", port(testpeer.FreePort(t)), "127.0.0.1"}},
		{"filtered", 5, []string{"does not answer at all within 1s"}, []string{"-p", port(fullBacklog(t)), "-o", "ConnectTimeout=1", "127.0.0.1"}},
		{"no-route", 5, []string{"knows no way to 224.0.0.1"}, []string{"-o", "ConnectTimeout=1", "224.0.0.1"}},
		{"proxy-ended", 6, []string{"the ProxyCommand (the command line says so) ended"}, []string{"-o", "ProxyCommand=exit 1", "host"}},
		{"configuration", 3, []string{"Bad configuration option: prot"}, []string{"-o", "Prot=1", "host"}},
		{"name-unknown", 4, []string{"the name host.invalid does not exist"}, []string{"host.invalid"}},
	} {
		t.Run(c.cause, func(t *testing.T) {
			t.Parallel()
			newPatient(t).finds(t, c.cause, c.code, c.words, append([]string{"-F", "none"}, c.args...)...)
		})
	}
	t.Run("name-near", func(t *testing.T) {
		t.Parallel()
		p := newPatient(t)
		conf := filepath.Join(p.home, "config")
		if err := os.WriteFile(conf, []byte("Host web1\nHostName 127.0.0.1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p.finds(t, "name-near", 4, []string{"the configuration has web1", "ssh web1"}, "-F", conf, "-o", "HostName=Web1.invalid", "Web1")
	})
	t.Run("usage", func(t *testing.T) {
		for _, args := range [][]string{nil, {"-Z", "host"}, {"host", "command"}, {"--help"}} {
			if x := newPatient(t).doctor(t, args...); x.code != 2 {
				t.Errorf("%q: exit code %d", args, x.code)
			}
		}
	})
}

// openSSL is a TLS server that answers what is no TLS.
func openSSL(t *testing.T) int {
	dir, n := t.TempDir(), testpeer.FreePort(t)
	run(t, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test", "-keyout", dir+"/key", "-out", dir+"/crt")
	testpeer.StartProgram(t, n, exec.Command("openssl", "s_server", "-quiet", "-accept", fmt.Sprintf("127.0.0.1:%d", n), "-key", dir+"/key", "-cert", dir+"/crt"))
	return n
}

// fullBacklog is a port that drops what asks for a connection, as a firewall
// does: nobody accepts, and the queue is full.
func fullBacklog(t *testing.T) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	n := at.(*syscall.SockaddrInet4).Port
	for range 8 {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", n), 50*time.Millisecond)
		if err != nil {
			return n
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("the queue takes everybody")
	return 0
}

// Of two addresses one fails: that is a cause of slow or failing logins even
// where doctor gets in.
func TestDoctorAddresses(t *testing.T) {
	n := silentServer(t)
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for _, c := range []struct{ bad, word string }{{"::1", "IPv4 does"}, {"127.0.0.2", "of the 2 addresses of host 1 fail"}} {
		r := &sshRun{Env: &door.Env{Stdout: out, Stderr: out, Getenv: func(string) string { return "" }}, line: &sshLine{host: "host"}}
		x := newExam(r, &doctorReport{out: out})
		x.take(&config.Client{Host: "host", HostName: "host", Port: n, ConnectTimeout: time.Second})
		x.addrs = []netip.Addr{netip.MustParseAddr(c.bad), netip.MustParseAddr("127.0.0.1")}
		nc, err := x.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
		if len(x.report.advice) != 1 || !strings.Contains(x.report.advice[0].text, c.word) {
			t.Errorf("%s: %q", c.bad, x.report.advice)
		}
	}
	if text := testpeer.Read(t, out.Name()); !strings.Contains(text, "does not answer: Connection refused") {
		t.Errorf("%s", text)
	}
}

// A server of the past: what doctor advises makes the login work.
func TestDoctorOldServer(t *testing.T) {
	t.Parallel()
	id, rsa := testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.RSA)
	old := testpeer.NewOpenSSH(t).Start(t, testpeer.ServerOptions{HostKeys: []*testpeer.Key{rsa}, Authorized: id, Config: []string{
		"KexAlgorithms diffie-hellman-group14-sha1", "HostKeyAlgorithms ssh-rsa", "Ciphers 3des-cbc", "MACs hmac-sha1",
	}})
	args := []string{"-F", "none", "-p", port(old.Port), "-i", id.Path, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=none", "127.0.0.1"}
	x := newPatient(t).finds(t, "algorithms-old-server", 7, []string{"the server is old", "key exchange method diffie-hellman-group14-sha1 (SHA-1", "cipher 3des-cbc", "    HostKeyAlgorithms +ssh-rsa", "Once:"}, args...)
	var advised []string
	for _, word := range strings.Fields(x.report) {
		if strings.Contains(word, "=+") {
			advised = append(advised, "-o", word)
		}
	}
	newPatient(t).finds(t, "", 0, nil, append(advised, args...)...)

	older := testpeer.NewOpenSSH(t).Start(t, testpeer.ServerOptions{HostKeys: []*testpeer.Key{rsa}, Authorized: id, Config: []string{
		"KexAlgorithms diffie-hellman-group1-sha1",
	}})
	newPatient(t).finds(t, "algorithms-old-server", 7, []string{"a 1024-bit group, which can be broken", "nacre has none of the server's key exchange methods", "ssh -o KexAlgorithms=+diffie-hellman-group1-sha1"},
		"-F", "none", "-p", port(older.Port), "127.0.0.1")
}

// Servers that have had enough of keys, and Dropbear.
func TestDoctorManyKeys(t *testing.T) {
	t.Parallel()
	id, host := testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.Ed25519)
	var keys []string
	for range 4 {
		keys = append(keys, "-i", testpeer.NewKey(t, testpeer.Ed25519).Path)
	}
	args := func(at *testpeer.Running, more ...string) []string {
		return append(append([]string{"-F", "none", "-p", port(at.Port), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=none", "-o", "IdentityAgent=none"}, more...), "127.0.0.1")
	}
	picky := testpeer.NewOpenSSH(t).Start(t, testpeer.ServerOptions{HostKeys: []*testpeer.Key{host}, Authorized: id, Config: []string{"MaxAuthTries 3"}})
	newPatient(t).finds(t, "too-many-keys", 9, []string{"after 3 keys", "not offered yet is", "IdentitiesOnly yes"}, args(picky, append(keys, "-i", id.Path)...)...)
	bear := testpeer.NewDropbear(t).Start(t, testpeer.ServerOptions{HostKeys: []*testpeer.Key{host}, Authorized: id})
	newPatient(t).finds(t, "", 0, []string{"dropbear"}, args(bear, "-i", id.Path)...)
	newPatient(t).finds(t, "key-refused", 9, []string{"the key /"}, args(bear, keys[:2]...)...)
}

// The most connections that have not logged in.
func TestDoctorMaxStartups(t *testing.T) {
	t.Parallel()
	host, dir := testpeer.NewKey(t, testpeer.Ed25519), t.TempDir()
	n := testpeer.FreePort(t)
	conf := filepath.Join(dir, "conf")
	text := fmt.Sprintf("ListenAddress 127.0.0.1\nPort %d\nHostKey %s\nMaxStartups 1:100:1\nPidFile none\nUsePAM no\n", n, host.Path)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.StartProgram(t, n, exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", conf))
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", n))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 64)); err != nil { // its version: the place is taken
		t.Fatal(err)
	}
	newPatient(t).finds(t, "max-startups", 6, []string{"MaxStartups", "ConnectionAttempts=5"}, "-F", "none", "-p", port(n), "127.0.0.1")
}

// A web proxy on the way.
func TestDoctorProxy(t *testing.T) {
	t.Parallel()
	dir, n := t.TempDir(), testpeer.FreePort(t)
	conf := filepath.Join(dir, "conf")
	text := fmt.Sprintf("Port %d\nListen 127.0.0.1\nConnectPort 443\nTimeout 30\nMaxClients 20\nUser root\nGroup root\n", n)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.StartProgram(t, n, exec.Command("tinyproxy", "-d", "-c", conf))
	newPatient(t).finds(t, "proxy-refuses", 5, []string{"the proxy http://127.0.0.1:", "port 443"}, "-F", "none", "-o", fmt.Sprintf("ProxyURL=http://127.0.0.1:%d", n), "127.0.0.1")
	newPatient(t).finds(t, "web-proxy", 6, []string{"ProxyURL=http://PROXY:3128"}, "-F", "none", "-p", port(n), "-o", "ConnectTimeout=1", "127.0.0.1")
	closed := testpeer.FreePort(t)
	newPatient(t).finds(t, "proxy-other", 5, []string{"the proxy http://127.0.0.1"}, "-F", "none", "-o", fmt.Sprintf("ProxyURL=http://127.0.0.1:%d", closed), "127.0.0.1")
}
