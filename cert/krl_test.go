package cert

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

func same(s string) string { return s }

func dump(l *KRL) string {
	var b bytes.Buffer
	l.Dump(&b, same)
	return b.String()
}

// spec makes a text that uses every keyword, with serials that take every form.
func spec(t *testing.T, dir string) []byte {
	var b bytes.Buffer
	for _, name := range []string{"k1", "k2", "k3", "k4"} {
		keygen(t, dir, "-q", "-t", "ed25519", "-N", "", "-C", "c", "-f", name)
	}
	sum := sha256.Sum256([]byte("any"))
	fmt.Fprintf(&b, "# a comment\n\nserial: 1-10 # more\nserial:12\nSERIAL: 0x1000-0x2000\nserial: 18446744073709551615\n")
	for i := range 200 {
		fmt.Fprintf(&b, "serial: %d\n", 100+i*3)
		fmt.Fprintf(&b, "serial: %d\n", 1000000+i*70000)
	}
	fmt.Fprintf(&b, "id: bob\nid: al ice\n")
	fmt.Fprintf(&b, "%skey: %ssha1: %ssha256: %s", read(t, dir, "k1.pub"), read(t, dir, "k2.pub"), read(t, dir, "k3.pub"), read(t, dir, "k4.pub"))
	fmt.Fprintf(&b, "hash: %s\n", "SHA256:"+base64Raw(sum[:]))
	return b.Bytes()
}

func TestKRLBothWays(t *testing.T) {
	dir := t.TempDir()
	keygen(t, dir, "-q", "-t", "ed25519", "-N", "", "-f", "ca")
	text := spec(t, dir)
	write(t, text, dir, "spec")
	ca := load(t, dir, "ca").Public()
	for _, s := range []Spec{{Authority: ca}, {Any: true}} {
		authority := "ca.pub"
		if s.Any {
			authority = "none"
		}
		keygen(t, dir, "-k", "-f", "krl", "-s", authority, "-z", "5", "spec")
		theirs, err := ParseKRL(read(t, dir, "krl"))
		if err != nil {
			t.Fatal(err)
		}
		want := keygen(t, dir, "-Q", "-l", "-f", "krl")
		if got := dump(theirs); got != want {
			t.Fatalf("theirs:\n%s\nwant:\n%s", got, want)
		}
		ours := &KRL{Version: 5, Generated: theirs.Generated}
		if err := s.Read(ours, bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		if got := dump(ours); got != want {
			t.Fatalf("ours:\n%s\nwant:\n%s", got, want)
		}
		write(t, ours.Marshal(), dir, "ours")
		if got := keygen(t, dir, "-Q", "-l", "-f", "ours"); got != want {
			t.Fatalf("ssh-keygen reads ours as\n%s\nwant:\n%s", got, want)
		}
		again, err := ParseKRL(ours.Marshal())
		if err != nil || dump(again) != want {
			t.Fatalf("we read ours as %v\n%s", err, dump(again))
		}
		if a, b := len(ours.Marshal()), len(read(t, dir, "krl")); a > b*11/10 {
			t.Errorf("ours has %d bytes, theirs %d", a, b)
		}
	}
}

func TestKRLCheck(t *testing.T) {
	ca, other, k := newKey(t, key.TypeEd25519), newKey(t, key.TypeEd25519), newKey(t, key.TypeEd25519).Public()
	c := sign(t, ca, contents(k)) // serial 7, id "id"
	zero := contents(k)
	zero.Serial = 0
	tests := []struct {
		name    string
		build   func(l *KRL) error
		revoked bool
	}{
		{"empty", func(*KRL) error { return nil }, false},
		{"serial", func(l *KRL) error { return l.RevokeSerials(ca.Public(), 7, 7) }, true},
		{"range", func(l *KRL) error { return l.RevokeSerials(ca.Public(), 1, Forever) }, true},
		{"before", func(l *KRL) error { return l.RevokeSerials(ca.Public(), 1, 6) }, false},
		{"behind", func(l *KRL) error { return l.RevokeSerials(ca.Public(), 8, Forever) }, false},
		{"every authority", func(l *KRL) error { return l.RevokeSerials(nil, 7, 7) }, true},
		{"other authority", func(l *KRL) error { return l.RevokeSerials(other.Public(), 7, 7) }, false},
		{"id", func(l *KRL) error { return l.RevokeID(ca.Public(), "id") }, true},
		{"other id", func(l *KRL) error { return l.RevokeID(nil, "i") }, false},
		{"key", func(l *KRL) error { l.RevokeKey(k); return nil }, true},
		{"authority", func(l *KRL) error { l.RevokeKey(ca.Public()); return nil }, true},
		{"other key", func(l *KRL) error { l.RevokeKey(other.Public()); return nil }, false},
		{"sha256", func(l *KRL) error { l.RevokeSHA256(sha256.Sum256(k.Blob())); return nil }, true},
		{"certificate", func(l *KRL) error { return l.Revoke(c) }, true},
		{"certificate by id", func(l *KRL) error { return l.Revoke(sign(t, ca, zero)) }, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := new(KRL)
			if err := test.build(l); err != nil {
				t.Fatal(err)
			}
			read, err := ParseKRL(l.Marshal())
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range []*KRL{l, read} {
				if err := l.Check(c); errors.Is(err, ErrRevoked) != test.revoked {
					t.Fatalf("got %v", err)
				}
			}
		})
	}
	l := new(KRL)
	if err := l.RevokeSerials(nil, 1, 9); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(sign(t, ca, zero)); err != nil {
		t.Errorf("serial 0 is none: %v", err)
	}
	if l.RevokeSerials(nil, 0, 3) == nil || l.RevokeSerials(nil, 4, 3) == nil {
		t.Error("serials without sense were taken")
	}
}

