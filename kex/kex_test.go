package kex

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/nacre-ssh/nacre/wire"
)

func testParams() *Params {
	return &Params{
		ClientVersion: []byte("SSH-2.0-client"),
		ServerVersion: []byte("SSH-2.0-server"),
		ClientInit:    append([]byte{wire.MsgKexInit}, "client's lists"...),
		ServerInit:    append([]byte{wire.MsgKexInit}, "server's lists"...),
		HostKey:       []byte("host key blob"),
	}
}

// begin makes both sides of a method.
func begin(t testing.TB, method string) (c, s Exchange) {
	t.Helper()
	c, err := NewClient(method, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err = NewServer(method, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// run plays one exchange to its end. The messages are overwritten after each
// step, as a transport's buffers are.
func run(t testing.TB, c, s Exchange, p *Params) (client, server *Result) {
	t.Helper()
	if msg, err := s.Start(); msg != nil || err != nil {
		t.Fatalf("server starts with %d bytes, %v", len(msg), err)
	}
	msg, err := c.Start()
	if err != nil {
		t.Fatal(err)
	}
	step := func(x Exchange) (done *Result) {
		in := msg
		msg, done, err = x.Step(p, in)
		if err != nil {
			t.Fatal(err)
		}
		for i := range in {
			in[i] = 0xaa
		}
		return done
	}
	for range 3 {
		if server = step(s); server != nil {
			msg = server.Reply([]byte("signature blob"))
		}
		if client = step(c); client != nil {
			return client, server
		}
	}
	t.Fatal("exchange does not end")
	return nil, nil
}

func TestEveryMethod(t *testing.T) {
	for _, name := range Methods() {
		t.Run(name, func(t *testing.T) {
			c, s := begin(t, name)
			p := testParams()
			client, server := run(t, c, s, p)
			if !bytes.Equal(client.H, server.H) || !bytes.Equal(client.K, server.K) {
				t.Fatal("the two sides disagree")
			}
			if len(client.H) != client.Hash.Size() || client.Hash != server.Hash {
				t.Fatalf("H has %d bytes, hash %v and %v", len(client.H), client.Hash, server.Hash)
			}
			if !bytes.Equal(client.HostKey, p.HostKey) || string(client.Signature) != "signature blob" {
				t.Fatal("host key or signature changed on the way")
			}
			r := wire.NewReader(client.K)
			if r.Bytes(); r.End() != nil {
				t.Fatalf("K is not encoded: %v", r.Err())
			}
			id := []byte("session")
			for letter := byte('A'); letter <= 'F'; letter++ {
				a, b := client.Key(letter, id, 200), server.Key(letter, id, 200)
				if len(a) != 200 || !bytes.Equal(a, b) || !bytes.Equal(a[:16], client.Key(letter, id, 16)) {
					t.Fatalf("key %c differs", letter)
				}
			}
			if client.Reply(nil) != nil {
				t.Fatal("client has a reply")
			}
			for _, x := range []Exchange{c, s} {
				if _, _, err := x.Step(p, []byte{31}); !errors.Is(err, ErrOver) {
					t.Fatalf("step after the end: %v", err)
				}
			}
		})
	}
}

// Each part of Params must change H.
func TestHashCoversParams(t *testing.T) {
	for _, name := range []string{"curve25519-sha256", "diffie-hellman-group-exchange-sha256"} {
		seen := map[string]bool{}
		for i := range 6 {
			p := testParams()
			if part := []*[]byte{nil, &p.ClientVersion, &p.ServerVersion, &p.ClientInit, &p.ServerInit, &p.HostKey}[i]; part != nil {
				*part = append(*part, 'x')
			}
			client, err := NewClient(name, zeros{})
			if err != nil {
				t.Fatal(err)
			}
			server, err := NewServer(name, zeros{}, fixedModuli{group14})
			if err != nil {
				t.Fatal(err)
			}
			r, _ := run(t, client, server, p)
			if seen[string(r.H)] {
				t.Fatalf("%s: part %d is not hashed", name, i)
			}
			seen[string(r.H)] = true
		}
	}
}

func TestDefaultOrder(t *testing.T) {
	want := []string{
		"mlkem768x25519-sha256",
		"sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com",
		"curve25519-sha256", "curve25519-sha256@libssh.org",
		"ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
		"diffie-hellman-group-exchange-sha256",
		"diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512", "diffie-hellman-group14-sha256",
	}
	if got := Default(); !slices.Equal(got, want) {
		t.Fatalf("Default() = %q", got)
	}
	if got := Methods(); !slices.Equal(got, append(want, "diffie-hellman-group14-sha1")) {
		t.Fatalf("Methods() = %q", got)
	}
}

func TestSlow(t *testing.T) {
	for name, want := range map[string]bool{
		"curve25519-sha256": false, "mlkem768x25519-sha256": false, "no-such-method": false,
		"diffie-hellman-group18-sha512": true, "diffie-hellman-group-exchange-sha256": true,
	} {
		if Slow(name) != want {
			t.Errorf("Slow(%q) = %v", name, !want)
		}
	}
}

func TestUnknownMethod(t *testing.T) {
	for _, name := range []string{"", "none", "diffie-hellman-group1-sha1", "curve25519-sha256 "} {
		if _, err := NewClient(name, nil); !errors.Is(err, ErrUnknownMethod) {
			t.Errorf("client of %q: %v", name, err)
		}
		if _, err := NewServer(name, nil, nil); !errors.Is(err, ErrUnknownMethod) {
			t.Errorf("server of %q: %v", name, err)
		}
	}
}

// zeros is a random source of zero bytes.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// brokenRandom fails.
type brokenRandom struct{}

func (brokenRandom) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
