package sntrup

import (
	"bytes"
	"crypto/aes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

type vector struct{ sk, ct, ss []byte }

func vectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/draft-josefsson-ntruprime-streamlined-00.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	for _, block := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		var v vector
		for _, line := range strings.Split(block, "\n") {
			name, value, _ := strings.Cut(line, " = ")
			raw, err := hex.DecodeString(value)
			if err != nil {
				t.Fatal(err)
			}
			switch name {
			case "sk":
				v.sk = raw
			case "ct":
				v.ct = raw
			case "ss":
				v.ss = raw
			}
		}
		out = append(out, v)
	}
	if len(out) != 2 {
		t.Fatalf("%d vectors, want 2", len(out))
	}
	return out
}

func TestVectors(t *testing.T) {
	for i, v := range vectors(t) {
		ss, err := Decapsulate(v.sk, v.ct)
		if err != nil || !bytes.Equal(ss, v.ss) {
			t.Errorf("vector %d: %x, %v, want %x", i, ss, err, v.ss)
		}
		ct := bytes.Clone(v.ct)
		ct[17] ^= 1
		ss, err = Decapsulate(v.sk, ct)
		if err != nil || bytes.Equal(ss, v.ss) {
			t.Errorf("vector %d: a forged ciphertext gave %x, %v", i, ss, err)
		}
	}
}

// A private key holds f and 1/g, so the public key in it can be computed again.
func TestVectorsKeys(t *testing.T) {
	for i, v := range vectors(t) {
		f, ginv := decodeSmall(v.sk[:smallSize]), decodeSmall(v.sk[offGinv:offPub])
		g, ok := inverse3(&ginv)
		if !ok {
			t.Fatalf("vector %d: 1/g has no inverse", i)
		}
		h := recip3(&f)
		mulSmall(&h, &h, &g)
		pub := make([]byte, PublicKeySize)
		encodeRq(pub, &h)
		if !bytes.Equal(pub, v.sk[offPub:offRho]) {
			t.Errorf("vector %d: public key differs", i)
		}
	}
}

// nistSource is the AES-256-CTR generator of NIST's known-answer tests. Its
// output depends on how it is asked: for a polynomial's words at once.
type nistSource struct {
	key [32]byte
	v   [16]byte
}

func (s *nistSource) block() [16]byte {
	for i := 15; i >= 0; i-- {
		s.v[i]++
		if s.v[i] != 0 {
			break
		}
	}
	c, err := aes.NewCipher(s.key[:])
	if err != nil {
		panic(err)
	}
	var out [16]byte
	c.Encrypt(out[:], s.v[:])
	return out
}

func (s *nistSource) update(seed []byte) {
	var tmp []byte
	for range 3 {
		b := s.block()
		tmp = append(tmp, b[:]...)
	}
	for i, b := range seed {
		tmp[i] ^= b
	}
	copy(s.key[:], tmp)
	copy(s.v[:], tmp[32:])
}

func (s *nistSource) ask(out []byte) {
	for len(out) > 0 {
		b := s.block()
		out = out[copy(out, b[:]):]
	}
	s.update(nil)
}

func (s *nistSource) Read(out []byte) (int, error) {
	s.ask(out)
	return len(out), nil
}

// The first entry of the submission's kat_kem.rsp, by its hash (PQClean's
// crypto_kem/sntrup761/META.yml, nistkat-sha256).
func TestNIST(t *testing.T) {
	const want = "afc42c3a5b10f4ef69654250097ebda9b9564570f4086744b24a6daf2bd1f89a"
	entropy := make([]byte, 48)
	for i := range entropy {
		entropy[i] = byte(i)
	}
	var outer nistSource
	outer.update(entropy)
	seed := make([]byte, 48)
	outer.ask(seed)
	var source nistSource
	source.update(seed)

	pub, priv, err := GenerateKey(&source)
	if err != nil {
		t.Fatal(err)
	}
	ct, ss, err := Encapsulate(&source, pub)
	if err != nil {
		t.Fatal(err)
	}
	entry := fmt.Sprintf("count = 0\nseed = %X\npk = %X\nsk = %X\nct = %X\nss = %X\n", seed, pub, priv, ct, ss)
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(entry))); got != want {
		t.Errorf("the hash of the entry is %s, want %s", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	if got := [...]int{PublicKeySize, PrivateKeySize, CiphertextSize, SharedKeySize}; got != [...]int{1158, 1763, 1039, 32} {
		t.Fatalf("sizes %d", got)
	}
	for range 5 {
		pub, priv, err := GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if len(pub) != PublicKeySize || len(priv) != PrivateKeySize {
			t.Fatalf("key sizes %d, %d", len(pub), len(priv))
		}
		for range 10 {
			ct, want, err := Encapsulate(rand.Reader, pub)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Decapsulate(priv, ct)
			if err != nil || !bytes.Equal(got, want) || len(got) != SharedKeySize || len(ct) != CiphertextSize {
				t.Fatalf("Decapsulate = %x, %v, want %x", got, err, want)
			}
		}
	}
}

func TestRejection(t *testing.T) {
	pub, priv, err := GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ct, want, err := Encapsulate(rand.Reader, pub)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{string(want): true}
	for _, at := range []int{0, 500, roundedSize - 1, roundedSize, CiphertextSize - 1} {
		forged := bytes.Clone(ct)
		forged[at] ^= 0x10
		got, err := Decapsulate(priv, forged)
		if err != nil {
			t.Fatal(err)
		}
		if seen[string(got)] {
			t.Errorf("byte %d: a key seen before", at)
		}
		seen[string(got)] = true
		again, err := Decapsulate(priv, forged)
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("byte %d: rejection is not deterministic: %x, %x, %v", at, got, again, err)
		}
		var input [smallSize]byte
		copy(input[:], priv[offRho:])
		if !bytes.Equal(got, sessionKey(hashRejected, &input, forged)) {
			t.Errorf("byte %d: not the key of a rejection", at)
		}
	}
}

