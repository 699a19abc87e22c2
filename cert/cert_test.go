package cert

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/wire"
)

// keygen runs the real ssh-keygen in dir and returns what it printed.
func keygen(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("ssh-keygen", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func read(t testing.TB, parts ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, b []byte, parts ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(parts...), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func newKey(t testing.TB, typ string) *key.Private {
	t.Helper()
	k, err := key.Generate(rand.Reader, typ, 0)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// contents are those of a certificate that everything accepts.
func contents(k key.Public) Contents {
	return Contents{
		Key: k, Serial: 7, Kind: User, KeyID: "id", Principals: []string{"alice", "bob"},
		ValidAfter: 1000, ValidBefore: 2000,
		Critical:   []Option{TextOption(ForceCommand, "uptime"), TextOption(SourceAddress, "192.0.2.0/24,2001:db8::1")},
		Extensions: []Option{{"permit-pty", ""}, {"permit-user-rc", ""}, {"hello@example.com", "x"}},
	}
}

func sign(t testing.TB, ca key.Signer, c Contents) *Certificate {
	t.Helper()
	signed, err := Sign(context.Background(), ca, "", c)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// use is one that contents' certificate is good for.
func use(ca key.Public) Use {
	return Use{
		Kind: User, Principal: "alice", Now: time.Unix(1500, 0), Source: netip.MustParseAddr("192.0.2.7"),
		Authority: func(k key.Public) bool { return key.Equal(k, ca) },
	}
}

func TestVerify(t *testing.T) {
	ca := newKey(t, key.TypeEd25519)
	k := newKey(t, key.TypeECDSA256).Public()
	revoked := errors.New("revoked")
	tests := []struct {
		name string
		edit func(c *Contents, u *Use)
		want error // nil: accepted
	}{
		{"good", func(*Contents, *Use) {}, nil},
		{"second principal", func(_ *Contents, u *Use) { u.Principal = "bob" }, nil},
		{"principals", func(_ *Contents, u *Use) { u.Principals = []string{"x", "bob"} }, nil},
		{"other principal", func(_ *Contents, u *Use) { u.Principal = "eve" }, ErrPrincipal},
		{"case of a user", func(_ *Contents, u *Use) { u.Principal = "Alice" }, ErrPrincipal},
		{"no name asked for", func(_ *Contents, u *Use) { u.Principal = "" }, ErrPrincipal},
		{"no principals asked for", func(_ *Contents, u *Use) { u.Principals = []string{} }, ErrPrincipal},
		{"wildcard for a user", func(c *Contents, _ *Use) { c.Principals = []string{"*"} }, ErrPrincipal},
		{"wildcard asked for", func(_ *Contents, u *Use) { u.Principal = "a*" }, ErrPrincipal},
		{"host certificate", func(c *Contents, _ *Use) { c.Kind, c.Critical = Host, nil }, ErrKind},
		{"wanted for a host", func(_ *Contents, u *Use) { u.Kind = Host }, ErrKind},
		{"not yet", func(_ *Contents, u *Use) { u.Now = time.Unix(999, 0) }, ErrNotYet},
		{"first second", func(_ *Contents, u *Use) { u.Now = time.Unix(1000, 0) }, nil},
		{"last second", func(_ *Contents, u *Use) { u.Now = time.Unix(1999, 0) }, nil},
		{"expired", func(_ *Contents, u *Use) { u.Now = time.Unix(2000, 0) }, ErrExpired},
		{"no time", func(_ *Contents, u *Use) { u.Now = time.Time{} }, ErrNotYet},
		{"forever", func(c *Contents, _ *Use) { c.ValidAfter, c.ValidBefore = 0, Forever }, nil},
		{"other authority", func(_ *Contents, u *Use) { u.Authority = func(key.Public) bool { return false } }, ErrAuthority},
		{"no authority", func(_ *Contents, u *Use) { u.Authority = nil }, ErrAuthority},
		{"algorithm", func(_ *Contents, u *Use) { u.Algorithms = []string{key.AlgRSASHA512} }, ErrAlgorithm},
		{"algorithm of a like type", func(_ *Contents, u *Use) { u.Algorithms = []string{key.TypeECDSA256, key.TypeECDSA521, "ssh-ed255"} }, ErrAlgorithm},
		{"no algorithms", func(_ *Contents, u *Use) { u.Algorithms = []string{} }, ErrAlgorithm},
		{"unknown critical option", func(c *Contents, _ *Use) { c.Critical = []Option{{"x@y", ""}} }, ErrCritical},
		{"wrong source", func(_ *Contents, u *Use) { u.Source = netip.MustParseAddr("192.0.3.7") }, ErrSource},
		{"source in IPv6", func(_ *Contents, u *Use) { u.Source = netip.MustParseAddr("2001:db8::1") }, nil},
		{"mapped source", func(_ *Contents, u *Use) { u.Source = netip.MustParseAddr("::ffff:192.0.2.7") }, nil},
		{"no source", func(_ *Contents, u *Use) { u.Source = netip.Addr{} }, ErrSource},
		{"revoked", func(_ *Contents, u *Use) { u.Revoked = func(*Certificate) error { return revoked } }, revoked},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, u := contents(k), use(ca.Public())
			test.edit(&c, &u)
			_, err := Verify(sign(t, ca, c), u)
			if !errors.Is(err, test.want) || test.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, test.want)
			}
		})
	}
	if _, err := Verify(nil, use(ca.Public())); err == nil {
		t.Fatal("no certificate was accepted")
	}
	if _, err := Verify(sign(t, ca, contents(k)), Use{}); err == nil {
		t.Fatal("the zero Use accepted a certificate")
	}
}

func TestGrant(t *testing.T) {
	ca := newKey(t, key.TypeEd25519)
	g, err := Verify(sign(t, ca, contents(newKey(t, key.TypeEd25519).Public())), use(ca.Public()))
	if err != nil {
		t.Fatal(err)
	}
	if g.ForceCommand != "uptime" || !g.PTY || !g.UserRC || g.PortForwarding || g.AgentForwarding || g.X11Forwarding || len(g.Sources) != 2 || g.Expires.Unix() != 2000 {
		t.Fatalf("got %+v", g)
	}
	for _, bad := range []Option{
		{ForceCommand, ""}, {ForceCommand, "x"}, TextOption(ForceCommand, ""), TextOption(SourceAddress, ""),
		TextOption(SourceAddress, "*"), TextOption(SourceAddress, "!192.0.2.1"), TextOption(SourceAddress, "192.0.2.1/24"),
		TextOption(SourceAddress, "192.0.2.0/24,"), {VerifyRequired, "x"}, TextOption(ForceCommand, "a\x00b"),
	} {
		c := contents(newKey(t, key.TypeEd25519).Public())
		c.Critical = []Option{bad}
		if _, err := Verify(sign(t, ca, c), use(ca.Public())); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestHostPrincipals(t *testing.T) {
	ca := newKey(t, key.TypeEd25519)
	c := Contents{Key: ca.Public(), Kind: Host, Principals: []string{"a.example", "*.Web.example"}, ValidBefore: Forever}
	u := use(ca.Public())
	u.Kind = Host
	for name, want := range map[string]error{
		"a.example": nil, "A.example": nil, "x.web.example": nil, "web.example": ErrPrincipal, "b.example": ErrPrincipal, "": ErrPrincipal,
	} {
		u.Principal = name
		if _, err := Verify(sign(t, ca, c), u); !errors.Is(err, want) {
			t.Errorf("%q: got %v", name, err)
		}
	}
	c.Critical = []Option{TextOption(ForceCommand, "x")}
	u.Principal = "a.example"
	if _, err := Verify(sign(t, ca, c), u); !errors.Is(err, ErrCritical) {
		t.Errorf("a host's critical option: got %v", err)
	}
}

// A certificate as key or as authority, no principals: such are neither signed
// nor, signed by someone else, accepted.
func TestRefused(t *testing.T) {
	ca := newKey(t, key.TypeEd25519)
	inner := sign(t, ca, contents(ca.Public()))
	c := contents(inner)
	if _, err := Sign(context.Background(), ca, "", c); !errors.Is(err, ErrNested) {
		t.Errorf("certificate as key: %v", err)
	}
	nested, err := NewSigner(inner, ca)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(context.Background(), nested, "", contents(ca.Public())); !errors.Is(err, ErrNested) {
		t.Errorf("certificate as authority: %v", err)
	}
	raw := contents(ca.Public())
	if _, err := Parse(forge(t, ca, &raw, inner)); !errors.Is(err, ErrNested) {
		t.Errorf("forged with a certificate as authority: %v", err)
	}
	raw.Principals = nil
	if _, err := Sign(context.Background(), ca, "", raw); err == nil {
		t.Error("a certificate without principals was signed")
	}
	anybody, err := Parse(forge(t, ca, &raw, ca.Public()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(anybody, use(ca.Public())); !errors.Is(err, ErrNoPrincipal) {
		t.Errorf("no principals: %v", err)
	}
	u := use(ca.Public())
	u.AnyPrincipal = true
	if _, err := Verify(anybody, u); !errors.Is(err, ErrNoPrincipal) {
		t.Errorf("no principals, any wanted: %v", err)
	}
	raw = contents(ca.Public())
	raw.Critical = append(raw.Critical, raw.Critical[0])
	if _, err := Parse(forge(t, ca, &raw, ca.Public())); err == nil {
		t.Error("an option given twice was read")
	}
}

// forge signs what Sign would refuse.
func forge(t *testing.T, ca key.Signer, c *Contents, authority key.Public) []byte {
	t.Helper()
	inner := *c
	b := inner.appendSigned(nil, make([]byte, 32), authority)
	s, err := ca.Sign(context.Background(), ca.Public().Algorithms()[0], b)
	if err != nil {
		t.Fatal(err)
	}
	return wire.AppendString(b, s)
}

// Every byte counts: a certificate with one bit turned is never accepted.
func TestBitFlips(t *testing.T) {
	ca := newKey(t, key.TypeEd25519)
	good := sign(t, ca, contents(newKey(t, key.TypeEd25519).Public()))
	for i := range good.Blob() {
		b := bytes.Clone(good.Blob())
		b[i] ^= 1
		if c, err := Parse(b); err == nil {
			t.Fatalf("byte %d: accepted as %+v", i, c.Contents)
		}
		if _, err := Parse(good.Blob()[:i]); err == nil {
			t.Fatalf("cut at %d: accepted", i)
		}
	}
	if _, err := Parse(append(bytes.Clone(good.Blob()), 0)); err == nil {
		t.Fatal("a trailing byte was accepted")
	}
	huge := binary.BigEndian.AppendUint32(nil, math.MaxInt32)
	if _, err := Parse(append(wire.AppendString(nil, good.Type()), huge...)); err == nil {
		t.Fatal("a length of 2^31-1 was accepted")
	}
}

func load(t testing.TB, parts ...string) *key.Private {
	t.Helper()
	k, _, err := keyfile.ParsePrivate(read(t, parts...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSigner(t *testing.T) {
	for _, typ := range keyTypes() {
		k := newKey(t, typ)
		c := sign(t, newKey(t, key.TypeEd25519), contents(k.Public()))
		s, err := NewSigner(c, k)
		if err != nil {
			t.Fatal(err)
		}
		for _, algorithm := range s.Public().Algorithms() {
			signature, err := s.Sign(context.Background(), algorithm, []byte("data"))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Verify(algorithm, []byte("data"), signature); err != nil {
				t.Errorf("%s: %v", algorithm, err)
			}
			if c.Verify(algorithm, []byte("datb"), signature) == nil || c.Verify(Plain(algorithm), []byte("data"), signature) == nil {
				t.Errorf("%s: a wrong signature was accepted", algorithm)
			}
		}
		if _, err := NewSigner(c, newKey(t, typ)); err == nil {
			t.Error("a signer of another key was taken")
		}
	}
}

func TestNames(t *testing.T) {
	for plain, want := range map[string]string{
		"ssh-ed25519":                        "ssh-ed25519-cert-v01@openssh.com",
		"rsa-sha2-256":                       "rsa-sha2-256-cert-v01@openssh.com",
		"sk-ssh-ed25519@openssh.com":         "sk-ssh-ed25519-cert-v01@openssh.com",
		"sk-ecdsa-sha2-nistp256@openssh.com": "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
		"ssh-ed448":                          "",
	} {
		if got := CertifiedAlgorithm(plain); got != want {
			t.Errorf("%s: got %q", plain, got)
		}
		if want != "" && (Plain(want) != plain || !IsCertificate(want) || IsCertificate(plain)) {
			t.Errorf("%s: Plain gives %q", want, Plain(want))
		}
	}
}

func TestValidity(t *testing.T) {
	now := time.Unix(1700000000, 0)
	tests := []struct {
		spec          string
		after, before uint64
	}{
		{"always:forever", 0, Forever},
		{"+1h", 1699999920, 1700003600},
		{"-1d:+52w1d", 1700000000 - 86400, 1700000000 + 52*604800 + 86400},
		{"0x10:0xff", 16, 255},
		{"20200101Z:20200102Z", 1577836800, 1577923200},
		{"20200101000000Z:202001010000Z", 0, 0},
		{"20200101120001Z:forever", 1577880001, Forever},
		{"", 0, 0}, {":", 0, 0}, {"+", 0, 0}, {"1h", 0, 0}, {"always", 0, 0}, {"always:", 0, 0}, {"forever:always", 0, 0}, {"0x:forever", 0, 0},
		{"+1y", 0, 0}, {"-60000d:forever", 0, 0}, {"20201301Z:forever", 0, 0}, {"0x10000000000000000:forever", 0, 0},
	}
	for _, test := range tests {
		after, before, err := ParseValidity(test.spec, now)
		if after != test.after || before != test.before || (err == nil) != (test.before != 0) {
			t.Errorf("%q: got %d %d %v", test.spec, after, before, err)
		}
	}
}
