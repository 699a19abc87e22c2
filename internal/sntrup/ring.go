package sntrup

import "math/bits"

// small is a polynomial with coefficients -1, 0, 1, lowest degree first.
type small [p]int8

// poly is a polynomial mod q with coefficients 0 … q-1, lowest degree first.
type poly [p]int32

// freeze returns v mod q in 0 … q-1.
func freeze(v int32) int32 {
	const k = (1<<36 + q/2) / q
	v -= int32((int64(v) * k) >> 36 * q)
	v += q & (v >> 31)
	v -= q
	return v + q&(v>>31)
}

// centre maps 0 … q-1 to -(q-1)/2 … (q-1)/2.
func centre(v int32) int32 { return v - q&(((q-1)/2-v)>>31) }

// mod3 returns the number of -1, 0, 1 that is v mod 3, for |v| < 2^14.
func mod3(v int32) int8 { return int8(v - 3*((v*43691+1<<16)>>17)) }

// A product of polynomials is computed as a product of two big integers
// (Kronecker substitution): coefficients take slots wide enough for any
// coefficient of the product, so that one multiplication of 64-bit words does
// the work of several, and the carries are left to the processor.
//
// rqBits holds p * (q-1) * 2 < 2^23; r3Bits holds p * 2 * 2 < 2^12.
const (
	rqBits  = 24
	r3Bits  = 12
	rqWords = (p*rqBits + 63) / 64
	r3Words = (p*r3Bits + 63) / 64
)

// mulSmall sets h = a*b mod q, x^p - x - 1. h may be a.
func mulSmall(h, a *poly, b *small) {
	var x, y [rqWords]uint64
	var xy [2 * rqWords]uint64
	for i := range p {
		put(x[:], i*rqBits, uint64(a[i]))
		put(y[:], i*rqBits, uint64(b[i]+1)) // never negative; made good below
	}
	multiply(xy[:], x[:], y[:])

	// b+1 stands for b plus 1+x+…+x^(p-1), so coefficient k of the product is
	// too large by the sum of all a[i] with i <= k and k-i < p.
	var c [2*p - 1]int32
	extra := int32(0)
	for k := range c {
		if k < p {
			extra += a[k]
		} else {
			extra -= a[k-p]
		}
		c[k] = int32(get(xy[:], k*rqBits)&(1<<rqBits-1)) - extra
	}
	fold(&c)
	for i := range h {
		h[i] = freeze(c[i])
	}
}

// mul3 returns a*b mod 3, x^p - x - 1.
func mul3(a, b *small) small {
	var x, y [r3Words]uint64
	var xy [2 * r3Words]uint64
	for i := range p {
		put(x[:], i*r3Bits, residue3(a[i]))
		put(y[:], i*r3Bits, residue3(b[i]))
	}
	multiply(xy[:], x[:], y[:])
	var c [2*p - 1]int32
	for k := range c {
		c[k] = int32(get(xy[:], k*r3Bits) & (1<<r3Bits - 1))
	}
	fold(&c)
	var h small
	for i := range h {
		h[i] = mod3(c[i])
	}
	return h
}

// residue3 maps -1, 0, 1 to 2, 0, 1.
func residue3(v int8) uint64 { return uint64(v + 3&(v>>7)) }

// fold reduces c mod x^p - x - 1 in place: x^(p+i) = x^(i+1) + x^i.
func fold(c *[2*p - 1]int32) {
	for i := 2*p - 2; i >= p; i-- {
		c[i-p] += c[i]
		c[i-p+1] += c[i]
	}
}

// put ors v, less than 2^24, into z at a bit position that is a multiple of 4.
func put(z []uint64, at int, v uint64) {
	i, s := at/64, at%64
	z[i] |= v << s
	if s > 64-rqBits && i+1 < len(z) {
		z[i+1] |= v >> (64 - s)
	}
}

// get returns the bits of z from a position on, 24 of them at least.
func get(z []uint64, at int) uint64 {
	i, s := at/64, at%64
	v := z[i] >> s
	if s > 64-rqBits && i+1 < len(z) {
		v |= z[i+1] << (64 - s)
	}
	return v
}

// multiply sets z = x*y; z has as many words as both together and is zero.
func multiply(z, x, y []uint64) {
	for i, yi := range y {
		z[i+len(x)] = addMul(z[i:i+len(x)], x, yi)
	}
}

// addMul adds x*y to z and returns the carry.
func addMul(z, x []uint64, y uint64) (carry uint64) {
	for len(x) >= 4 && len(z) >= 4 {
		z[0], carry = mulAdd(z[0], x[0], y, carry)
		z[1], carry = mulAdd(z[1], x[1], y, carry)
		z[2], carry = mulAdd(z[2], x[2], y, carry)
		z[3], carry = mulAdd(z[3], x[3], y, carry)
		z, x = z[4:], x[4:]
	}
	for i := 0; i < len(x) && i < len(z); i++ {
		z[i], carry = mulAdd(z[i], x[i], y, carry)
	}
	return carry
}

// mulAdd returns z + x*y + carry.
func mulAdd(z, x, y, carry uint64) (lo, hi uint64) {
	var c uint64
	hi, lo = bits.Mul64(x, y)
	lo, c = bits.Add64(lo, carry, 0)
	hi, _ = bits.Add64(hi, 0, c)
	lo, c = bits.Add64(lo, z, 0)
	hi, _ = bits.Add64(hi, 0, c)
	return lo, hi
}
