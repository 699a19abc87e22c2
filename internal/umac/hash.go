package umac

import (
	"encoding/binary"
	"math/bits"
)

const (
	prime36  = 1<<36 - 5
	offset64 = 59            // 2^64 - prime(64)
	prime64  = 1<<64 - 59    //
	range64  = 1<<64 - 1<<32 // words from here on are too large for one step
	off128   = 159           // 2^128 - prime(128)
	shortMax = 1 << 17 / 8   // words for the 64-bit polynomial: RFC 4418, section 5.3.1
	mask     = 0x01ffffff01ffffff
)

// hash is the second and third stage of one iteration: a polynomial over what
// NH made of the blocks, and an inner product.
type hash struct {
	k64     uint64
	k128Hi  uint64
	k128Lo  uint64
	inner   [8]uint64
	final   uint32
	n       int    // words so far
	y       uint64 // the polynomial over the first shortMax of them
	hi, lo  uint64 // the 128-bit polynomial over y and the words after
	pending uint64 // the first half of a 128-bit word
}

func (h *hash) init(l2, l3, l4 []byte) {
	h.k64 = binary.BigEndian.Uint64(l2) & mask
	h.k128Hi = binary.BigEndian.Uint64(l2[8:]) & mask
	h.k128Lo = binary.BigEndian.Uint64(l2[16:]) & mask
	for i := range h.inner {
		h.inner[i] = binary.BigEndian.Uint64(l3[8*i:]) % prime36
	}
	h.final = binary.BigEndian.Uint32(l4)
}

func (h *hash) reset() { h.n, h.y, h.hi, h.lo = 0, 1, 0, 0 }

// add adds a word: L2-HASH, RFC 4418, section 5.3.
func (h *hash) add(word uint64) {
	switch {
	case h.n < shortMax:
		h.add64(word)
	case h.n%2 == 0:
		h.pending = word
	default:
		h.add128(h.pending, word)
	}
	if h.n++; h.n == shortMax {
		// If nothing follows, sum takes y alone.
		h.hi, h.lo = 0, 1
		h.add128(0, h.y%prime64)
	}
}

// sum ends the hash and returns its 32 bits. For a message of one block, the
// caller has set lo to the only word.
func (h *hash) sum(only bool) uint32 {
	if !only {
		h.end()
	}
	return h.innerProduct() ^ h.final
}

// end sets hi and lo to the result of the polynomials.
func (h *hash) end() {
	switch {
	case h.n <= shortMax:
		h.hi, h.lo = 0, h.y%prime64
		return
	case h.n%2 == 1:
		h.add128(h.pending, 1<<63)
	default:
		h.add128(1<<63, 0)
	}
	// Now mod prime(128): all numbers from there on have a high word of ones.
	if lo, carry := bits.Add64(h.lo, off128, 0); h.hi == 1<<64-1 && carry == 1 {
		h.hi, h.lo = 0, lo
	}
}

// add64 is a step of POLY with 64-bit words: RFC 4418, section 5.3.2.
func (h *hash) add64(m uint64) {
	if m >= range64 {
		h.step64(prime64 - 1)
		m -= offset64
	}
	h.step64(m)
}

// step64 sets y = y*k64 + m mod prime(64), or a number larger by the prime.
func (h *hash) step64(m uint64) {
	hi, lo := bits.Mul64(h.y, h.k64)
	lo, carry := bits.Add64(lo, hi*offset64, 0) // k64 < 2^57, so no overflow
	lo += carry * offset64
	lo, carry = bits.Add64(lo, m, 0)
	h.y = lo + carry*offset64
}

// add128 is the same with a 128-bit word.
func (h *hash) add128(hi, lo uint64) {
	if hi >= range64 {
		h.step128(1<<64-1, 1<<64-1-off128)
		var borrow uint64
		lo, borrow = bits.Sub64(lo, off128, 0)
		hi -= borrow
	}
	h.step128(hi, lo)
}

func (h *hash) step128(mHi, mLo uint64) {
	// y * k128 as four words, lowest first.
	h01, z0 := bits.Mul64(h.lo, h.k128Lo)
	hA, lA := bits.Mul64(h.lo, h.k128Hi)
	hB, lB := bits.Mul64(h.hi, h.k128Lo)
	z3, z2 := bits.Mul64(h.hi, h.k128Hi)
	z1, c := bits.Add64(h01, lA, 0)
	z2, c = bits.Add64(z2, hA, c)
	z3 += c
	z1, c = bits.Add64(z1, lB, 0)
	z2, c = bits.Add64(z2, hB, c)
	z3 += c
	// The upper half counts 159 times, and what that carries over again.
	h2, l2 := bits.Mul64(z2, off128)
	h3, l3 := bits.Mul64(z3, off128)
	lo, c := bits.Add64(z0, l2, 0)
	hi, c := bits.Add64(z1, l3, c)
	over := h3 + c
	hi, c = bits.Add64(hi, h2, 0)
	over += c
	lo, hi = plus(hi, lo, 0, over*off128)
	lo, hi = plus(hi, lo, mHi, mLo)
	h.hi, h.lo = hi, lo
}

// plus adds two 128-bit numbers mod prime(128), or leaves the prime too many.
func plus(hi, lo, mHi, mLo uint64) (sumLo, sumHi uint64) {
	lo, c := bits.Add64(lo, mLo, 0)
	hi, c = bits.Add64(hi, mHi, c)
	lo, c = bits.Add64(lo, c*off128, 0)
	return lo, hi + c
}

// innerProduct is L3-HASH but for its last xor: RFC 4418, section 5.4.
func (h *hash) innerProduct() uint32 {
	y := uint64(0)
	for i := range 4 {
		shift := 48 - 16*i
		y += (h.hi>>shift&0xffff)*h.inner[i] + (h.lo>>shift&0xffff)*h.inner[i+4]
	}
	return uint32(y % prime36)
}
