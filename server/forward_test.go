package server

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/forward"
)

// listenAt asks for a listener and returns the port that the answer names.
func listenAt(t *testing.T, c *ssh.Client, host string, port int) (int, bool) {
	t.Helper()
	ok, reply, err := c.SendRequest("tcpip-forward", true, ssh.Marshal(listenTCPMessage{host, uint32(port)}))
	if err != nil {
		t.Fatal(err)
	}
	if ok && port == 0 {
		port = int(binary.BigEndian.Uint32(reply))
	}
	return port, ok
}

type listenTCPMessage struct {
	Host string
	Port uint32
}

func allForwards(c *Config) {
	c.Forwarding = Forwarding{OpenTCP: true, OpenSockets: true, ListenTCP: true, ListenSockets: true}
}

// A connection has so many listeners and no more; they can be cancelled one by
// one, and end with it.
func TestListenersEnd(t *testing.T) {
	st := open(t, allForwards, plays())
	c := st.dial(t)
	first, ok := listenAt(t, c, "127.0.0.1", 0)
	if !ok || first == 0 {
		t.Fatal(first, ok)
	}
	if _, ok := listenAt(t, c, "127.0.0.1", first); ok {
		t.Error("the same port twice")
	}
	socket := filepath.Join(t.TempDir(), "s")
	for _, want := range []bool{true, false} {
		if ok, _, err := c.SendRequest("streamlocal-forward@openssh.com", true, ssh.Marshal(struct{ Path string }{socket})); ok != want || err != nil {
			t.Errorf("a socket: %v, %v, want %v", ok, err, want)
		}
	}
	for i := 2; i < maxListeners; i++ {
		if _, ok := listenAt(t, c, "127.0.0.1", 0); !ok {
			t.Fatalf("listener %d is refused", i+1)
		}
	}
	if _, ok := listenAt(t, c, "127.0.0.1", 0); ok {
		t.Error("one more than there may be")
	}
	for _, want := range []bool{true, false} {
		if ok, _, err := c.SendRequest("cancel-tcpip-forward", true, ssh.Marshal(listenTCPMessage{"127.0.0.1", uint32(first)})); ok != want || err != nil {
			t.Errorf("cancelling: %v, %v, want %v", ok, err, want)
		}
	}
	last, ok := listenAt(t, c, "127.0.0.1", 0)
	if !ok {
		t.Fatal("its place is not free")
	}
	over := gone(c)
	c.Close()
	ends(t, "the connection", over)
	st.journal.says(t, "Connection closed by user alice")
	for _, port := range []int{first, last} {
		if nc, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			nc.Close()
			t.Errorf("port %d is still listened on", port)
		}
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is still there")
	}
}

// What is asked for in other ways than the protocol's is refused, and the
// connection lives.
func TestOddForwards(t *testing.T) {
	st := open(t, func(c *Config) {
		allForwards(c)
		c.Forwarding.GatewayPorts = forward.GatewayClient
	}, plays())
	c := st.dial(t)
	for _, row := range []struct {
		name    string
		payload []byte
	}{
		{"tcpip-forward", nil}, {"tcpip-forward", ssh.Marshal(listenTCPMessage{"localhost", 65536})},
		{"tcpip-forward", ssh.Marshal(listenTCPMessage{"nowhere.invalid", 0})}, {"tcpip-forward", ssh.Marshal(listenTCPMessage{"9.9.9.9", 0})},
		{"tcpip-forward", append(ssh.Marshal(listenTCPMessage{"localhost", 0}), 1)}, {"tcpip-forward", ssh.Marshal(listenTCPMessage{"a\x00b", 0})},
		{"cancel-tcpip-forward", ssh.Marshal(listenTCPMessage{"localhost", 1})}, {"cancel-tcpip-forward", nil},
		{"streamlocal-forward@openssh.com", nil}, {"streamlocal-forward@openssh.com", ssh.Marshal(struct{ P string }{""})},
		{"streamlocal-forward@openssh.com", ssh.Marshal(struct{ P string }{"/nowhere/x"})},
		{"streamlocal-forward@openssh.com", ssh.Marshal(struct{ P string }{string(make([]byte, 300))})},
		{"streamlocal-forward@openssh.com", ssh.Marshal(struct{ P string }{"/tmp/a\x00b"})},
		{"cancel-streamlocal-forward@openssh.com", nil},
	} {
		if ok, _, err := c.SendRequest(row.name, true, row.payload); ok || err != nil {
			t.Errorf("%s %q: %v, %v", row.name, row.payload, ok, err)
		}
	}
	for _, row := range []struct {
		typ     string
		payload []byte
	}{
		{"direct-tcpip", nil}, {"direct-tcpip", ssh.Marshal(struct {
			H string
			P uint32
			F string
			Q uint32
		}{"127.0.0.1", 65536, "", 0})},
		{"direct-tcpip", ssh.Marshal(struct {
			H string
			P uint32
			F string
			Q uint32
		}{"127.0.0.1\x00", 1, "", 0})},
		{"direct-streamlocal@openssh.com", ssh.Marshal(struct {
			P, R string
			Z    uint32
		}{"", "", 0})},
		{"direct-streamlocal@openssh.com", ssh.Marshal(struct {
			P, R string
			Z    uint32
		}{"/nowhere/x", "", 0})},
	} {
		if _, _, err := c.OpenChannel(row.typ, row.payload); err == nil {
			t.Errorf("%s %q was opened", row.typ, row.payload)
		}
	}
	if _, ok := listenAt(t, c, "localhost", 0); !ok {
		t.Error("after all that nothing is listened on any more")
	}
}
