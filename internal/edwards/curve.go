package edwards

import (
	"errors"
	"math/big"
	"slices"
)

// ErrOffCurve says that bytes or coordinates are no point of the curve.
var ErrOffCurve = errors.New("the point is not on its curve")

// A Curve is a·x² + y² = 1 + d·x²·y² over the integers modulo p. It is not
// changed after it was made and may be used from any goroutine.
type Curve struct {
	p, a, d *big.Int
	size    int // bytes of a point
}

// Ed25519 is edwards25519 (RFC 8032, section 5.1), with points of 32 bytes.
func Ed25519() *Curve {
	p := power(255)
	p.Sub(p, big.NewInt(19))
	// d is -121665/121666.
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665)).Mod(d, p)
	return &Curve{p: p, a: big.NewInt(-1), d: d, size: 32}
}

// Ed448 is edwards448 (RFC 8032, section 5.2), with points of 57 bytes.
func Ed448() *Curve {
	p := power(448)
	p.Sub(p, power(224)).Sub(p, big.NewInt(1))
	return &Curve{p: p, a: big.NewInt(1), d: big.NewInt(-39081), size: 57}
}

func power(bits uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), bits) }

// Decompress returns the coordinates of a point: y and the bit that tells x from
// -x are in its wire form. It doesn't keep point.
func (c *Curve) Decompress(point []byte) (x, y *big.Int, err error) {
	if len(point) != c.size {
		return nil, nil, ErrOffCurve
	}
	bytes := slices.Clone(point)
	slices.Reverse(bytes) // RFC 8032 has the low byte first
	odd := uint(bytes[0] >> 7)
	bytes[0] &= 0x7f
	y = new(big.Int).SetBytes(bytes)
	if y.Cmp(c.p) >= 0 {
		return nil, nil, ErrOffCurve
	}
	x = c.rootFor(y)
	if x == nil || x.Sign() == 0 && odd == 1 {
		return nil, nil, ErrOffCurve
	}
	if x.Bit(0) != odd {
		x.Sub(c.p, x)
	}
	return x, y, nil
}

// rootFor is one of the two x for a y, nil where there are none:
// x² = (1 - y²) / (a - d·y²).
func (c *Curve) rootFor(y *big.Int) *big.Int {
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

// Compress returns the wire form of a point, after checking that it is on the
// curve. The caller owns it.
func (c *Curve) Compress(x, y *big.Int) ([]byte, error) {
	if x.Sign() < 0 || y.Sign() < 0 || x.Cmp(c.p) >= 0 || y.Cmp(c.p) >= 0 {
		return nil, ErrOffCurve
	}
	root := c.rootFor(y)
	if root == nil || root.Cmp(x) != 0 && new(big.Int).Sub(c.p, root).Cmp(x) != 0 {
		return nil, ErrOffCurve
	}
	point := y.FillBytes(make([]byte, c.size))
	slices.Reverse(point)
	point[c.size-1] |= byte(x.Bit(0)) << 7
	return point, nil
}
