package agent

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

func newKey(t testing.TB) *key.Private {
	t.Helper()
	k, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A place is a host with its key.
type place struct {
	name string
	key  *key.Private
}

func (p place) hop(user string) Hop {
	return Hop{User: user, Host: p.name, Keys: []HopKey{{Blob: p.key.Public().Blob()}}}
}

// proof binds a connection to a session at the host.
func (p place) proof(t testing.TB, session string, forwarded bool) ProvenBinding {
	t.Helper()
	signature, err := p.key.Sign(context.Background(), key.TypeEd25519, []byte(session))
	if err != nil {
		t.Fatal(err)
	}
	return ProvenBinding{Binding{p.key.Public().Blob(), []byte(session), forwarded}, signature}
}

// loginData is what is signed to log in.
func loginData(session, user string, k key.Public, host []byte) []byte {
	b := wire.AppendString(nil, session)
	b = append(b, wire.MsgUserauthRequest)
	b = wire.AppendString(b, user)
	b = wire.AppendString(b, "ssh-connection")
	method := "publickey"
	if host != nil {
		method = "publickey-hostbound-v00@openssh.com"
	}
	b = wire.AppendString(b, method)
	b = wire.AppendBool(b, true)
	b = wire.AppendString(b, k.Type())
	b = wire.AppendString(b, k.Blob())
	if host != nil {
		b = wire.AppendString(b, host)
	}
	return b
}

// An errand is what one connection does with an agent; it tells how it went.
type errand struct {
	name string
	do   func(t *testing.T, c *Client) string
	// newer is what OpenSSH says since 9.3, where the one here may be older.
	newer string
}

func said(err error) string {
	if err == nil {
		return "yes"
	}
	return "no"
}

// TestDestinations has one agent of ours and one of OpenSSH's decide about the
// same requests.
func TestDestinations(t *testing.T) {
	ctx := context.Background()
	home, gate, far, other := place{"gate", newKey(t)}, place{"gate", newKey(t)}, place{"far", newKey(t)}, place{"other", newKey(t)}
	_ = home
	free, held, direct := newKey(t), newKey(t), newKey(t)
	keys := []AddedKey{
		{Private: free, Comment: "free"},
		{Private: held, Comment: "held", Destinations: []Destination{
			{To: gate.hop("")}, {From: gate.hop(""), To: far.hop("al*")},
		}},
		{Private: direct, Comment: "direct", Destinations: []Destination{{To: gate.hop("bob")}}},
	}
	sign := func(c *Client, k *key.Private, session, user string, host []byte) string {
		_, err := c.Sign(ctx, k.Public().Blob(), loginData(session, user, k.Public(), host), 0)
		return said(err)
	}
	list := func(c *Client) string {
		ids, err := c.List(ctx)
		names := ""
		for _, id := range ids {
			names += id.Comment + " "
		}
		return names + said(err)
	}
	gateBlob, farBlob := gate.key.Public().Blob(), far.key.Public().Blob()
	errands := []errand{
		{"unbound", func(t *testing.T, c *Client) string {
			return list(c) + sign(c, free, "s", "bob", nil) + sign(c, held, "s", "bob", nil)
		}, ""},
		{"login at the gate", func(t *testing.T, c *Client) string {
			out := said(c.Bind(ctx, gate.proof(t, "s1", false))) + list(c)
			out += sign(c, held, "s1", "bob", nil) + sign(c, held, "s1", "bob", gateBlob) + sign(c, direct, "s1", "bob", gateBlob)
			out += sign(c, direct, "s1", "eve", gateBlob) + sign(c, held, "other session", "bob", gateBlob) + sign(c, held, "s1", "bob", farBlob)
			_, err := c.Sign(ctx, held.Public().Blob(), []byte("anything"), 0)
			return out + said(err)
		}, ""},
		{"login elsewhere", func(t *testing.T, c *Client) string {
			return said(c.Bind(ctx, other.proof(t, "s1", false))) + list(c) + sign(c, held, "s1", "bob", other.key.Public().Blob()) + sign(c, free, "s1", "x", nil)
		}, ""},
		{"seen at the gate", func(t *testing.T, c *Client) string {
			return said(c.Bind(ctx, gate.proof(t, "s1", true))) + list(c) + sign(c, held, "s1", "bob", gateBlob)
		}, ""},
		{"through the gate", func(t *testing.T, c *Client) string {
			out := said(c.Bind(ctx, gate.proof(t, "s1", true))) + said(c.Bind(ctx, far.proof(t, "s2", false))) + list(c)
			return out + sign(c, held, "s2", "alice", farBlob) + sign(c, held, "s2", "bob", farBlob) + sign(c, held, "s2", "alice", nil) + sign(c, direct, "s2", "alice", farBlob)
		}, ""},
		{"through the gate to elsewhere", func(t *testing.T, c *Client) string {
			return said(c.Bind(ctx, gate.proof(t, "s1", true))) + said(c.Bind(ctx, other.proof(t, "s2", false))) + list(c)
		}, ""},
		{"far first", func(t *testing.T, c *Client) string {
			return said(c.Bind(ctx, far.proof(t, "s1", true))) + list(c)
		}, ""},
		{"after a login", func(t *testing.T, c *Client) string {
			return said(c.Bind(ctx, gate.proof(t, "s1", false))) + said(c.Bind(ctx, far.proof(t, "s2", false))) + list(c)
		}, ""},
		{"twice the same", func(t *testing.T, c *Client) string {
			return said(c.Bind(ctx, gate.proof(t, "s1", true))) + said(c.Bind(ctx, gate.proof(t, "s1", true))) + said(c.Bind(ctx, far.proof(t, "s1", true)))
		}, ""},
		{"a lie", func(t *testing.T, c *Client) string {
			p := gate.proof(t, "s1", true)
			p.HostKey = farBlob
			return said(c.Bind(ctx, p)) + list(c) + sign(c, held, "s1", "bob", nil)
		}, "nofree yesno"},
		{"no session", func(t *testing.T, c *Client) string {
			return said(c.Bind(ctx, gate.proof(t, strings.Repeat("s", maxSessionID+1), true)))
		}, "no"},
		{"a long way", func(t *testing.T, c *Client) string {
			out := ""
			for i := range MaxBindings + 1 {
				out += said(c.Bind(ctx, gate.proof(t, fmt.Sprint("s", i), true)))
			}
			return out
		}, ""},
		{"removal from afar", func(t *testing.T, c *Client) string {
			out := said(c.Bind(ctx, other.proof(t, "s1", true))) + said(c.Remove(ctx, held.Public().Blob()))
			return out + said(c.Add(ctx, AddedKey{Private: held, Comment: "stolen"})) + list(c)
		}, ""},
	}
	theirs := realAgent(t)
	ours := listen(t, new(Memory))
	results := map[string][]string{}
	for _, socket := range []string{ours, theirs} {
		c, err := Dial(ctx, socket)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, k := range keys {
			if err := c.Add(ctx, k); err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range errands {
			c, err := Dial(ctx, socket)
			if err != nil {
				t.Fatal(err)
			}
			results[e.name] = append(results[e.name], e.do(t, c))
			c.Close()
		}
	}
	for _, e := range errands {
		if r := results[e.name]; r[0] != r[1] && r[0] != e.newer {
			t.Errorf("%s: ours says %q, OpenSSH's %q", e.name, r[0], r[1])
		} else {
			t.Logf("%s: %s", e.name, r[0])
		}
	}
	if got := results["through the gate"][0]; got != "yesyesfree held yesyesnonono" {
		t.Errorf("through the gate: %q", got)
	}
}

// listen serves a keyring at a socket until the test ends.
func listen(t testing.TB, k Keyring) string {
	t.Helper()
	socket := t.TempDir() + "/agent"
	l, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- (&Listener{Keyring: k}).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return socket
}

// TestHostCertificate has a host prove itself with a certificate.
func TestHostCertificate(t *testing.T) {
	authority, host := newKey(t), newKey(t)
	certificate := certify(t, host.Public(), authority)
	d := []Destination{{To: Hop{Host: "gate", Keys: []HopKey{{authority.Public().Blob(), true}}}}}
	p := &Peer{bindings: []Binding{{HostKey: certificate, SessionID: []byte("s")}}}
	if p.permits(d, "bob", nil) {
		t.Error("a certificate that nobody judges was taken")
	}
	judge := func(blob []byte, host string) (key.Public, error) {
		if host != "gate" {
			return nil, ErrFailure
		}
		return authority.Public(), nil
	}
	if !p.permits(d, "bob", judge) {
		t.Error("a good certificate was refused")
	}
	d[0].To.Host = "far"
	if p.permits(d, "bob", judge) {
		t.Error("a certificate for another host was taken")
	}
	d[0].To.Host, d[0].To.Keys[0].Authority = "gate", false
	if p.permits(d, "bob", judge) {
		t.Error("the authority's key was taken for the host's")
	}
}

// certify makes as much of a certificate as an agent looks at.
func certify(t testing.TB, k key.Public, authority *key.Private) []byte {
	t.Helper()
	plain := wire.NewReader(k.Blob())
	b := wire.AppendString(nil, plain.String()+certSuffix)
	b = wire.AppendString(b, "nonce")
	b = append(b, plain.Rest()...)
	b = wire.AppendUint64(b, 1)
	b = wire.AppendUint32(b, 2)
	b = wire.AppendString(b, "id")
	b = wire.AppendString(b, wire.AppendString(nil, "gate"))
	b = wire.AppendUint64(wire.AppendUint64(b, 0), 1<<64-1)
	for range 3 {
		b = wire.AppendString(b, "")
	}
	b = wire.AppendString(b, authority.Public().Blob())
	signature, err := authority.Sign(context.Background(), key.TypeEd25519, b)
	if err != nil {
		t.Fatal(err)
	}
	return wire.AppendString(b, signature)
}

// TestCertificates has certificates of every type go into both agents and back.
func TestCertificates(t *testing.T) {
	ctx := context.Background()
	authority := newKey(t)
	for name, socket := range map[string]string{"ours": listen(t, new(Memory)), "theirs": realAgent(t)} {
		c, err := Dial(ctx, socket)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, k := range testKeys() {
			certificate := certify(t, k.Public(), authority)
			if err := c.Add(ctx, AddedKey{Private: k, Certificate: certificate, Comment: "certified"}); err != nil {
				t.Fatalf("%s: %s: %v", name, k.Public().Type(), err)
			}
			flags, algorithm := uint32(0), k.Public().Algorithms()[0]
			if k.Public().Type() == key.TypeRSA {
				flags, algorithm = FlagRSASHA512, key.AlgRSASHA512
			}
			signature, err := c.Sign(ctx, certificate, []byte("data"), flags)
			if err != nil {
				t.Fatalf("%s: %s: %v", name, k.Public().Type(), err)
			}
			if err := k.Public().Verify(algorithm, []byte("data"), signature); err != nil {
				t.Errorf("%s: %s: %v", name, k.Public().Type(), err)
			}
			if _, err := c.Sign(ctx, k.Public().Blob(), []byte("data"), flags); err == nil {
				t.Errorf("%s: the key without its certificate is there too", name)
			}
		}
		if err := c.Add(ctx, AddedKey{Private: newKey(t), Certificate: certify(t, testKeys()[0].Public(), authority)}); err == nil {
			t.Errorf("%s: another key's certificate was added", name)
		}
	}
	// What a client won't send, a hostile one does.
	k := testKeys()[0]
	b, err := appendAdded(AddedKey{Private: k, Certificate: certify(t, k.Public(), authority)})
	if err != nil {
		t.Fatal(err)
	}
	r := wire.NewReader(b[5:])
	r.Bytes()
	other, err := appendAdded(AddedKey{Private: newKey(t)})
	if err != nil {
		t.Fatal(err)
	}
	o := wire.NewReader(other[5:])
	o.Bytes()
	forged := wire.AppendString(wire.AppendString(newMessage(msgAddIdentity), key.TypeEd25519+certSuffix), r.Bytes())
	ours, theirs := net.Pipe()
	defer ours.Close()
	go Serve(ctx, theirs, new(Memory))
	if err := writeMessage(ours, append(forged, o.Rest()...)); err != nil {
		t.Fatal(err)
	}
	if reply, err := readMessage(ours); err != nil || reply[0] != msgFailure {
		t.Errorf("a forged pair: % x %v", reply, err)
	}
}
