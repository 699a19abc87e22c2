package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/key"
)

func TestLogLines(t *testing.T) {
	st := open(t, func(c *Config) { c.MaxAuthTries = 2 }, plays())
	at := st.dial(t).LocalAddr().(*net.TCPAddr)
	if _, err := st.knock("alice", "wrong", "wrong"); err == nil {
		t.Fatal("a wrong password was taken")
	}
	if _, err := st.knock("bob", "sesame"); err == nil {
		t.Fatal("bob was let in")
	}
	for _, want := range []string{
		fmt.Sprintf("Connection from 127.0.0.1 port %d on 127.0.0.1 port ", at.Port),
		fmt.Sprintf("Accepted password for alice from 127.0.0.1 port %d ssh2", at.Port),
		"Failed password for alice from 127.0.0.1 port ",
		"maximum authentication attempts exceeded for alice from 127.0.0.1 port ",
		"Disconnecting authenticating user alice 127.0.0.1 port ",
		": Too many authentication failures [preauth]",
		"Failed password for invalid user bob from 127.0.0.1 port ",
		"Connection closed by invalid user bob 127.0.0.1 port ",
	} {
		st.journal.says(t, want)
	}
}

func TestRefusals(t *testing.T) {
	st := open(t, nil, plays())
	c := st.dial(t)
	for typ, want := range map[string]ssh.RejectionReason{
		"direct-tcpip": ssh.Prohibited, "direct-streamlocal@openssh.com": ssh.Prohibited,
		"tun@openssh.com": ssh.ConnectionFailed, // as OpenSSH has it
		"x11":             ssh.Prohibited, "nonsense": ssh.UnknownChannelType,
	} {
		_, _, err := c.OpenChannel(typ, nil)
		var refused *ssh.OpenChannelError
		if !errors.As(err, &refused) || refused.Reason != want {
			t.Errorf("%s: %v", typ, err)
		}
	}
	for _, name := range []string{"tcpip-forward", "streamlocal-forward@openssh.com", "keepalive@openssh.com", "nonsense"} {
		if ok, _, err := c.SendRequest(name, true, nil); ok || err != nil {
			t.Errorf("%s: %v %v", name, ok, err)
		}
	}
	s := st.session(t, c)
	if err := s.Run("status 0"); err != nil {
		t.Errorf("a session after all that: %v", err)
	}
}

func TestMaxSessions(t *testing.T) {
	st := open(t, func(c *Config) { c.MaxSessions = 2 }, plays())
	c := st.dial(t)
	first, second := st.session(t, c), st.session(t, c)
	if _, err := c.NewSession(); err == nil {
		t.Fatal("a third session was opened")
	}
	if err := first.Run("status 0"); err != nil {
		t.Fatal(err)
	}
	first.Close()
	// The place is free a moment after the client has seen the end.
	for deadline := time.Now().Add(patience); ; {
		s, err := c.NewSession()
		if err == nil {
			s.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the place of a session that has ended stays taken")
		}
	}
	second.Close()
	none := open(t, func(c *Config) { c.MaxSessions = -1 }, plays())
	if _, err := none.dial(t).NewSession(); err == nil {
		t.Error("a session was opened where there are none")
	}
}

func TestNoMoreSessions(t *testing.T) {
	st := open(t, nil, plays())
	c := st.dial(t)
	if ok, _, err := c.SendRequest("no-more-sessions@openssh.com", true, nil); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, err := c.NewSession(); err == nil {
		t.Error("a session was opened")
	}
	ends(t, "the connection", gone(c))
}

func TestHostKeyProof(t *testing.T) {
	st := open(t, nil, plays())
	c := st.dial(t)
	blob := st.signer.Public().Blob()
	ok, reply, err := c.SendRequest(hostKeysProve, true, ssh.Marshal(struct{ B []byte }{blob}))
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	var proof struct{ Sig []byte }
	if err := ssh.Unmarshal(reply, &proof); err != nil {
		t.Fatal(err)
	}
	data := ProofData(c.SessionID(), st.signer.Public())
	if err := st.signer.Public().Verify(key.TypeEd25519, data, proof.Sig); err != nil {
		t.Error(err)
	}
	other, _ := key.Generate(rand.Reader, key.TypeEd25519, 0)
	for _, payload := range [][]byte{
		ssh.Marshal(struct{ B []byte }{other.Public().Blob()}), {0, 0, 0, 9}, bytes.Repeat(ssh.Marshal(struct{ B []byte }{blob}), maxProofs+1),
	} {
		if ok, _, err := c.SendRequest(hostKeysProve, true, payload); ok || err != nil {
			t.Errorf("%d bytes: %v %v", len(payload), ok, err)
		}
	}
}

