package sntrup

import "math/bits"

// trits is a polynomial mod 3 in bit slices: a set bit in pos is a coefficient
// 1, in neg a coefficient -1.
type trits struct {
	pos, neg [tritWords]uint64
}

const tritWords = (p + 1 + 63) / 64

// inverse3 returns 1/a mod 3, x^p - x - 1, and whether there is one. The ring is
// not a field. What it does is explained at steps.
func inverse3(a *small) (small, bool) {
	var f, g, v, r trits
	f.set(0, 1)
	f.set(p-1, -1)
	f.set(p, -1)
	for i, c := range a {
		g.set(p-1-i, c)
	}
	r.set(0, 1)

	delta := int32(1)
	for range steps {
		fPos, fNeg, gPos, gNeg := f.pos[0]&1, f.neg[0]&1, g.pos[0]&1, g.neg[0]&1
		var mask uint64
		mask, delta = stepMask(delta, int32(gPos|gNeg))
		// f0 is ±1, so f0*g - g0*f is g - f0*g0*f up to a factor.
		same := -(fPos&gPos | fNeg&gNeg)
		opposite := -(fPos&gNeg | fNeg&gPos)

		v.timesX()
		combine(&f, &g, opposite, same, mask)
		combine(&v, &r, opposite, same, mask)
		g.overX()
	}

	flip := int8(f.neg[0] & 1)
	var out small
	for i := range out {
		c := v.get(p - 1 - i)
		out[i] = (c ^ -flip) + flip
	}
	return out, delta == 0
}

// combine adds a to b, or subtracts it, or neither, as the masks say; where swap
// is set, a becomes the old b.
func combine(a, b *trits, add, sub, swap uint64) {
	for i := range a.pos {
		aPos, aNeg, bPos, bNeg := a.pos[i], a.neg[i], b.pos[i], b.neg[i]
		a.pos[i] = aPos ^ swap&(aPos^bPos)
		a.neg[i] = aNeg ^ swap&(aNeg^bNeg)

		pos := aPos&add | aNeg&sub
		neg := aNeg&add | aPos&sub
		b.pos[i] = pos&^(bPos|bNeg) | bPos&^(pos|neg) | neg&bNeg
		b.neg[i] = neg&^(bPos|bNeg) | bNeg&^(pos|neg) | pos&bPos
	}
}

func (t *trits) timesX() {
	shiftUp(&t.pos)
	shiftUp(&t.neg)
}

func (t *trits) overX() {
	shiftDown(&t.pos)
	shiftDown(&t.neg)
}

func shiftUp(z *[tritWords]uint64) {
	for i := tritWords - 1; i > 0; i-- {
		z[i] = z[i]<<1 | z[i-1]>>63
	}
	z[0] <<= 1
}

func shiftDown(z *[tritWords]uint64) {
	for i := range tritWords - 1 {
		z[i] = z[i]>>1 | z[i+1]<<63
	}
	z[tritWords-1] >>= 1
}

// set fills coefficient i, which is zero so far, with -1, 0 or 1.
func (t *trits) set(i int, c int8) {
	t.pos[i/64] |= uint64(c&1&^(c>>7)) << (i % 64)
	t.neg[i/64] |= uint64(c>>7&1) << (i % 64)
}

func (t *trits) get(i int) int8 {
	k := -(i % 64)
	return int8(bits.RotateLeft64(t.pos[i/64], k)&1) - int8(bits.RotateLeft64(t.neg[i/64], k)&1)
}