func TestKRLSerials(t *testing.T) {
	l := new(KRL)
	for _, s := range []span{{50, 60}, {1, 1}, {61, 70}, {3, 3}, {55, 65}, {2, 2}, {Forever - 1, Forever}, {90, 90}} {
		if err := l.RevokeSerials(nil, s.lo, s.hi); err != nil {
			t.Fatal(err)
		}
	}
	want := []span{{1, 3}, {50, 70}, {90, 90}, {Forever - 1, Forever}}
	if got := l.authorities[0].serials; !slices.Equal(got, want) {
		t.Fatalf("got %v", got)
	}
}

func TestKRLMalformed(t *testing.T) {
	section := func(kind byte, data []byte) []byte {
		return appendSection((&KRL{}).Marshal(), kind, data)
	}
	certs := func(kind byte, data []byte) []byte {
		return section(sectionCertificates, appendSection(append(wire.AppendString(nil, ""), 0, 0, 0, 0), kind, data))
	}
	u64 := binary.BigEndian.AppendUint64
	alternating := bytes.Repeat([]byte{0x55}, maxBitmap/8)
	tests := map[string][]byte{
		"empty":               nil,
		"magic alone":         []byte(krlMagic),
		"other text":          []byte("ssh-ed25519 AAAA"),
		"unknown section":     section(77, nil),
		"sha1 length":         section(sectionSHA1, wire.AppendString(nil, "short")),
		"sha256 length":       section(sectionSHA256, wire.AppendString(nil, "short")),
		"not a key":           section(sectionKeys, wire.AppendString(nil, "x")),
		"unknown part":        certs(0x77, nil),
		"cut serial":          certs(certSerials, []byte{1, 2, 3}),
		"range backwards":     certs(certRange, u64(u64(nil, 9), 3)),
		"bitmap at the end":   certs(certBitmap, wire.AppendString(u64(nil, Forever), "\x02")),
		"bitmap too long":     certs(certBitmap, wire.AppendString(u64(nil, 1), string(append([]byte{1}, alternating...)))),
		"critical extension":  section(sectionExtension, append(append(wire.AppendString(nil, "x@y"), 1), 0, 0, 0, 0)),
		"critical in a part":  certs(certExtension, append(append(wire.AppendString(nil, "x@y"), 1), 0, 0, 0, 0)),
		"id with a NUL":       certs(certIDs, wire.AppendString(nil, "a\x00b")),
		"signature of nobody": append(section(sectionSignature, []byte("x")), 0, 0, 0, 0),
	}
	for name, b := range tests {
		if _, err := ParseKRL(b); err == nil {
			t.Errorf("%s: it was read", name)
		}
	}
	if _, err := ParseKRL(section(sectionExtension, append(append(wire.AppendString(nil, "x@y"), 0), 0, 0, 0, 0))); err != nil {
		t.Errorf("an extension that isn't critical: %v", err)
	}
	var many []byte
	for range 3 {
		many = append(many, appendSection(nil, certBitmap, wire.AppendString(u64(nil, 1), string(alternating)))...)
	}
	b := section(sectionCertificates, append(append(wire.AppendString(nil, ""), 0, 0, 0, 0), many...))
	if _, err := ParseKRL(b); err == nil || !strings.Contains(err.Error(), "ranges") {
		t.Errorf("a list that grows in memory: %v", err)
	}
}

// Signatures, which OpenSSH made once, must be right.
func TestKRLSignature(t *testing.T) {
	k := newKey(t, key.TypeEd25519)
	b := append((&KRL{}).Marshal(), sectionSignature)
	b = wire.AppendString(b, k.Public().Blob())
	s, err := k.Sign(context.Background(), key.TypeEd25519, b)
	if err != nil {
		t.Fatal(err)
	}
	b = wire.AppendString(b, s)
	if _, err := ParseKRL(b); err != nil {
		t.Fatal(err)
	}
	b[20] ^= 1
	if _, err := ParseKRL(b); err == nil {
		t.Fatal("a damaged list was read")
	}
}

func TestSpecErrors(t *testing.T) {
	for _, text := range []string{
		"serial: 1", "id: x", "key: nonsense", "nonsense", "hash: MD5:x", "hash: SHA256:AAAA", "sha1: ",
	} {
		if err := (&Spec{}).Read(new(KRL), strings.NewReader("\n"+text)); err == nil {
			t.Errorf("%q was read", text)
		} else if line := (*LineError)(nil); !errors.As(err, &line) || line.Line != 2 {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"serial: ", "serial: x", "serial: 1-", "serial: 5-5", "serial: 5-4", "serial: 0", "serial: 18446744073709551616", "serial: 1_0"} {
		if err := (&Spec{Any: true}).Read(new(KRL), strings.NewReader(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
