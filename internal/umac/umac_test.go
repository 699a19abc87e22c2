package umac

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

const testKey = "abcdefghijklmnop"

func newTest(t testing.TB, iters int, key string) *MAC {
	t.Helper()
	m, err := newMAC([]byte(key), iters)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sumNonce is Sum for the nonces of 1 to 16 bytes that the RFC allows and SSH
// doesn't use: it changes the pad of a tag.
func sumNonce(m *MAC, nonce string, msg []byte) []byte {
	if len(nonce) == 8 {
		return m.Sum(nil, [8]byte([]byte(nonce)), msg)
	}
	tag := m.Sum(nil, [8]byte{}, msg)
	var old, pad [16]byte
	m.pad.Encrypt(old[:], old[:])
	copy(pad[:], nonce)
	at := 0
	if m.iters == 2 {
		last := len(nonce) - 1
		at = int(pad[last]&1) * 8
		pad[last] &^= 1
	}
	m.pad.Encrypt(pad[:], pad[:])
	for i := range tag {
		tag[i] ^= old[i] ^ pad[at+i]
	}
	return tag
}

func TestVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	m64, m128 := newTest(t, 2, testKey), newTest(t, 4, testKey)
	count := 0
	for line := range strings.Lines(string(data)) {
		if line[0] == '#' {
			continue
		}
		var nonce, text, tag64, tag128 string
		var n int
		if _, err := fmt.Sscan(line, &nonce, &text, &n, &tag64, &tag128); err != nil {
			t.Fatal(err)
		}
		count++
		msg := bytes.Repeat([]byte(text), n/len(text)+1)[:n]
		if got := hex.EncodeToString(sumNonce(m64, nonce, msg)); got != tag64 {
			t.Errorf("UMAC-64, %s, %d bytes: %s, want %s", nonce, n, got, tag64)
		}
		if got := hex.EncodeToString(sumNonce(m128, nonce, msg)); got != tag128 {
			t.Errorf("UMAC-128, %s, %d bytes: %s, want %s", nonce, n, got, tag128)
		}
	}
	if count != 37 {
		t.Errorf("%d vectors, want 37", count)
	}
}

// poly is POLY of RFC 4418, section 5.3.2, as it is written.
func poly(wordbits uint, k *big.Int, words []*big.Int) *big.Int {
	one := big.NewInt(1)
	offset := big.NewInt(offset64)
	if wordbits == 128 {
		offset = big.NewInt(off128)
	}
	end := new(big.Int).Lsh(one, wordbits)
	prime := new(big.Int).Sub(end, offset)
	maxRange := new(big.Int).Sub(end, new(big.Int).Lsh(one, wordbits-32))
	y := big.NewInt(1)
	step := func(m *big.Int) {
		y.Mul(y, k)
		y.Add(y, m)
		y.Mod(y, prime)
	}
	for _, m := range words {
		if m.Cmp(maxRange) < 0 {
			step(m)
			continue
		}
		step(new(big.Int).Sub(prime, one))
		step(new(big.Int).Sub(m, offset))
	}
	return y
}

func wide(hi, lo uint64) *big.Int {
	v := new(big.Int).SetUint64(hi)
	v.Lsh(v, 64)
	return v.Add(v, new(big.Int).SetUint64(lo))
}

// Words near 2^64 are too rare for vectors to meet.
func TestPolynomials(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	word := func() uint64 {
		switch r.IntN(4) {
		case 0:
			return 1<<64 - 1 - r.Uint64N(1<<33)
		case 1:
			return 1<<64 - 1 - r.Uint64N(200)
		case 2:
			return r.Uint64N(200)
		}
		return r.Uint64()
	}
	for range 200 {
		h := hash{k64: r.Uint64() & mask, k128Hi: r.Uint64() & mask, k128Lo: r.Uint64() & mask}
		if r.IntN(4) == 0 {
			h.k64, h.k128Hi, h.k128Lo = mask, mask, mask
		}
		h.reset()
		var words []*big.Int
		for range 1 + r.IntN(40) {
			w := word()
			words = append(words, new(big.Int).SetUint64(w))
			h.add64(w)
		}
		want := poly(64, new(big.Int).SetUint64(h.k64), words)
		if got := new(big.Int).SetUint64(h.y % prime64); got.Cmp(want) != 0 {
			t.Fatalf("64 bits: %x, want %x", got, want)
		}

		h.reset()
		h.n = shortMax // as if the words before had left y
		h.hi, h.lo = 0, 1
		words = nil
		for range 1 + r.IntN(40) {
			a, b := word(), word()
			words = append(words, wide(a, b))
			h.add(a)
			h.add(b)
		}
		words = append(words, wide(1<<63, 0))
		h.end()
		want = poly(128, wide(h.k128Hi, h.k128Lo), words)
		if got := wide(h.hi, h.lo); got.Cmp(want) != 0 {
			t.Fatalf("128 bits: %x, want %x", got, want)
		}
	}
}

