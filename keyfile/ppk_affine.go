package keyfile

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// Affine returns the coordinates of an ECDSA or EdDSA key's point, which is how
// PuTTY shows and stores it. EdDSA's wire form has y and the parity of x
// (RFC 8032, sections 5.1.3 and 5.2.3); a point off the curve is an error.
func Affine(k key.Public) (x, y *big.Int, err error) {
	switch k.Type() {
	case key.TypeEd25519:
		return decompress(k, ed25519Curve())
	case key.TypeEd448:
		return decompress(k, ed448Curve())
	}
	public, ok := k.Crypto().(*ecdsa.PublicKey)
	if !ok {
		return nil, nil, fmt.Errorf("a %s key has no point", key.ShortName(k.Type()))
	}
	point, err := public.Bytes()
	if err != nil {
		return nil, nil, err
	}
	half := len(point) / 2 // behind the byte that says "uncompressed"
	return new(big.Int).SetBytes(point[1 : 1+half]), new(big.Int).SetBytes(point[1+half:]), nil
}

// An edwards is a curve a·x² + y² = 1 + d·x²·y² modulo p.
type edwards struct{ p, a, d *big.Int }

func ed25519Curve() edwards {
	p := new(big.Int).Lsh(big.NewInt(1), 255)
	p.Sub(p, big.NewInt(19))
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665)).Mod(d, p)
	return edwards{p, big.NewInt(-1), d}
}

func ed448Curve() edwards {
	p := new(big.Int).Lsh(big.NewInt(1), 448)
	p.Sub(p, new(big.Int).Lsh(big.NewInt(1), 224)).Sub(p, big.NewInt(1))
	return edwards{p, big.NewInt(1), big.NewInt(-39081)}
}

func decompress(k key.Public, c edwards) (x, y *big.Int, err error) {
	r := wire.NewReader(k.Blob())
	r.Bytes()
	point := slices.Clone(r.Bytes())
	if r.Err() != nil || len(point) == 0 {
		return nil, nil, errors.New("the key holds no point")
	}
	slices.Reverse(point)
	odd := uint(point[0] >> 7)
	point[0] &= 0x7f
	y = new(big.Int).SetBytes(point)
	// x² = (y² - 1) / (d·y² - a)
	square := new(big.Int).Mul(y, y)
	above := new(big.Int).Sub(square, big.NewInt(1))
	below := new(big.Int).Mul(c.d, square)
	below.Sub(below, c.a).Mod(below, c.p)
	if y.Cmp(c.p) >= 0 || below.ModInverse(below, c.p) == nil {
		return nil, nil, errors.New("the key's point is not on its curve")
	}
	x = above.Mul(above, below)
	if x = x.ModSqrt(x.Mod(x, c.p), c.p); x == nil {
		return nil, nil, errors.New("the key's point is not on its curve")
	}
	if x.Bit(0) != odd {
		x.Sub(c.p, x).Mod(x, c.p)
	}
	return x, y, nil
}
