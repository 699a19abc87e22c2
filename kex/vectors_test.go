package kex

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/wire"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKeyDerivationVectors(t *testing.T) {
	file, err := os.ReadFile("testdata/sshkdf.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(file)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		lines++
		fields := strings.Fields(line)
		if len(fields) != 10 || fields[0] != "sha1" {
			t.Fatalf("bad line %q", line)
		}
		r := &Result{Hash: crypto.SHA1, K: unhex(t, fields[1]), H: unhex(t, fields[2])}
		for i, field := range fields[4:] {
			want := unhex(t, field)
			if got := r.Key('A'+byte(i), unhex(t, fields[3]), len(want)); !bytes.Equal(got, want) {
				t.Errorf("line %d, key %c = %x", lines, 'A'+i, got)
			}
		}
	}
	if lines != 3 {
		t.Fatalf("%d vectors", lines)
	}
}

func TestKeyOfNothing(t *testing.T) {
	r := &Result{Hash: crypto.SHA256}
	for _, n := range []int{-1, 0} {
		if got := r.Key('A', nil, n); len(got) != 0 {
			t.Errorf("Key of %d bytes has %d", n, len(got))
		}
	}
}

// Both keys of a published exchange, and what must come of them.
func TestAgreementVectors(t *testing.T) {
	for _, v := range []struct {
		name       string
		agreement  agreement
		a, b       string // private
		publicA    string // its beginning
		publicB    string
		sharedMint string // K without encoding
	}{
		{
			// RFC 7748, section 6.1.
			name: "curve25519-sha256", agreement: x25519{},
			a:          "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
			b:          "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
			publicA:    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
			publicB:    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
			sharedMint: "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
		},
		{
			// RFC 5903, section 8.1.
			name: "ecdh-sha2-nistp256", agreement: methodNamed("ecdh-sha2-nistp256").agreement,
			a:          "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
			b:          "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
			publicA:    "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180",
			publicB:    "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63",
			sharedMint: "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de",
		},
	} {
		publicA, finish, err := v.agreement.offer(bytes.NewReader(unhex(t, v.a)))
		if err != nil {
			t.Fatal(err)
		}
		publicB, k, err := v.agreement.answer(bytes.NewReader(unhex(t, v.b)), publicA)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(publicA, unhex(t, v.publicA)) || !bytes.HasPrefix(publicB, unhex(t, v.publicB)) {
			t.Errorf("%s: public values %x and %x", v.name, publicA, publicB)
		}
		want := wire.AppendMpintBytes(nil, unhex(t, v.sharedMint))
		if !bytes.Equal(k, want) {
			t.Errorf("%s: K is %x, want %x", v.name, k, want)
		}
		if other, err := finish(publicB); err != nil || !bytes.Equal(other, want) {
			t.Errorf("%s: client's K is %x, %v", v.name, other, err)
		}
	}
}

func methodNamed(name string) *method {
	m, err := find(name)
	if err != nil {
		panic(err)
	}
	return m
}

// RFC 3526 gives each prime of n bits as
// 2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + k).
func TestPrimesComeFromPi(t *testing.T) {
	for _, v := range []struct {
		prime string
		n     uint
		k     int64
	}{{group14, 2048, 124476}, {group16, 4096, 240904}, {group18, 8192, 4743158}} {
		p := piTimesPowerOf2(v.n - 130)
		p.Add(p, big.NewInt(v.k)).Lsh(p, 64)
		p.Add(p, new(big.Int).Lsh(big.NewInt(1), v.n))
		p.Sub(p, new(big.Int).Lsh(big.NewInt(1), v.n-64))
		p.Sub(p, big.NewInt(1))
		d := fixedGroup{v.prime}.group()
		if d.p.Cmp(p) != 0 {
			t.Errorf("prime of %d bits is wrong", v.n)
		}
		if err := d.check(MinGroupBits, MaxGroupBits); err != nil {
			t.Error(err)
		}
	}
}

// piTimesPowerOf2 returns floor(pi * 2^n), by Machin's formula.
func piTimesPowerOf2(n uint) *big.Int {
	const guard = 64
	unit := new(big.Int).Lsh(big.NewInt(1), n+guard)
	pi := new(big.Int).Mul(arctanOfInverse(5, unit), big.NewInt(16))
	pi.Sub(pi, new(big.Int).Mul(arctanOfInverse(239, unit), big.NewInt(4)))
	return pi.Rsh(pi, guard)
}

func arctanOfInverse(n int64, unit *big.Int) *big.Int {
	sum := new(big.Int)
	power := new(big.Int).Div(unit, big.NewInt(n))
	square := big.NewInt(n * n)
	for i := int64(0); power.Sign() > 0; i++ {
		term := new(big.Int).Div(power, big.NewInt(2*i+1))
		if i%2 == 0 {
			sum.Add(sum, term)
		} else {
			sum.Sub(sum, term)
		}
		power.Div(power, square)
	}
	return sum
}
