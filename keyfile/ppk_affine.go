package keyfile

import (
	"crypto/ecdsa"
	"fmt"
	"math/big"

	"github.com/nacre-ssh/nacre/internal/edwards"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// Affine returns the coordinates of an ECDSA or EdDSA key's point, which is how
// PuTTY shows and stores it. EdDSA's wire form has y and the parity of x
// (RFC 8032, sections 5.1.3 and 5.2.3); a point off the curve is an error.
func Affine(k key.Public) (x, y *big.Int, err error) {
	switch k.Type() {
	case key.TypeEd25519:
		return affine(k, edwards.Ed25519())
	case key.TypeEd448:
		return affine(k, edwards.Ed448())
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

// affine is Affine of an EdDSA key.
func affine(k key.Public, c *edwards.Curve) (x, y *big.Int, err error) {
	r := wire.NewReader(k.Blob())
	r.Bytes() // type
	point := r.Bytes()
	if err := r.End(); err != nil {
		return nil, nil, err
	}
	return c.Decompress(point)
}
