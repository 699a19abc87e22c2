package sntrup

// encodeSmall writes four coefficients to a byte, lowest first, each plus one.
func encodeSmall(out []byte, a *small) {
	for i := range smallSize - 1 {
		out[i] = byte(a[4*i]+1) | byte(a[4*i+1]+1)<<2 | byte(a[4*i+2]+1)<<4 | byte(a[4*i+3]+1)<<6
	}
	out[smallSize-1] = byte(a[p-1] + 1)
}

// decodeSmall takes any bytes; what encodeSmall doesn't write becomes 2.
func decodeSmall(in []byte) small {
	var a small
	for i := range a {
		// 3 can come only from a private key that we did not make.
		a[i] = int8(in[i/4]>>(i%4*2)&3) - 1
	}
	return a
}

const (
	half   = (q - 1) / 2
	thirds = (q + 2) / 3 // multiples of 3 in -half … half
)

func encodeRq(out []byte, a *poly) {
	var r [p]uint32
	for i, v := range a {
		r[i] = uint32(centre(v) + half)
	}
	encodeRadix(out, &r, q)
}

func decodeRq(in []byte) poly {
	var a poly
	for i, v := range decodeRadix(in, q) {
		a[i] = freeze(int32(v) - half)
	}
	return a
}

// encodeRounded writes the coefficients rounded to the nearest multiple of 3.
func encodeRounded(out []byte, a *poly) {
	var r [p]uint32
	for i, v := range a {
		v = centre(v)
		v += half - int32(mod3(v))
		r[i] = uint32(v*10923) >> 15 // v/3, for multiples of 3 up to q
	}
	encodeRadix(out, &r, thirds)
}

func decodeRounded(in []byte) poly {
	var a poly
	for i, v := range decodeRadix(in, thirds) {
		a[i] = freeze(int32(v)*3 - half)
	}
	return a
}

// A vector of numbers below m is written by pairing neighbours to numbers below
// m*m, level by level, until one number is left. At each level the low bytes of
// a pair are written out as long as its bound is 2^14 or more. All pairs of a
// level have the same bound but the last. See NTRU Prime: round 3, section 3.8.
type level struct {
	n       int    // how many numbers
	m, last uint32 // bounds of all but the last number, and of the last
}

const maxLevels = 11

// up returns the level above.
func (l level) up() level {
	next := level{n: (l.n + 1) / 2, last: l.last}
	next.m, _ = shrink(l.m * l.m)
	if l.n%2 == 0 {
		next.last, _ = shrink(l.m * l.last)
	}
	return next
}

// bound returns the bound of number i.
func (l level) bound(i int) uint32 {
	if i == l.n-1 {
		return l.last
	}
	return l.m
}

// shrink returns how many low bytes of a number below m are written out, and
// the bound of what is left.
func shrink(m uint32) (left uint32, bytes int) {
	for m >= 1<<14 {
		m = (m + 255) >> 8
		bytes++
	}
	return m, bytes
}

// encodeRadix writes r and destroys it.
func encodeRadix(out []byte, r *[p]uint32, m uint32) {
	l := level{n: p, m: m, last: m}
	for ; l.n > 1; l = l.up() {
		for i := 0; i < l.n-1; i += 2 {
			v := r[i] + r[i+1]*l.m
			_, k := shrink(l.m * l.bound(i+1))
			for range k {
				out[0] = byte(v)
				out, v = out[1:], v>>8
			}
			r[i/2] = v
		}
		if l.n%2 == 1 {
			r[l.n/2] = r[l.n-1]
		}
	}
	v := r[0]
	for m := l.last; m > 1; m = (m + 255) >> 8 {
		out[0] = byte(v)
		out, v = out[1:], v>>8
	}
}

// decodeRadix reads what encodeRadix wrote, and takes any other bytes for some
// numbers below m. It divides: only for input that is no secret.
func decodeRadix(in []byte, m uint32) (r [p]uint32) {
	var levels [maxLevels]level
	var starts [maxLevels]int // where the bytes of a level's last pair start
	l := level{n: p, m: m, last: m}
	at, top := 0, 0
	for ; l.n > 1; l = l.up() {
		_, each := shrink(l.m * l.m)
		_, end := shrink(l.m * l.bound(l.n/2*2-1))
		levels[top] = l
		starts[top] = at + (l.n/2-1)*each
		at = starts[top] + end
		top++
	}
	for i, b := range in[at:] {
		r[0] |= uint32(b) << (8 * i)
	}
	r[0] %= l.last
	for top--; top >= 0; top-- {
		split(&r, levels[top], in, starts[top])
	}
	return r
}

// split undoes one level: r holds the pairs, their low bytes end in in with those
// of the last pair, which start at at.
func split(r *[p]uint32, l level, in []byte, at int) {
	if l.n%2 == 1 {
		r[l.n-1] = r[l.n/2]
	}
	_, each := shrink(l.m * l.m)
	for i := l.n/2*2 - 2; i >= 0; i -= 2 {
		bound := l.bound(i + 1)
		_, k := shrink(l.m * bound)
		v := r[i/2]
		for j := k - 1; j >= 0; j-- {
			v = v<<8 | uint32(in[at+j])
		}
		r[i], r[i+1] = v%l.m, v/l.m%bound
		at -= each
	}
}
