package knownhosts

import (
	"encoding/binary"
	"math/bits"
)

// SHA-1's compression (FIPS 180-4, section 6.1.2), apart from crypto/sha1
// because that one can't take a block whose schedule is known already, which is
// half of what a hashed line needs.

// A state is what SHA-1 has got so far.
type state [5]uint32

func (s *state) bytes() (sum [20]byte) {
	for i, word := range s {
		binary.BigEndian.PutUint32(sum[4*i:], word)
	}
	return sum
}

// A schedule is a block of 16 words, and the 64 that follow from it.
type schedule [80]uint32

func (w *schedule) expand() {
	for i := 16; i < 80; i++ {
		w[i] = bits.RotateLeft32(w[i-3]^w[i-8]^w[i-14]^w[i-16], 1)
	}
}

// key is the state after the block of an HMAC key, which has 20 bytes.
func (w *schedule) key(salt []byte, pad uint32) state {
	for i := range 5 {
		w[i] = binary.BigEndian.Uint32(salt[4*i:]) ^ pad
	}
	for i := 5; i < 16; i++ {
		w[i] = pad
	}
	w.expand()
	s := state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}
	s.step(w)
	return s
}

// step takes in one block. Five rounds at a time leave every word where it was,
// so that nothing is moved; what waits for the round before, the rotated word,
// is added last, which halves the time.
func (s *state) step(w *schedule) {
	a, b, c, d, e := s[0], s[1], s[2], s[3], s[4]
	const k0, k1, k2, k3 = 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6
	for i := 0; i < 20; i += 5 {
		e = (e + w[i] + k0 + (d ^ b&(c^d))) + bits.RotateLeft32(a, 5)
		b = bits.RotateLeft32(b, 30)
		d = (d + w[i+1] + k0 + (c ^ a&(b^c))) + bits.RotateLeft32(e, 5)
		a = bits.RotateLeft32(a, 30)
		c = (c + w[i+2] + k0 + (b ^ e&(a^b))) + bits.RotateLeft32(d, 5)
		e = bits.RotateLeft32(e, 30)
		b = (b + w[i+3] + k0 + (a ^ d&(e^a))) + bits.RotateLeft32(c, 5)
		d = bits.RotateLeft32(d, 30)
		a = (a + w[i+4] + k0 + (e ^ c&(d^e))) + bits.RotateLeft32(b, 5)
		c = bits.RotateLeft32(c, 30)
	}
	for i := 20; i < 40; i += 5 {
		e = (e + w[i] + k1 + (b ^ c ^ d)) + bits.RotateLeft32(a, 5)
		b = bits.RotateLeft32(b, 30)
		d = (d + w[i+1] + k1 + (a ^ b ^ c)) + bits.RotateLeft32(e, 5)
		a = bits.RotateLeft32(a, 30)
		c = (c + w[i+2] + k1 + (e ^ a ^ b)) + bits.RotateLeft32(d, 5)
		e = bits.RotateLeft32(e, 30)
		b = (b + w[i+3] + k1 + (d ^ e ^ a)) + bits.RotateLeft32(c, 5)
		d = bits.RotateLeft32(d, 30)
		a = (a + w[i+4] + k1 + (c ^ d ^ e)) + bits.RotateLeft32(b, 5)
		c = bits.RotateLeft32(c, 30)
	}
	for i := 40; i < 60; i += 5 {
		e = (e + w[i] + k2 + (b&c + d&(b^c))) + bits.RotateLeft32(a, 5)
		b = bits.RotateLeft32(b, 30)
		d = (d + w[i+1] + k2 + (a&b + c&(a^b))) + bits.RotateLeft32(e, 5)
		a = bits.RotateLeft32(a, 30)
		c = (c + w[i+2] + k2 + (e&a + b&(e^a))) + bits.RotateLeft32(d, 5)
		e = bits.RotateLeft32(e, 30)
		b = (b + w[i+3] + k2 + (d&e + a&(d^e))) + bits.RotateLeft32(c, 5)
		d = bits.RotateLeft32(d, 30)
		a = (a + w[i+4] + k2 + (c&d + e&(c^d))) + bits.RotateLeft32(b, 5)
		c = bits.RotateLeft32(c, 30)
	}
	for i := 60; i < 80; i += 5 {
		e = (e + w[i] + k3 + (b ^ c ^ d)) + bits.RotateLeft32(a, 5)
		b = bits.RotateLeft32(b, 30)
		d = (d + w[i+1] + k3 + (a ^ b ^ c)) + bits.RotateLeft32(e, 5)
		a = bits.RotateLeft32(a, 30)
		c = (c + w[i+2] + k3 + (e ^ a ^ b)) + bits.RotateLeft32(d, 5)
		e = bits.RotateLeft32(e, 30)
		b = (b + w[i+3] + k3 + (d ^ e ^ a)) + bits.RotateLeft32(c, 5)
		d = bits.RotateLeft32(d, 30)
		a = (a + w[i+4] + k3 + (c ^ d ^ e)) + bits.RotateLeft32(b, 5)
		c = bits.RotateLeft32(c, 30)
	}
	s[0], s[1], s[2], s[3], s[4] = s[0]+a, s[1]+b, s[2]+c, s[3]+d, s[4]+e
}