// Whatever a peer does or leaves undone, it is gone after the grace time.
func TestGrace(t *testing.T) {
	for name, talk := range map[string]func(net.Conn){
		"silence":        func(net.Conn) {},
		"identification": func(c net.Conn) { io.WriteString(c, "SSH-2.0-stalled\r\n") },
		"dribble":        func(c net.Conn) { io.WriteString(c, "SSH-2.0-") },
		"half a packet":  func(c net.Conn) { io.WriteString(c, "SSH-2.0-stalled\r\n\x00\x00\x01\x04\x04\x14") },
	} {
		t.Run(name, func(t *testing.T) {
			st := open(t, func(c *Config) { c.LoginGraceTime = 50 * time.Millisecond }, plays())
			nc, err := net.Dial("tcp", st.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			talk(nc)
			nc.SetDeadline(time.Now().Add(patience))
			if _, err := io.Copy(io.Discard, nc); errors.Is(err, context.DeadlineExceeded) {
				t.Fatal("the connection stays")
			}
			st.journal.says(t, "Timeout before authentication for 127.0.0.1 port ")
		})
	}
}

func TestGraceDuringAuthentication(t *testing.T) {
	st := open(t, func(c *Config) { c.LoginGraceTime = 300 * time.Millisecond }, plays())
	asked := make(chan struct{})
	_, err := ssh.Dial("tcp", st.addr, &ssh.ClientConfig{
		User: "alice", HostKeyCallback: ssh.FixedHostKey(st.hostKey),
		Auth: []ssh.AuthMethod{ssh.PasswordCallback(func() (string, error) {
			close(asked)
			st.journal.says(t, "Timeout before authentication")
			return "sesame", nil
		})},
	})
	<-asked
	if err == nil {
		t.Error("a login after the grace time")
	}
}

// A panic ends the connection that it belongs to.
func TestPanic(t *testing.T) {
	st := open(t, nil, plays())
	other := st.dial(t)
	for _, command := range []string{"panic", "cat and panic"} {
		c := st.dial(t)
		st.session(t, c).Start(command) // its input is empty
		ends(t, "the connection", gone(c))
	}
	if err := st.session(t, other).Run("status 0"); err != nil {
		t.Errorf("the other connection: %v", err)
	}
}

type bouncer struct {
	full atomic.Bool
	done chan netip.Addr
}

func (b *bouncer) Admit(netip.Addr, time.Time) error {
	if b.full.Load() {
		return errors.New("full")
	}
	return nil
}

func (b *bouncer) Done(a netip.Addr) { b.done <- a }

func TestGate(t *testing.T) {
	gate := &bouncer{done: make(chan netip.Addr, 4)}
	st := open(t, func(c *Config) { c.Gate = gate }, plays())
	c := st.dial(t)
	if a := <-gate.done; a != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("counted out: %v", a)
	}
	c.Close()
	gate.full.Store(true)
	if _, err := st.knock("alice", "sesame"); err == nil {
		t.Error("the gate did not hold")
	}
	st.journal.says(t, "drop connection from [127.0.0.1]:")
	st.stop()
	if len(gate.done) != 0 {
		t.Error("a connection that was not let in was counted out")
	}
}

// A connection moves to another server with a session already asked for.
func TestHandOver(t *testing.T) {
	worker := ForWorker(Config{Handler: &actor{plays: plays()}})
	var hostKeys []key.Signer
	over := make(chan struct{})
	st := open(t, func(c *Config) {
		hostKeys = c.HostKeys
		c.HandOver = func(_ context.Context, h *Handover) error {
			if h.Login.User != "alice" || h.Login.Account.(*person).name != "alice" {
				return errors.New("the wrong person")
			}
			f, err := h.Conn.(*net.TCPConn).File()
			if err != nil {
				return err
			}
			nc, err := net.FileConn(f)
			f.Close()
			if err != nil {
				return err
			}
			r := &Resumed{Login: h.Login, State: bytes.Clone(h.State), HostKeys: hostKeys}
			go func() { worker.Resume(context.Background(), nc, r); close(over) }()
			return nil
		}
	}, nil)
	c := st.dial(t)
	for range 2 {
		out, err := st.session(t, c).Output("status 0")
		if err != nil || string(out) != "hello\nout\n" {
			t.Fatalf("%q %v", out, err)
		}
	}
	c.Close()
	ends(t, "the resumed connection", over)
	refusing := open(t, func(c *Config) {
		c.HandOver = func(context.Context, *Handover) error { return errors.New("no room") }
	}, nil)
	c, err := refusing.knock("alice", "sesame")
	if err == nil {
		ends(t, "a connection that nobody took", gone(c))
	}
}

func TestReconfigure(t *testing.T) {
	st := open(t, nil, plays())
	old := st.dial(t)
	cfg := Config{HostKeys: []key.Signer{st.signer}, Policy: users{nil}}
	if err := st.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := st.knock("alice", "sesame"); err == nil {
		t.Error("the new policy does not count")
	}
	if err := st.session(t, old).Run("status 0"); err != nil {
		t.Errorf("the old connection: %v", err)
	}
	for _, bad := range []Config{{}, {HostKeys: cfg.HostKeys}, {Policy: cfg.Policy}} {
		if st.Reconfigure(bad) == nil {
			t.Error("a config without keys or policy was taken")
		}
	}
}

func TestShutdownEndsSessions(t *testing.T) {
	st := open(t, nil, plays())
	c := st.dial(t)
	s := st.session(t, c)
	in, _ := s.StdinPipe()
	defer in.Close()
	if err := s.Start("cat"); err != nil {
		t.Fatal(err)
	}
	st.stop()
	ends(t, "the connection", gone(c))
}

// ServeConn works where there is no address.
func TestServeConnOnUnixSocket(t *testing.T) {
	st := open(t, nil, plays())
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan struct{})
	go func() {
		defer close(served)
		if nc, err := l.Accept(); err == nil {
			st.ServeConn(context.Background(), nc)
		}
	}()
	c, err := ssh.Dial("unix", l.Addr().String(), st.client("alice", "sesame"))
	if err != nil {
		t.Fatal(err)
	}
	if err := st.session(t, c).Run("status 0"); err != nil {
		t.Error(err)
	}
	c.Close()
	ends(t, "ServeConn", served)
	st.journal.says(t, "Accepted password for alice from UNKNOWN port 65535 ssh2")
}
