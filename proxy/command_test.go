//go:build unix

package proxy

import (
	"context"
	"errors"
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
)

// The program's output is the connection, its end the connection's end, and
// closing the connection ends it.
func TestCommand(t *testing.T) {
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	c := &Command{Line: "sh -c 'echo $$; echo hello >&2; cat'", Shell: "/bin/sh", Stderr: stderr}
	nc, err := c.Dial(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var one [1]byte
	var line []byte
	for one[0] != '\n' {
		if _, err := io.ReadFull(nc, one[:]); err != nil {
			t.Fatal(err)
		}
		line = append(line, one[0])
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(line)))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	io.WriteString(nc, "ping")
	if _, err := io.ReadFull(nc, got); err != nil || string(got) != "ping" {
		t.Fatalf("%q, %v", got, err)
	}
	if nc.RemoteAddr().String() != "UNKNOWN port 65535" {
		t.Error(nc.RemoteAddr())
	}
	nc.Close()
	waitGone(t, pid)
	if text, _ := os.ReadFile(stderr.Name()); string(text) != "hello\n" {
		t.Errorf("%q", text)
	}

	c = &Command{Line: "true", Shell: "/bin/sh"}
	if nc, err = c.Dial(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Read(one[:]); err != io.EOF {
		t.Error(err)
	}
	nc.Close()
}

// waitGone waits until a process has been reaped.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d is still there", pid)
		}
		time.Sleep(time.Millisecond)
	}
}

// Debian's nc passes the socket that it has connected, also through a proxy.
func TestPassedConnection(t *testing.T) {
	host, port := serve(t, func(c net.Conn) { tunnel(c, c, "") })
	c := &Command{Line: "nc -F " + host + " " + strconv.Itoa(port), Shell: "/bin/sh", PassFD: true}
	nc, err := c.Dial(testContext(t))
	dialed(t, nc, err)

	c.Line = "true"
	if _, err := c.Dial(testContext(t)); err == nil {
		t.Error("a connection came from nowhere")
	}
	c.Line = "sleep 60"
	ctx, cancel := context.WithTimeoutCause(context.Background(), 50*time.Millisecond, errors.New("too long"))
	defer cancel()
	if _, err := c.Dial(ctx); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Error(err)
	}
}

// Real programs do the proxy's side of the bargain, and ours does the same where
// they are missing.
func TestTinyproxy(t *testing.T) {
	target, targetPort := serve(t, func(c net.Conn) { tunnel(c, c, "") })
	port := startTinyproxy(t, "BasicAuth me geheim")
	p := &Proxy{Scheme: "http", Target: Target{"127.0.0.1", port}, User: "me", Password: "geheim", HasPassword: true}
	nc, err := p.Dial(testContext(t), &Dialer{}, Target{target, targetPort})
	dialed(t, nc, err)
	p.Password = "wrong"
	var refused *AuthError
	if _, err := p.Dial(testContext(t), &Dialer{}, Target{target, targetPort}); !errors.As(err, &refused) {
		t.Error(err)
	}

	auth := filepath.Join(t.TempDir(), "auth")
	if err := os.WriteFile(auth, []byte("me:geheim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	line := "corkscrew 127.0.0.1 " + strconv.Itoa(port) + " " + target + " " + strconv.Itoa(targetPort) + " " + auth
	nc, err = (&Command{Line: line, Shell: "/bin/sh"}).Dial(testContext(t))
	dialed(t, nc, err)

	if _, _, ok, err := FromCommand(line); ok || err != nil {
		t.Errorf("corkscrew is here and is replaced: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	native, to, ok, err := FromCommand(line)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	nc, err = native.Dial(testContext(t), &Dialer{}, to)
	dialed(t, nc, err)
}

func startTinyproxy(t *testing.T, lines ...string) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	conf := filepath.Join(t.TempDir(), "conf")
	text := strings.Join(append(lines, "Port "+strconv.Itoa(port), "Listen 127.0.0.1", "Timeout 60", "Allow 127.0.0.1", "MaxClients 10", ""), "\n")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("tinyproxy", "-d", "-c", conf)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Process.Kill(); run.Wait() })
	deadline := time.Now().Add(10 * time.Second)
	for {
		nc, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			nc.Close()
			return port
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestFromCommand(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	target := Target{"host", 22}
	for line, want := range map[string]Proxy{
		"corkscrew proxy 8080 host 22":                        {Scheme: "http", Target: Target{"proxy", 8080}},
		"exec /nowhere/corkscrew 'proxy' \"8080\" host 22":    {Scheme: "http", Target: Target{"proxy", 8080}},
		"nc -X connect -x proxy:8080 host 22":                 {Scheme: "http", Target: Target{"proxy", 8080}},
		"nc -Xconnect -xproxy -P me host 22":                  {Scheme: "http", Target: Target{"proxy", 3128}, User: "me"},
		"nc -x [::1]:1080 host 22":                            {Scheme: "socks5", Target: Target{"::1", 1080}},
		"nc -v -X 4 -x proxy:1 host 22":                       {Scheme: "socks4", Target: Target{"proxy", 1}},
		"ncat --proxy proxy:8080 --proxy-auth me:pw host 22":  {Scheme: "http", Target: Target{"proxy", 8080}, User: "me", Password: "pw", HasPassword: true},
		"ncat --proxy-type=socks5 --proxy=proxy:8080 host 22": {Scheme: "socks5", Target: Target{"proxy", 8080}},
		"connect -H me@proxy:8080 host 22":                    {Scheme: "http", Target: Target{"proxy", 8080}, User: "me"},
	} {
		p, to, ok, err := FromCommand(line)
		if !ok || err != nil || *p != want || to != target {
			t.Errorf("%s: %+v %v %v %v", line, p, to, ok, err)
		}
	}
	for _, line := range []string{
		"", "ssh -W host:22 jump", "nc host 22", "nc -X connect host 22", "nc -X 7 -x p:1 host 22", "nc -q1 -x p:1 h 22",
		"corkscrew $PROXY 8080 host 22", "corkscrew proxy 8080 host 22 | tee x", "corkscrew a b", "corkscrew 'a", "ncat -U x",
	} {
		if p, _, ok, _ := FromCommand(line); ok {
			t.Errorf("%s: %+v", line, p)
		}
	}
}