// end must reduce the numbers between the prime and 2^128.
func TestReduce(t *testing.T) {
	for _, d := range []uint64{1, off128 - 1, off128, off128 + 1} {
		h := hash{n: shortMax + 2, hi: 1<<64 - 1, lo: -d}
		h.k128Lo = 1
		h.add128(0, 0)
		v := wide(h.hi, h.lo)
		prime := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(off128))
		h.hi, h.lo = 1<<64-1, -d
		v.Add(v, wide(1<<63, 0))
		h.end()
		if got := wide(h.hi, h.lo); got.Cmp(v.Mod(v, prime)) != 0 {
			t.Errorf("2^128-%d: %x, want %x", d, got, v)
		}
	}
}

func TestSum(t *testing.T) {
	for _, m := range []*MAC{newTest(t, 2, testKey), newTest(t, 4, testKey)} {
		msg := []byte("a packet")
		want := m.Sum(nil, [8]byte{7: 1}, msg)
		if len(want) != m.Size() {
			t.Errorf("a tag of %d bytes, want %d", len(want), m.Size())
		}
		m.Sum(nil, [8]byte{7: 9}, make([]byte, 5000)) // leaves no trace
		got := m.Sum([]byte("head"), [8]byte{7: 1}, msg)
		if !bytes.Equal(got, append([]byte("head"), want...)) {
			t.Errorf("Sum appended %x, want %x", got, want)
		}
		seen := map[string]bool{}
		for seq := range uint64(100) {
			var nonce [8]byte
			binary.BigEndian.PutUint64(nonce[:], seq)
			seen[string(m.Sum(nil, nonce, msg))] = true
		}
		if len(seen) != 100 {
			t.Errorf("%d different tags for 100 nonces", len(seen))
		}
	}
}

func TestKeySize(t *testing.T) {
	for _, n := range []int{0, 15, 17, 32} {
		if _, err := New64(make([]byte, n)); err == nil {
			t.Errorf("New64 took a key of %d bytes", n)
		}
		if _, err := New128(make([]byte, n)); err == nil {
			t.Errorf("New128 took a key of %d bytes", n)
		}
	}
	a, err := New64([]byte(testKey))
	if err != nil || a.Size() != 8 {
		t.Errorf("New64: %v", err)
	}
	b, err := New128([]byte(testKey))
	if err != nil || b.Size() != 16 {
		t.Errorf("New128: %v", err)
	}
}

func TestAllocations(t *testing.T) {
	for _, iters := range []int{2, 4} {
		m := newTest(t, iters, testKey)
		msg := make([]byte, 1500)
		tag := make([]byte, 0, 16)
		if n := testing.AllocsPerRun(100, func() { m.Sum(tag, [8]byte{}, msg) }); n != 0 {
			t.Errorf("%v allocations a tag", n)
		}
	}
}

func FuzzSum(f *testing.F) {
	f.Add([]byte("message"), uint64(1))
	f.Add(bytes.Repeat([]byte{0xff}, 1025), uint64(2))
	m64, m128 := newTest(f, 2, testKey), newTest(f, 4, testKey)
	f.Fuzz(func(t *testing.T, msg []byte, seq uint64) {
		var nonce [8]byte
		binary.BigEndian.PutUint64(nonce[:], seq)
		// Both sizes share the first iterations, so their hashes must agree.
		a, b := m64.Sum(nil, nonce, msg), m128.Sum(nil, nonce, msg)
		pad64, pad128 := m64.Sum(nil, nonce, nil), m128.Sum(nil, nonce, nil)
		for i := range a {
			if a[i]^pad64[i] != b[i]^pad128[i] {
				t.Fatalf("%x and %x disagree", a, b)
			}
		}
	})
}

func benchmark(b *testing.B, iters int) {
	for _, n := range []int{64, 1024, 32 << 10} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := newTest(b, iters, testKey)
			msg := make([]byte, n)
			tag := make([]byte, 0, 16)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				m.Sum(tag, [8]byte{}, msg)
			}
		})
	}
}

func BenchmarkSum64(b *testing.B)  { benchmark(b, 2) }
func BenchmarkSum128(b *testing.B) { benchmark(b, 4) }
