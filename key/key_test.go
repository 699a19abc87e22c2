package key

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/wire"
)

// testKeys is one key of each type that signs; RSA is the shortest allowed.
var testKeys = sync.OnceValue(func() []*Private {
	var keys []*Private
	for _, typ := range []string{TypeEd25519, TypeECDSA256, TypeECDSA384, TypeECDSA521, TypeRSA, TypeEd448} {
		bits := 0
		if typ == TypeRSA {
			bits = MinRSABits
		}
		k, err := Generate(rand.Reader, typ, bits)
		if err != nil {
			panic(err)
		}
		keys = append(keys, k)
	}
	return keys
})

func eachKey(t *testing.T, f func(t *testing.T, k *Private)) {
	for _, k := range testKeys() {
		t.Run(k.Public().Type(), func(t *testing.T) { f(t, k) })
	}
}

func sign(t testing.TB, k Signer, algorithm string, data []byte) []byte {
	t.Helper()
	s, err := k.Sign(context.Background(), algorithm, data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSignAndVerify(t *testing.T) {
	data, other := []byte("data"), []byte("Data")
	eachKey(t, func(t *testing.T, k *Private) {
		for _, a := range k.Public().Algorithms() {
			s := sign(t, k, a, data)
			if err := k.Public().Verify(a, data, s); err != nil {
				t.Fatalf("%s: %v", a, err)
			}
			if err := k.Public().Verify(a, other, s); !errors.Is(err, ErrSignature) {
				t.Errorf("%s: other data: %v", a, err)
			}
			for _, b := range append(Types(), AlgRSASHA256, AlgRSASHA512, "") {
				if a == b {
					continue
				}
				if err := k.Public().Verify(b, data, s); !errors.Is(err, ErrSignature) {
					t.Errorf("a %s signature was taken for %q: %v", a, b, err)
				}
			}
		}
		if _, err := k.Sign(context.Background(), "ssh-xmss@openssh.com", data); err == nil {
			t.Error("signed with an algorithm of another type")
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := k.Sign(ctx, k.Public().Algorithms()[0], data); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

// TestPeer signs here and verifies in x/crypto/ssh, and the other way.
func TestPeer(t *testing.T) {
	data := []byte("data")
	eachKey(t, func(t *testing.T, k *Private) {
		if k.Public().Type() == TypeEd448 {
			return // x/crypto doesn't have it; RFC 8032's vectors are its peer
		}
		signer, err := ssh.NewSignerFromSigner(k.Crypto())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(signer.PublicKey().Marshal(), k.Public().Blob()) {
			t.Fatal("the encodings differ")
		}
		for _, a := range k.Public().Algorithms() {
			theirs, err := signer.(ssh.AlgorithmSigner).SignWithAlgorithm(rand.Reader, data, a)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Public().Verify(a, data, ssh.Marshal(theirs)); err != nil {
				t.Errorf("%s: theirs: %v", a, err)
			}
			var ours ssh.Signature
			if err := ssh.Unmarshal(sign(t, k, a, data), &ours); err != nil {
				t.Fatal(err)
			}
			if err := signer.PublicKey().Verify(data, &ours); err != nil {
				t.Errorf("%s: ours: %v", a, err)
			}
		}
	})
}

func TestParsePublicRoundTrip(t *testing.T) {
	eachKey(t, func(t *testing.T, k *Private) {
		blob := bytes.Clone(k.Public().Blob())
		p, err := ParsePublic(blob)
		if err != nil {
			t.Fatal(err)
		}
		clear(blob) // the key must have its own copy
		if !Equal(p, k.Public()) || p.Bits() != k.Public().Bits() || p.Type() != k.Public().Type() {
			t.Errorf("got %s %d bits", p.Type(), p.Bits())
		}
		if err := p.Verify(p.Algorithms()[0], nil, sign(t, k, p.Algorithms()[0], nil)); err != nil {
			t.Error(err)
		}
		for i := range k.Public().Blob() {
			if _, err := ParsePublic(k.Public().Blob()[:i]); err == nil {
				t.Fatalf("cut after %d bytes it was still taken", i)
			}
		}
		if _, err := ParsePublic(append(bytes.Clone(k.Public().Blob()), 0)); err == nil {
			t.Error("a trailing byte was taken")
		}
	})
	if Equal(nil, nil) || Equal(testKeys()[0].Public(), nil) {
		t.Error("nil equals a key")
	}
}

func TestPrivateRoundTrip(t *testing.T) {
	eachKey(t, func(t *testing.T, k *Private) {
		b, err := AppendPrivate(nil, k)
		if err != nil {
			t.Fatal(err)
		}
		r := wire.NewReader(append(bytes.Clone(b), "rest"...))
		again, err := ReadPrivate(&r)
		if err != nil {
			t.Fatal(err)
		}
		if string(r.Rest()) != "rest" || !Equal(again.Public(), k.Public()) {
			t.Error("another key came back")
		}
		for i := range b {
			r := wire.NewReader(b[:i])
			if _, err := ReadPrivate(&r); err == nil {
				t.Fatalf("cut after %d bytes it was still taken", i)
			}
		}
	})
}

// TestPrivateHalves gives each private key another key's public half.
func TestPrivateHalves(t *testing.T) {
	other, err := Generate(rand.Reader, TypeEd25519, 0)
	if err != nil {
		t.Fatal(err)
	}
	mine := testKeys()[0].Crypto().(ed25519.PrivateKey)
	b := wire.AppendString(nil, TypeEd25519)
	b = wire.AppendString(b, []byte(other.Crypto().Public().(ed25519.PublicKey)))
	b = wire.AppendString(b, []byte(mine))
	r := wire.NewReader(b)
	if _, err := ReadPrivate(&r); err == nil {
		t.Error("Ed25519 halves that don't belong together were taken")
	}

	a, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, _ := a.PublicKey.Bytes()
	for name, scalar := range map[string]*big.Int{
		"other": big.NewInt(5), "zero": new(big.Int), "order": elliptic.P256().Params().N,
		"huge": new(big.Int).Lsh(big.NewInt(1), 4000),
	} {
		b = wire.AppendString(nil, TypeECDSA256)
		b = wire.AppendString(b, "nistp256")
		b = wire.AppendString(b, point)
		b = wire.AppendMpint(b, scalar)
		r = wire.NewReader(b)
		if _, err := ReadPrivate(&r); err == nil {
			t.Errorf("ECDSA scalar %s was taken", name)
		}
	}

	k := testKeys()[4].Crypto().(*rsa.PrivateKey)
	p, q := k.Primes[0], k.Primes[1]
	one := big.NewInt(1)
	for name, parts := range map[string][]*big.Int{
		"exponent":   {k.N, big.NewInt(3), k.D, one, p, q},
		"primes":     {k.N, big.NewInt(65537), k.D, one, p, new(big.Int).Add(q, big.NewInt(2))},
		"zero prime": {k.N, big.NewInt(65537), k.D, one, new(big.Int), q},
		"huge d":     {k.N, big.NewInt(65537), new(big.Int).Lsh(k.D, 2048), one, p, q},
	} {
		b = wire.AppendString(nil, TypeRSA)
		for _, n := range parts {
			b = wire.AppendMpint(b, n)
		}
		r = wire.NewReader(b)
		if _, err := ReadPrivate(&r); err == nil {
			t.Errorf("RSA with a wrong %s was taken", name)
		}
	}
}

func rsaBlob(e, n *big.Int) []byte {
	return wire.AppendMpint(wire.AppendMpint(wire.AppendString(nil, TypeRSA), e), n)
}

func TestRSALimits(t *testing.T) {
	odd := func(bits uint) *big.Int {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return n.SetBit(n, 0, 1)
	}
	e := big.NewInt(65537)
	for bits, ok := range map[uint]bool{512: false, 1023: false, 1024: true, 16384: true, 16385: false} {
		_, err := ParsePublic(rsaBlob(e, odd(bits)))
		if (err == nil) != ok {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
	var size *SizeError
	if _, err := ParsePublic(rsaBlob(e, odd(768))); !errors.As(err, &size) || size.Bits != 768 {
		t.Errorf("768 bits: %v", err)
	}
	for _, bits := range []int{-1, 1, 1023, 16385, 1 << 30} {
		if _, err := Generate(rand.Reader, TypeRSA, bits); !errors.As(err, &size) {
			t.Errorf("generate %d bits: %v", bits, err)
		}
	}
	for _, e := range []*big.Int{new(big.Int), big.NewInt(1), big.NewInt(2), big.NewInt(65536), odd(32), odd(2000)} {
		if _, err := ParsePublic(rsaBlob(e, odd(2048))); err == nil {
			t.Errorf("exponent %v was taken", e)
		}
	}
	if _, err := ParsePublic(rsaBlob(big.NewInt(65537), new(big.Int).Lsh(big.NewInt(1), 2047))); err == nil {
		t.Error("an even modulus was taken")
	}
	if _, err := ParsePublic(make([]byte, MaxBlob+1)); err == nil {
		t.Error("a blob beyond the cap was read")
	}
}

func TestGenerateSizes(t *testing.T) {
	for _, c := range []struct {
		typ  string
		bits int
		ok   bool
	}{
		{TypeEd25519, 256, true}, {TypeEd25519, 255, false},
		{TypeECDSA256, 256, true}, {TypeECDSA256, 384, false}, {TypeECDSA521, 521, true},
		{TypeSKEd25519, 0, false}, {"ssh-dss", 0, false}, {"", 0, false},
	} {
		if _, err := Generate(rand.Reader, c.typ, c.bits); (err == nil) != c.ok {
			t.Errorf("%s %d: %v", c.typ, c.bits, err)
		}
	}
}

// TestRSAShortSignature strips a signature's leading zeros, which some peers
// do, and checks that longer ones are refused.
func TestRSAShortSignature(t *testing.T) {
	k := testKeys()[4]
	blob := func(s []byte) []byte { return wire.AppendString(wire.AppendString(nil, AlgRSASHA256), s) }
	for i := range 5000 {
		data := []byte{byte(i), byte(i >> 8)}
		r := wire.NewReader(sign(t, k, AlgRSASHA256, data))
		r.Bytes()
		s := r.Bytes()
		if s[0] != 0 {
			continue
		}
		if err := k.Public().Verify(AlgRSASHA256, data, blob(s[1:])); err != nil {
			t.Errorf("stripped: %v", err)
		}
		for name, bad := range map[string][]byte{
			"longer": append([]byte{0}, s...), "empty": {}, "shifted": append(bytes.Clone(s[1:]), 0),
		} {
			if err := k.Public().Verify(AlgRSASHA256, data, blob(bad)); !errors.Is(err, ErrSignature) {
				t.Errorf("%s: %v", name, err)
			}
		}
		return
	}
	t.Fatal("no signature began with a zero byte")
}

// TestSignatureShape holds what Wycheproof's vectors hold for the encodings
// below SSH: every deviation from the one right form is refused.
func TestSignatureShape(t *testing.T) {
	data := []byte("data")
	eachKey(t, func(t *testing.T, k *Private) {
		a := k.Public().Algorithms()[0]
		good := sign(t, k, a, data)
		refused := func(name string, s []byte) {
			t.Helper()
			if err := k.Public().Verify(a, data, s); !errors.Is(err, ErrSignature) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for i := range good {
			refused("cut", good[:i])
			flipped := bytes.Clone(good)
			flipped[i] ^= 0x40
			refused("flipped", flipped)
		}
		refused("trailing byte", append(bytes.Clone(good), 0))
		refused("empty string", wire.AppendString(wire.AppendString(nil, a), ""))
		refused("zeros", wire.AppendString(wire.AppendString(nil, a), make([]byte, 64)))
		refused("algorithm with NUL", append(wire.AppendString(nil, a+"\x00"), good[4+len(a):]...))
	})
}

func TestECDSASignatureRange(t *testing.T) {
	data := []byte("data")
	for i, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		k, n := testKeys()[1+i], c.Params().N
		a := k.Public().Type()
		reader := wire.NewReader(sign(t, k, a, data))
		reader.Bytes()
		inner := wire.NewReader(reader.Bytes())
		r, s := inner.Mpint(), inner.Mpint()
		zero := new(big.Int)
		build := func(parts ...[]byte) []byte {
			return wire.AppendString(wire.AppendString(nil, a), bytes.Join(parts, nil))
		}
		m := func(v *big.Int) []byte { return wire.AppendMpint(nil, v) }
		if err := k.Public().Verify(a, data, build(m(r), m(s))); err != nil {
			t.Fatal(err)
		}
		add := func(v *big.Int) *big.Int { return new(big.Int).Add(v, n) }
		for name, sig := range map[string][]byte{
			"r=0": build(m(zero), m(s)), "s=0": build(m(r), m(zero)), "both 0": build(m(zero), m(zero)),
			"r+n": build(m(add(r)), m(s)), "s+n": build(m(r), m(add(s))), "r=n": build(m(n), m(s)),
			"huge":     build(m(new(big.Int).Lsh(r, 9000)), m(s)),
			"negative": build([]byte{0, 0, 0, 1, 0xff}, m(s)),
			"padded":   build(append([]byte{0, 0, 0, byte(len(m(r)) - 4 + 2), 0, 0}, m(r)[4:]...), m(s)),
			"third":    build(m(r), m(s), m(s)), "only r": build(m(r)),
		} {
			if err := k.Public().Verify(a, data, sig); !errors.Is(err, ErrSignature) {
				t.Errorf("%s %s: %v", a, name, err)
			}
		}
	}
}

func TestECDSAPoints(t *testing.T) {
	k := testKeys()[1].Crypto().(*ecdsa.PrivateKey)
	point, _ := k.PublicKey.Bytes()
	blob := func(id string, point []byte) []byte {
		return wire.AppendString(wire.AppendString(wire.AppendString(nil, TypeECDSA256), id), point)
	}
	off := bytes.Clone(point)
	off[64] ^= 1
	compressed := append([]byte{2 + point[64]&1}, point[1:33]...)
	for name, b := range map[string][]byte{
		"off the curve": blob("nistp256", off), "compressed": blob("nistp256", compressed),
		"infinity": blob("nistp256", []byte{0}), "empty": blob("nistp256", nil),
		"other curve": blob("nistp384", point), "long": blob("nistp256", append(bytes.Clone(point), 0)),
		"zero": blob("nistp256", append([]byte{4}, make([]byte, 64)...)),
	} {
		if _, err := ParsePublic(b); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	other, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if _, err := NewPrivate(other); err == nil {
		t.Error("P-224 was taken")
	}
}

// TestEd25519 holds RFC 8032, section 7.1, TEST 3, and what a signature's s
// may be.
func TestEd25519(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	point := unhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
	want := unhex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac" +
		"18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")
	k, err := NewPrivate(ed25519.NewKeyFromSeed(unhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(k.Public().Crypto().(ed25519.PublicKey), point) {
		t.Error("wrong point")
	}
	blob := func(s []byte) []byte { return wire.AppendString(wire.AppendString(nil, TypeEd25519), s) }
	data := unhex("af82")
	if got := sign(t, k, TypeEd25519, data); !bytes.Equal(got, blob(want)) {
		t.Errorf("signature %x", got)
	}
	// s + L verifies by the equation alone; section 5.1.7 refuses it.
	le := func(b []byte) []byte { c := bytes.Clone(b); slices.Reverse(c); return c }
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := new(big.Int).SetBytes(le(want[32:]))
	malleable := append(bytes.Clone(want[:32]), le(s.Add(s, order).FillBytes(make([]byte, 32)))...)
	for name, bad := range map[string][]byte{
		"s+L": malleable, "short": want[:63], "long": append(bytes.Clone(want), 0),
	} {
		if err := k.Public().Verify(TypeEd25519, data, blob(bad)); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, size := range []int{0, 31, 33} {
		b := wire.AppendString(wire.AppendString(nil, TypeEd25519), make([]byte, size))
		if _, err := ParsePublic(b); err == nil {
			t.Errorf("a point of %d bytes was taken", size)
		}
	}
}

// newSK makes a security key in memory: its public key, and a function that
// signs as a token does.
func newSK(t testing.TB, typ string) (Public, func(flags byte, data []byte) []byte) {
	t.Helper()
	blob := wire.AppendString(nil, typ)
	inner := testKeys()[0]
	if typ == TypeSKECDSA {
		inner = testKeys()[1]
	}
	r := wire.NewReader(inner.Public().Blob())
	r.Bytes()
	blob = wire.AppendString(append(blob, r.Rest()...), "ssh:")
	public, err := ParsePublic(blob)
	if err != nil {
		t.Fatal(err)
	}
	application := sha256.Sum256([]byte("ssh:"))
	return public, func(flags byte, data []byte) []byte {
		message := sha256.Sum256(data)
		signed := append(bytes.Clone(application[:]), flags, 0, 0, 0, 7)
		raw := wire.NewReader(sign(t, inner, inner.Public().Type(), append(signed, message[:]...)))
		raw.Bytes()
		s := wire.AppendString(wire.AppendString(nil, typ), raw.Bytes())
		return append(s, flags, 0, 0, 0, 7)
	}
}

func TestSK(t *testing.T) {
	data := []byte("data")
	for _, typ := range []string{TypeSKEd25519, TypeSKECDSA} {
		k, token := newSK(t, typ)
		if err := k.Verify(typ, data, token(SKUserPresent, data)); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
		if err := k.Verify(typ, data, token(SKUserPresent|SKUserVerified, data)); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
		untouched := token(0, data)
		if err := k.Verify(typ, data, untouched); !errors.Is(err, ErrSignature) {
			t.Errorf("%s without touch: %v", typ, err)
		}
		flags, counter, err := k.(*SK).VerifySK(typ, data, untouched)
		if err != nil || flags != 0 || counter != 7 {
			t.Errorf("%s: flags %d, counter %d, %v", typ, flags, counter, err)
		}
		untouched[len(untouched)-5] = SKUserPresent
		if err := k.Verify(typ, data, untouched); !errors.Is(err, ErrSignature) {
			t.Errorf("%s with forged flags: %v", typ, err)
		}
		s := token(SKUserPresent, data)
		if err := k.Verify(typ, data, append(s, 0)); !errors.Is(err, ErrSignature) {
			t.Errorf("%s with a trailing byte: %v", typ, err)
		}
		if k.(*SK).Application() != "ssh:" || k.Bits() != 256 || !strings.HasSuffix(ShortName(k.Type()), "-SK") {
			t.Errorf("%s: %q", typ, k.(*SK).Application())
		}
	}
}

func TestNames(t *testing.T) {
	for algorithm, typ := range map[string]string{
		AlgRSASHA512: TypeRSA, AlgRSASHA256: TypeRSA, AlgRSASHA1: TypeRSA,
		TypeEd25519: TypeEd25519, TypeECDSA521: TypeECDSA521, AlgWebauthnSKECDSA: TypeSKECDSA, "ssh-xmss@openssh.com": "", "": "",
	} {
		if got := TypeOf(algorithm); got != typ {
			t.Errorf("TypeOf(%q) = %q", algorithm, got)
		}
	}
	var unsupported *UnsupportedError
	if _, err := ParsePublic(wire.AppendString(nil, "ssh-xmss@openssh.com")); !errors.As(err, &unsupported) || unsupported.Type != "ssh-xmss@openssh.com" {
		t.Errorf("ssh-xmss: %v", err)
	}
	if _, err := NewPrivate(nil); err == nil {
		t.Error("a nil signer was taken")
	}
}

func FuzzParsePublic(f *testing.F) {
	for _, k := range testKeys() {
		f.Add(k.Public().Blob())
	}
	for _, typ := range []string{TypeSKEd25519, TypeSKECDSA} {
		k, _ := newSK(f, typ)
		f.Add(k.Blob())
	}
	f.Add(rsaBlob(big.NewInt(1), big.NewInt(0)))
	f.Fuzz(func(t *testing.T, blob []byte) {
		k, err := ParsePublic(blob)
		if err != nil {
			return
		}
		if !bytes.Equal(k.Blob(), blob) {
			t.Errorf("blob changed: %x", k.Blob())
		}
		if err := k.Verify(k.Algorithms()[0], nil, nil); err == nil {
			t.Error("an empty signature was taken")
		}
	})
}

func FuzzVerify(f *testing.F) {
	data := []byte("data")
	for i, k := range testKeys() {
		for _, a := range k.Public().Algorithms() {
			f.Add(byte(i), sign(f, k, a, data))
		}
	}
	var publics []Public
	for _, k := range testKeys() {
		publics = append(publics, k.Public())
	}
	for _, typ := range []string{TypeSKEd25519, TypeSKECDSA} {
		k, token := newSK(f, typ)
		f.Add(byte(len(publics)), token(SKUserPresent, data))
		publics = append(publics, k)
	}
	for _, name := range []string{"ecdsa_sk_webauthn", "dsa"} {
		k, signature, _ := sshsig(f, name)
		f.Add(byte(len(publics)), signature)
		publics = append(publics, k)
	}
	f.Fuzz(func(t *testing.T, which byte, signature []byte) {
		k := publics[int(which)%len(publics)]
		for _, a := range k.Algorithms() {
			if k.Verify(a, []byte("never signed"), signature) == nil {
				t.Errorf("%s: a signature for something else was taken", a)
			}
			if k.Verify(a, data, signature) == nil && !bytes.HasPrefix(signature, wire.AppendString(nil, a)) {
				t.Errorf("%s: a signature of another algorithm was taken", a)
			}
		}
	})
}

func FuzzReadPrivate(f *testing.F) {
	token, _ := newSK(f, TypeSKEd25519)
	withToken, err := NewPrivate(&SKPrivate{Key: token.(*SK), Handle: []byte("handle")})
	if err != nil {
		f.Fatal(err)
	}
	for _, k := range append(testKeys(), testDSA(f), withToken) {
		b, err := AppendPrivate(nil, k)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := wire.NewReader(b)
		k, err := ReadPrivate(&r)
		if err != nil {
			return
		}
		again, err := AppendPrivate(nil, k)
		if err != nil {
			t.Fatal(err)
		}
		r = wire.NewReader(again)
		if same, err := ReadPrivate(&r); err != nil || !Equal(same.Public(), k.Public()) {
			t.Errorf("written and read: %v", err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, k := range testKeys() {
		b.Run(k.Public().Type(), func(b *testing.B) {
			a := k.Public().Algorithms()[0]
			s := sign(b, k, a, nil)
			for b.Loop() {
				if err := k.Public().Verify(a, nil, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
