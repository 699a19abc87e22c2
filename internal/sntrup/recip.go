package sntrup

// Both inverses are found by division steps: Bernstein and Yang, "Fast
// constant-time gcd computation and modular inversion", section 6. A step keeps
// (delta, f, g) and turns them into
//
//	(1-delta, g, (g0*f - f0*g)/x)   if delta > 0 and g0 != 0
//	(1+delta, f, (f0*g - g0*f)/x)   otherwise
//
// up to a factor in g. f starts as the ring's modulus and g as the polynomial
// to invert, both with their coefficients reversed. After steps steps f is a
// constant, and the cofactor v, which went through the same combinations, is
// the inverse, reversed, times that constant.
const steps = 2*p - 1

// stepMask returns all ones if this step is of the first kind, and the next delta.
func stepMask(delta, g0 int32) (mask uint64, next int32) {
	m := (-delta >> 31) & (-g0 >> 31)
	return uint64(int64(m)), (delta ^ m - m) + 1
}

// pair holds coefficients 2i and 2i+1 of a polynomial mod q, one in each half.
// They are below lazy, not below q.
type pair = uint64

const (
	pairs = (p + 1) / 2
	lazy  = 9512 // what reducePair leaves
)

// recip3 returns 1/(3a) mod q, x^p - x - 1. Every short polynomial has an
// inverse, for the ring is a field.
func recip3(a *small) poly {
	var f, g, v, r [pairs]pair
	setPair(&f, 0, 1)
	setPair(&f, p-1, q-1)
	setPair(&f, p, q-1)
	for i, c := range a {
		setPair(&g, p-1-i, freeze(int32(c)))
	}
	setPair(&r, 0, invert(3))

	delta := int32(1)
	for n := range steps {
		f0, g0 := lowest(&f), lowest(&g)
		var mask uint64
		mask, delta = stepMask(delta, g0)
		// The new g is f0*g - g0*f, or its negative after a swap.
		cf, cg := uint64(freeze(-g0)), uint64(f0)
		// f and g matter only as far as the steps that are left will see;
		// v and r have grown to degree n.
		k := min(pairs, (steps-n+1)/2)
		stepDown(f[:k], g[:k], cf, cg, mask)
		k = min(pairs, (n+3)/2)
		stepUp(v[:k], r[:k], cf, cg, mask)
	}

	scale := invert(lowest(&f))
	var out poly
	for i := range out {
		out[i] = freeze(getPair(&v, p-1-i) * scale)
	}
	return out
}

// stepDown makes one step on f and g, which loses the lowest coefficient.
func stepDown(f, g []pair, cf, cg, mask uint64) {
	g = g[:len(f)]
	below := uint64(0)
	for i, fi := range f {
		gi := g[i]
		f[i] = fi ^ mask&(fi^gi)
		t := reducePair(cf*fi + cg*gi)
		if i > 0 {
			g[i-1] = below>>32 | t<<32
		}
		below = t
	}
	g[len(g)-1] = below >> 32
}

// stepUp makes the same step on the cofactors; v is multiplied by x first, so
// that nothing need be divided.
func stepUp(v, r []pair, cf, cg, mask uint64) {
	r = r[:len(v)]
	below := uint64(0)
	for i, vi := range v {
		ri := r[i]
		up := vi<<32 | below>>32
		below = vi
		v[i] = up ^ mask&(up^ri)
		r[i] = reducePair(cf*up + cg*ri)
	}
}

// reducePair takes both halves, below 2*(q-1)*lazy < 2^27, to less than lazy.
//
// The quotient is estimated from the bits above the lowest 12 with a 17-bit
// reciprocal. It is too small by less than 4096/q + 0.2 + 1 < 2.07.
func reducePair(t uint64) uint64 {
	const (
		recip = (1 << 29) / q
		high  = 0x000fffff_000fffff
		quot  = 0x00007fff_00007fff
	)
	return t - ((t>>12&high)*recip>>17&quot)*q
}

// lowest returns the constant coefficient, fully reduced.
func lowest(z *[pairs]pair) int32 { return freeze(int32(uint32(z[0]))) }

func setPair(z *[pairs]pair, i int, c int32) { z[i/2] |= uint64(c) << (i % 2 * 32) }

func getPair(z *[pairs]pair, i int) int32 { return int32(uint32(z[i/2] >> (i % 2 * 32))) }

// invert returns 1/a mod q by Fermat: a^(q-2).
func invert(a int32) int32 {
	out := int32(1)
	for e := q - 2; e > 0; e >>= 1 { // the exponent is public
		if e&1 != 0 {
			out = freeze(out * a)
		}
		a = freeze(a * a)
	}
	return out
}