func TestWrongSizes(t *testing.T) {
	pub, priv := make([]byte, PublicKeySize), make([]byte, PrivateKeySize)
	ct := make([]byte, CiphertextSize)
	for _, d := range []int{-1, 1} {
		if _, _, err := Encapsulate(rand.Reader, make([]byte, len(pub)+d)); err == nil {
			t.Errorf("a public key of %+d bytes was taken", d)
		}
		if _, err := Decapsulate(make([]byte, len(priv)+d), ct); err == nil {
			t.Errorf("a private key of %+d bytes was taken", d)
		}
		if _, err := Decapsulate(priv, make([]byte, len(ct)+d)); err == nil {
			t.Errorf("a ciphertext of %+d bytes was taken", d)
		}
	}
}

func TestSourceFails(t *testing.T) {
	broken := errors.New("no entropy")
	for _, n := range []int64{0, 4*p - 1, 4 * p, 8*p - 1, 8 * p} {
		source := io.MultiReader(io.LimitReader(rand.Reader, n), errReader{broken})
		if _, _, err := GenerateKey(source); !errors.Is(err, broken) {
			t.Errorf("GenerateKey after %d bytes: %v", n, err)
		}
	}
	if _, _, err := Encapsulate(errReader{broken}, make([]byte, PublicKeySize)); !errors.Is(err, broken) {
		t.Errorf("Encapsulate: %v", err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func testRand() *mrand.Rand { return mrand.New(mrand.NewPCG(1, 2)) }

func randomSmall(r *mrand.Rand) (a small) {
	for i := range a {
		a[i] = int8(r.IntN(3)) - 1
	}
	return a
}

// slowMul is the definition of the product, in integers.
func slowMul(a []int32, b *small) [p]int32 {
	var c [2*p - 1]int32
	for i, x := range a {
		for j, y := range b {
			c[i+j] += x * int32(y)
		}
	}
	fold(&c)
	return [p]int32(c[:p])
}

func TestMultiply(t *testing.T) {
	r := testRand()
	for n := range 6 {
		b := randomSmall(r)
		var a poly
		for i := range a {
			a[i] = int32(r.IntN(q))
			if n == 0 { // the largest slots there can be
				a[i], b[i] = q-1, 1
			}
		}
		want := slowMul(a[:], &b)
		got := a
		mulSmall(&got, &got, &b)
		for i := range got {
			if w := (want[i]%q + q) % q; got[i] != w {
				t.Fatalf("mulSmall: coefficient %d is %d, want %d", i, got[i], w)
			}
		}

		s := randomSmall(r)
		wide := make([]int32, p)
		for i := range s {
			if n == 0 {
				s[i], b[i] = -1, -1
			}
			wide[i] = int32(s[i])
		}
		want = slowMul(wide, &b)
		got3 := mul3(&s, &b)
		for i := range got3 {
			if (want[i]-int32(got3[i]))%3 != 0 || got3[i] < -1 || got3[i] > 1 {
				t.Fatalf("mul3: coefficient %d is %d, want %d mod 3", i, got3[i], want[i])
			}
		}
	}
}

func TestInverses(t *testing.T) {
	one := small{1}
	for range 3 {
		g, ginv, err := invertibleSmall(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if mul3(&g, &ginv) != one {
			t.Error("g/g is not 1")
		}
		f, err := randomShort(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		h := recip3(&f)
		mulSmall(&h, &h, &f)
		for i, v := range h {
			if want := freeze(int32(1&^min(i, 1)) * invert(3)); v != want {
				t.Fatalf("3f/(3f): coefficient %d is %d, want %d", i, v, want)
			}
		}
	}
	zero := small{}
	if _, ok := inverse3(&zero); ok {
		t.Error("zero has an inverse")
	}
}

func TestScalars(t *testing.T) {
	for v := int32(-3 * q * q); v < 3*q*q; v += 1 + v&7 {
		if got, want := freeze(v), (v%q+q)%q; got != want {
			t.Fatalf("freeze(%d) = %d, want %d", v, got, want)
		}
	}
	for _, v := range []int32{-1 << 31, -1<<31 + 1, 1<<31 - 1} {
		if got, want := freeze(v), (v%q+q)%q; got != want {
			t.Errorf("freeze(%d) = %d, want %d", v, got, want)
		}
	}
	for v := int32(-1 << 14); v <= 1<<14; v++ {
		if m := mod3(v); m < -1 || m > 1 || (v-int32(m))%3 != 0 {
			t.Fatalf("mod3(%d) = %d", v, m)
		}
	}
	const top = 2 * (q - 1) * (lazy - 1)
	for v := uint64(0); v <= top; v += 1 + v%11 {
		got := reducePair(v | (top-v)<<32)
		for _, x := range [][2]uint64{{got & (1<<32 - 1), v}, {got >> 32, top - v}} {
			if x[0] >= lazy || x[0]%q != x[1]%q {
				t.Fatalf("reducePair: %d became %d", x[1], x[0])
			}
		}
	}
}

func TestSort(t *testing.T) {
	r := testRand()
	for n := range 20 {
		var x [p]uint32
		for i := range x {
			x[i] = r.Uint32() >> (n * 3 / 2)
		}
		want := slices.Sorted(slices.Values(x[:]))
		sortWords(&x)
		if !slices.Equal(x[:], want) {
			t.Fatal("not sorted")
		}
	}
}

func TestRadix(t *testing.T) {
	r := testRand()
	for _, c := range []struct {
		m    uint32
		size int
	}{{q, PublicKeySize}, {thirds, roundedSize}} {
		for n := range 20 {
			var in [p]uint32
			for i := range in {
				in[i] = uint32(r.IntN(int(c.m)))
				if n == 0 {
					in[i] = c.m - 1
				}
			}
			work := in
			out := make([]byte, c.size)
			encodeRadix(out, &work, c.m)
			if got := decodeRadix(out, c.m); got != in {
				t.Fatalf("radix %d: numbers differ after a round trip", c.m)
			}
		}
		// Any bytes decode to numbers in range.
		out := bytes.Repeat([]byte{0xff}, c.size)
		for i, v := range decodeRadix(out, c.m) {
			if v >= c.m {
				t.Fatalf("radix %d: number %d is %d", c.m, i, v)
			}
		}
	}
}

func FuzzDecapsulate(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.sk, v.ct)
	}
	f.Add(make([]byte, PrivateKeySize), bytes.Repeat([]byte{0xff}, CiphertextSize))
	f.Add([]byte{}, []byte{1})
	f.Fuzz(func(t *testing.T, sk, ct []byte) {
		ss, err := Decapsulate(sk, ct)
		if (err == nil) != (len(sk) == PrivateKeySize && len(ct) == CiphertextSize) {
			t.Fatalf("sizes %d, %d: %v", len(sk), len(ct), err)
		}
		if err == nil && len(ss) != SharedKeySize {
			t.Fatalf("a key of %d bytes", len(ss))
		}
	})
}

func FuzzEncapsulate(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.sk[offPub:offRho], uint64(1))
	}
	f.Add(bytes.Repeat([]byte{0xff}, PublicKeySize), uint64(2))
	f.Fuzz(func(t *testing.T, pub []byte, seed uint64) {
		var key [32]byte
		binary.LittleEndian.PutUint64(key[:], seed)
		ct, ss, err := Encapsulate(mrand.NewChaCha8(key), pub)
		if (err == nil) != (len(pub) == PublicKeySize) {
			t.Fatalf("size %d: %v", len(pub), err)
		}
		if err == nil && (len(ct) != CiphertextSize || len(ss) != SharedKeySize) {
			t.Fatalf("sizes %d, %d", len(ct), len(ss))
		}
	})
}

func BenchmarkGenerateKey(b *testing.B) {
	for b.Loop() {
		if _, _, err := GenerateKey(rand.Reader); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncapsulate(b *testing.B) {
	pub, _, err := GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := Encapsulate(rand.Reader, pub); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecapsulate(b *testing.B) {
	v := vectors(b)[0]
	for b.Loop() {
		if _, err := Decapsulate(v.sk, v.ct); err != nil {
			b.Fatal(err)
		}
	}
}
