package transport

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/slab"
	"github.com/nacre-ssh/nacre/internal/testpeer"
	"github.com/nacre-ssh/nacre/kex"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/wire"
)

// hostKeys makes one signer of each type, once.
var hostKeys = sync.OnceValue(func() []key.Signer {
	var list []key.Signer
	for _, typ := range []string{key.TypeEd25519, key.TypeECDSA256, key.TypeECDSA384, key.TypeECDSA521, key.TypeRSA} {
		bits := 0
		if typ == key.TypeRSA {
			bits = 2048
		}
		k, err := key.Generate(rand.Reader, typ, bits)
		if err != nil {
			panic(err)
		}
		list = append(list, k)
	}
	return list
})

// sockets returns both ends of a TCP connection on loopback.
func sockets(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func trustAll(context.Context, key.Public) error { return nil }

// connect runs both sides of a handshake.
func connect(t testing.TB, cc, sc *Config) (client, server *Conn) {
	t.Helper()
	a, b := sockets(t)
	return connectOn(t, a, b, cc, sc)
}

func connectOn(t testing.TB, a, b net.Conn, cc, sc *Config) (client, server *Conn) {
	t.Helper()
	if cc.VerifyHostKey == nil {
		cc.VerifyHostKey = trustAll
	}
	if sc.HostKeys == nil {
		sc.HostKeys = hostKeys()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		var err error
		server, err = Server(ctx, b, sc)
		done <- err
	}()
	client, err := Client(ctx, a, cc)
	if serr := <-done; err != nil || serr != nil {
		t.Fatalf("client: %v; server: %v", err, serr)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// echo answers every message of conn with itself until it ends.
func echo(conn *Conn) {
	for {
		p, err := conn.Next()
		if err != nil {
			return
		}
		if err := conn.Post(p); err != nil {
			conn.fail(err)
			return
		}
	}
}

// authenticate stands for what auth does: a message each way, then both sides
// know that it succeeded.
func authenticate(t *testing.T, c, s *Conn) {
	t.Helper()
	for _, way := range [][2]*Conn{{c, s}, {s, c}} {
		if err := way[0].Send(message(0)); err != nil {
			t.Fatal(err)
		}
		if _, err := way[1].Next(); err != nil {
			t.Fatal(err)
		}
	}
	c.AuthSucceeded()
	s.AuthSucceeded()
}

// talk sends messages of many sizes and expects them back.
func talk(t *testing.T, conn *Conn, n int) {
	t.Helper()
	go func() {
		for i := range n {
			conn.SendLane(Bulk, message(i))
		}
	}()
	for i := range n {
		p, err := conn.Next()
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if !bytes.Equal(p, message(i)) {
			t.Fatalf("message %d came back as %d other bytes", i, len(p))
		}
	}
}

func message(i int) []byte {
	b := bytes.Repeat([]byte{byte(i)}, 1+i*37%3000)
	b[0] = wire.MsgChannelData
	return b
}

func TestEveryAlgorithm(t *testing.T) {
	try := func(name string, a Algorithms) {
		t.Run(name, func(t *testing.T) {
			c, s := connect(t, &Config{Algorithms: a}, &Config{Algorithms: a})
			authenticate(t, c, s)
			go echo(s)
			talk(t, c, 50)
			if err := c.Rekey(); err != nil {
				t.Fatal(err)
			}
			talk(t, c, 200)
			if c.exchange() != nil || !bytes.Equal(c.SessionID(), s.SessionID()) || !c.Negotiated().Strict {
				t.Fatal("the rekey did not end well")
			}
		})
	}
	for _, name := range kex.Methods() {
		try(name, Algorithms{Kex: []string{name}})
	}
	for _, name := range append(DefaultHostKeys(), key.AlgRSASHA1) {
		try(name, Algorithms{HostKeys: []string{name}})
	}
	for _, name := range packet.Ciphers() {
		try(name, Algorithms{Ciphers: []string{name}})
	}
	for _, name := range packet.MACs() {
		try(name, Algorithms{Ciphers: []string{"aes128-ctr"}, MACs: []string{name}})
	}
	for _, name := range packet.Compressions() {
		try("compression "+name, Algorithms{Compression: []string{name}})
	}
}

// Rekeys by bytes, by time and on demand from both sides run while data flows
// both ways.
func TestRekeyUnderLoad(t *testing.T) { rekeyUnderLoad(t, 64<<20) }

// The same with every bound set so low that each packet meets it.
func TestTightBounds(t *testing.T) {
	was := bounds
	defer func() { bounds = was }()
	bounds.bulk, bounds.batch, bounds.budget = 1, 1, 1
	rekeyUnderLoad(t, 8<<20)
}

func rekeyUnderLoad(t *testing.T, total int) {
	cfg := func() *Config { return &Config{RekeyBytes: 1 << 20, RekeyInterval: 20 * time.Millisecond} }
	c, s := connect(t, cfg(), cfg())
	payload := make([]byte, 32<<10)
	rand.Read(payload)
	payload[0] = wire.MsgChannelData
	var senders, receivers, arrived sync.WaitGroup
	for _, conn := range []*Conn{c, s} {
		senders.Go(func() {
			for sent := 0; sent < total; sent += len(payload) {
				if err := conn.SendLane(Bulk, payload); err != nil {
					t.Errorf("sending: %v", err)
					return
				}
				if sent%(8<<20) == 0 {
					conn.Rekey()
				}
			}
		})
		arrived.Add(1)
		receivers.Go(func() {
			for got := 0; ; {
				p, err := conn.Next()
				if err != nil {
					if got != total {
						t.Errorf("received %d bytes of %d: %v", got, total, err)
						arrived.Done()
					}
					return // closed below
				}
				if !bytes.Equal(p, payload) {
					t.Errorf("%d other bytes arrived", len(p))
				}
				if got += len(p); got == total {
					arrived.Done()
				}
			}
		})
	}
	senders.Wait()
	arrived.Wait() // and go on reading: the other side may be rekeying
	c.Disconnect(wire.DisconnectByApplication, "done")
	receivers.Wait()
}

// Where the remembered lists fit, the first key-exchange message leaves with the
// KEXINIT; where they are out of date, the connection comes about all the same.
func TestGuess(t *testing.T) {
	c, _ := connect(t, &Config{}, &Config{})
	lists := c.PeerLists()
	if len(lists.Kex) == 0 || len(lists.HostKeys) == 0 {
		t.Fatal("the server's lists were not kept")
	}
	for name, remembered := range map[string]*PeerLists{
		"right": &lists,
		"wrong": {Kex: []string{"curve25519-sha256"}, HostKeys: []string{"ecdsa-sha2-nistp256"}},
		"stale": {Kex: []string{"no-such-method"}, HostKeys: []string{"no-such-key"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := connect(t, &Config{Remembered: remembered}, &Config{})
			go echo(s)
			talk(t, c, 20)
		})
	}
}

// A right guess saves a turn: the server answers the first flight with everything
// up to its NEWKEYS.
func TestGuessSavesATurn(t *testing.T) {
	c, _ := connect(t, &Config{}, &Config{})
	lists := c.PeerLists()
	turns := func(remembered *PeerLists) int64 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		pipe, err := testpeer.NewPipe(l.Addr().String(), 20*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		defer pipe.Close()
		a, err := net.Dial("tcp", pipe.Addr())
		if err != nil {
			t.Fatal(err)
		}
		b, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		connectOn(t, a, b, &Config{Remembered: remembered}, &Config{})
		return pipe.Stats().Turns
	}
	// The client speaks first, answers with its part of the exchange, and ends
	// it with its NEWKEYS.
	if plain, guessed := turns(nil), turns(&lists); plain != 3 || guessed != 2 {
		t.Fatalf("%d turns without a guess and %d with one, want 3 and 2", plain, guessed)
	}
}

func TestNoCommonAlgorithm(t *testing.T) {
	a, b := sockets(t)
	done := make(chan error, 1)
	go func() {
		_, err := Server(t.Context(), b, &Config{HostKeys: hostKeys(), Algorithms: Algorithms{Ciphers: []string{"aes256-ctr"}}})
		done <- err
	}()
	_, err := Client(t.Context(), a, &Config{VerifyHostKey: trustAll, Algorithms: Algorithms{Ciphers: []string{"aes128-ctr"}}})
	var failed *NegotiationError
	if !errors.As(err, &failed) || failed.What != "cipher" || failed.Theirs[0] != "aes256-ctr" {
		t.Errorf("client: %v", err)
	}
	if err := <-done; err == nil {
		t.Error("the server noticed nothing")
	}
}

func TestHostKeyRefused(t *testing.T) {
	a, b := sockets(t)
	done := make(chan error, 1)
	go func() {
		_, err := Server(t.Context(), b, &Config{HostKeys: hostKeys()})
		done <- err
	}()
	no := errors.New("not my host")
	_, err := Client(t.Context(), a, &Config{VerifyHostKey: func(context.Context, key.Public) error { return no }})
	if !errors.Is(err, no) {
		t.Errorf("client: %v", err)
	}
	var gone *DisconnectError
	if err := <-done; !errors.As(err, &gone) || !gone.Remote || gone.Reason != wire.DisconnectHostKeyNotVerifiable {
		t.Errorf("server: %v", err)
	}
}

func TestNotSSH(t *testing.T) {
	for name, says := range map[string]string{
		"http":    "HTTP/1.1 400 Bad Request\r\n\r\n",
		"old":     "SSH-1.5-ancient\r\n",
		"long":    strings.Repeat("x", 5000),
		"nothing": "",
	} {
		t.Run(name, func(t *testing.T) {
			a, b := sockets(t)
			go func() { io.WriteString(b, says); b.(*net.TCPConn).CloseWrite(); io.Copy(io.Discard, b) }()
			_, err := Client(t.Context(), a, &Config{VerifyHostKey: trustAll})
			var not *IdentificationError
			if !errors.As(err, &not) {
				t.Fatalf("%v", err)
			}
		})
	}
}

// A peer that says nothing is given up when the context ends.
func TestHandshakeEndsWithContext(t *testing.T) {
	a, _ := sockets(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := Client(ctx, a, &Config{VerifyHostKey: trustAll}); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
}

// A connection moves to another Conn with messages already on the way.
func TestExport(t *testing.T) {
	for _, cipher := range append(packet.Ciphers(), "") {
		for _, compression := range []string{packet.CompressNone, packet.CompressDelayed} {
			t.Run(fmt.Sprintf("%s %s", cipher, compression), func(t *testing.T) {
				a := Algorithms{Compression: []string{compression}}
				if cipher != "" {
					a.Ciphers = []string{cipher}
				}
				sc := &Config{Algorithms: a, Exportable: true, HostKeys: hostKeys()}
				x, y := sockets(t)
				c, s := connectOn(t, x, y, &Config{Algorithms: a}, sc)
				authenticate(t, c, s)
				// What the client says now lies in the socket or is read already.
				for i := range 100 {
					c.SendLane(Bulk, message(i))
				}
				state, err := s.Export()
				if err != nil {
					t.Fatal(err)
				}
				moved, err := Import(y, state, sc)
				if err != nil {
					t.Fatal(err)
				}
				for i := range 100 {
					if p, err := moved.Next(); err != nil || !bytes.Equal(p, message(i)) {
						t.Fatalf("message %d: %v", i, err)
					}
				}
				go echo(moved)
				talk(t, c, 50)
				c.Rekey()
				talk(t, c, 50)
				if !bytes.Equal(moved.SessionID(), c.SessionID()) || moved.PeerVersion() != c.ours {
					t.Fatal("the moved connection forgot who it is")
				}
			})
		}
	}
}

func TestPing(t *testing.T) {
	c, s := connect(t, &Config{}, &Config{})
	authenticate(t, c, s)
	go echo(s)
	talk(t, c, 1)
	if !c.CanPing() {
		t.Fatal("the server did not announce pings")
	}
	c.PostPing()
	talk(t, c, 5)
	if c.RTT() <= 0 {
		t.Fatal("no round trip was measured")
	}
}

func TestNoSlabLeaks(t *testing.T) {
	before := slab.Out()
	c, s := connect(t, &Config{}, &Config{})
	authenticate(t, c, s)
	done := make(chan struct{})
	go func() { echo(s); close(done) }()
	talk(t, c, 100)
	c.Disconnect(wire.DisconnectByApplication, "done")
	<-done
	if _, err := c.Next(); err == nil {
		t.Fatal("a closed connection delivers")
	}
	if n := slab.Out() - before; n > 2 {
		t.Fatalf("%d slabs are still out", n)
	}
}
