package putty

import (
	"errors"
	"math/big"
	"slices"
)

// An edwards is a curve a·x² + y² = 1 + d·x²·y² over the integers modulo p
// (RFC 8032, sections 5.1 and 5.2). Only public keys come here: nothing needs to
// take the same time.
type edwards struct {
	p, a, d *big.Int
	size    int // bytes of a point
}

var errOffCurve = errors.New("the point is not on the curve")

func newEd25519() *edwards {
	p := power(255)
	p.Sub(p, big.NewInt(19))
	// d is -121665/121666.
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665)).Mod(d, p)
	return &edwards{p: p, a: big.NewInt(-1), d: d, size: 32}
}

func newEd448() *edwards {
	p := power(448)
	p.Sub(p, power(224)).Sub(p, big.NewInt(1))
	return &edwards{p: p, a: big.NewInt(1), d: big.NewInt(-39081), size: 57}
}

func power(bits uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), bits) }

// decompress finds x from y and the bit that tells it from -x.
func (c *edwards) decompress(point []byte) (x, y *big.Int, err error) {
	if len(point) != c.size {
		return nil, nil, errOffCurve
	}
	bytes := slices.Clone(point)
	slices.Reverse(bytes) // RFC 8032 has the low byte first
	odd := uint(bytes[0] >> 7)
	bytes[0] &= 0x7f
	y = new(big.Int).SetBytes(bytes)
	if y.Cmp(c.p) >= 0 {
		return nil, nil, errOffCurve
	}
	x = c.rootFor(y)
	if x == nil || x.Sign() == 0 && odd == 1 {
		return nil, nil, errOffCurve
	}
	if x.Bit(0) != odd {
		x.Sub(c.p, x)
	}
	return x, y, nil
}

// rootFor is one of the two x for a y, nil where there are none:
// x² = (1 - y²) / (a - d·y²).
func (c *edwards) rootFor(y *big.Int) *big.Int {
	y2 := new(big.Int).Mul(y, y)
	over := new(big.Int).Sub(big.NewInt(1), y2)
	under := new(big.Int).Mul(c.d, y2)
	under.Sub(c.a, under).Mod(under, c.p)
	if under.ModInverse(under, c.p) == nil {
		return nil
	}
	square := over.Mul(over, under)
	square.Mod(square, c.p)
	return new(big.Int).ModSqrt(square, c.p)
}

// compress checks that a point is on the curve.
func (c *edwards) compress(x, y *big.Int) ([]byte, error) {
	if x.Cmp(c.p) >= 0 || y.Cmp(c.p) >= 0 {
		return nil, errOffCurve
	}
	root := c.rootFor(y)
	if root == nil || root.Cmp(x) != 0 && new(big.Int).Sub(c.p, root).Cmp(x) != 0 {
		return nil, errOffCurve
	}
	point := y.FillBytes(make([]byte, c.size))
	slices.Reverse(point)
	point[c.size-1] |= byte(x.Bit(0)) << 7
	return point, nil
}
