package applet

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// -O proxy: our client at both masters, OpenSSH's at ours, and a Go program that
// speaks the connection protocol itself.
func TestProxiedConnections(t *testing.T) {
	h := startHost(t)
	for _, pair := range []struct{ name, master, client string }{
		{"ours at ours", "ssh", "ssh"}, {"theirs at ours", "ssh", theirs}, {"ours at theirs", theirs, "ssh"},
	} {
		t.Run(pair.name, func(t *testing.T) {
			t.Parallel()
			m := startMaster(t, h, pair.master)
			m.wants(t, pair.client, "hello", "bar:hello", 7, "-O", "proxy", "127.0.0.1", `printf %s: "$FOO"; cat; exit 7`)
			big := strings.Repeat("0123456789abcdef", 1<<18)
			m.wants(t, pair.client, big, big, 0, "-O", "proxy", "127.0.0.1", "cat")
			testProxiedListen(t, m, pair.client)
			if pair.master == "ssh" {
				testProxiedProgram(t, m)
			}
			m.wants(t, "ssh", "", "still", 0, "127.0.0.1", "printf still")
		})
	}
}

// testProxiedListen has the server listen, and connects to it from there.
func testProxiedListen(t *testing.T, m *masterProcess, client string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	script := fmt.Sprintf("for i in 1 2 3 4 5 6 7 8 9; do exec 3<>/dev/tcp/127.0.0.1/%d && break; sleep 0.1; done; head -c 12 <&3", port)
	remote := fmt.Sprintf("%d:127.0.0.1:%d", port, m.h.Port)
	m.wants(t, client, "", "SSH-2.0-Open", 0, "-O", "proxy", "-R", remote, "127.0.0.1", "bash -c '"+script+" 2>/dev/null'")
}

// testProxiedProgram is x/crypto's way to a master.
func testProxiedProgram(t *testing.T, m *masterProcess) {
	nc, err := net.Dial("unix", m.socket)
	if err != nil {
		t.Fatal(err)
	}
	conn, chans, reqs, err := ssh.NewControlClientConn(nc)
	if err != nil {
		t.Fatal(err)
	}
	c := ssh.NewClient(conn, chans, reqs)
	defer c.Close()
	for range 3 {
		s, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		s.Stdin = strings.NewReader("in")
		if out, err := s.Output("cat; exit 3"); string(out) != "in" || err == nil || !strings.Contains(err.Error(), "status 3") {
			t.Errorf("%q, %v", out, err)
		}
	}
	l, err := c.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if n, _ := strconv.Atoi(port); n == 0 {
		t.Errorf("it listens at %v", l.Addr())
	}
	there, err := c.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	came, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(there, "through")
	there.(interface{ CloseWrite() error }).CloseWrite()
	if b, err := io.ReadAll(came); string(b) != "through" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}
