package key

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/nacre-ssh/nacre/wire"
)

// A curve is one of the three that RFC 5656, section 10.1 requires.
type curve struct {
	id         string // the blob's curve identifier
	algorithms []string
	hash       crypto.Hash // RFC 5656, section 6.2.1
	bits       int
}

var curves = [...]curve{
	{"nistp256", []string{TypeECDSA256}, crypto.SHA256, 256},
	{"nistp384", []string{TypeECDSA384}, crypto.SHA384, 384},
	{"nistp521", []string{TypeECDSA521}, crypto.SHA512, 521},
}

func curveOf(c elliptic.Curve) *curve {
	switch c {
	case elliptic.P256():
		return &curves[0]
	case elliptic.P384():
		return &curves[1]
	case elliptic.P521():
		return &curves[2]
	}
	return nil
}

type ecdsaPublic struct {
	key   *ecdsa.PublicKey
	curve *curve
	blob  []byte
}

func newECDSA(k *ecdsa.PublicKey) (Public, error) {
	c := curveOf(k.Curve)
	if c == nil {
		return nil, &UnsupportedError{Type: "ECDSA on another curve than P-256, P-384, P-521"}
	}
	point, err := k.Bytes()
	if err != nil {
		return nil, err
	}
	blob := wire.AppendString(make([]byte, 0, 172), c.algorithms[0])
	blob = wire.AppendString(blob, c.id)
	blob = wire.AppendString(blob, point)
	return &ecdsaPublic{k, c, blob}, nil
}

// parseECDSA reads curve name and point (RFC 5656, section 3.1). A point that
// is compressed, at infinity or off the curve is refused.
func parseECDSA(r *wire.Reader, c elliptic.Curve) (Public, error) {
	id, point := r.Bytes(), r.Bytes()
	if err := r.End(); err != nil {
		return nil, err
	}
	k, err := parsePoint(c, id, point)
	if err != nil {
		return nil, err
	}
	return newECDSA(k)
}

func parsePoint(c elliptic.Curve, id, point []byte) (*ecdsa.PublicKey, error) {
	if want := curveOf(c).id; string(id) != want {
		return nil, fmt.Errorf("its curve is %q, it must be %q", id, want)
	}
	return ecdsa.ParseUncompressedPublicKey(c, point)
}

func (k *ecdsaPublic) Type() string             { return k.curve.algorithms[0] }
func (k *ecdsaPublic) Blob() []byte             { return k.blob }
func (k *ecdsaPublic) Algorithms() []string     { return k.curve.algorithms }
func (k *ecdsaPublic) Bits() int                { return k.curve.bits }
func (k *ecdsaPublic) Crypto() crypto.PublicKey { return k.key }

// Verify implements Public (RFC 5656, section 3.1.2).
func (k *ecdsaPublic) Verify(algorithm string, data, signature []byte) error {
	s, err := openPlain(k, algorithm, signature)
	if err != nil {
		return err
	}
	return verifyECDSA(k.key, k.curve, data, s)
}

// verifyECDSA checks mpint r, mpint s, both in 1..n-1.
func verifyECDSA(k *ecdsa.PublicKey, c *curve, data, signature []byte) error {
	reader := wire.NewReader(signature)
	r, s := reader.Mpint(), reader.Mpint()
	if err := reader.End(); err != nil {
		return badSignature("%v", err)
	}
	if r.BitLen() > c.bits || s.BitLen() > c.bits {
		return badSignature("its integers are too large for %s", c.id)
	}
	if !ecdsa.Verify(k, c.digest(data), r, s) {
		return ErrSignature
	}
	return nil
}

func (c *curve) digest(data []byte) []byte {
	switch c.hash {
	case crypto.SHA256:
		d := sha256.Sum256(data)
		return d[:]
	case crypto.SHA384:
		d := sha512.Sum384(data)
		return d[:]
	default:
		d := sha512.Sum512(data)
		return d[:]
	}
}

func generateECDSA(rand io.Reader, c elliptic.Curve, bits int) (crypto.Signer, error) {
	if of := curveOf(c); bits != 0 && bits != of.bits {
		return nil, &SizeError{of.algorithms[0], bits}
	}
	return ecdsa.GenerateKey(c, rand)
}

func signECDSA(signer crypto.Signer, _ string, data []byte) ([]byte, error) {
	public, ok := signer.Public().(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("its public key changed")
	}
	c := curveOf(public.Curve)
	der, err := signWith(signer, c.digest(data), c.hash)
	if err != nil {
		return nil, err
	}
	var r, s big.Int
	var inner cryptobyte.String
	input := cryptobyte.String(der)
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !input.Empty() ||
		!inner.ReadASN1Integer(&r) || !inner.ReadASN1Integer(&s) || !inner.Empty() ||
		r.Sign() <= 0 || s.Sign() <= 0 {
		return nil, errors.New("the signer returned a malformed signature")
	}
	return wire.AppendMpint(wire.AppendMpint(nil, &r), &s), nil
}

// appendECDSA writes curve name, point and scalar.
func appendECDSA(b []byte, signer crypto.Signer) ([]byte, error) {
	private, ok := signer.(*ecdsa.PrivateKey)
	if !ok {
		return nil, &UnsupportedError{Type: fmt.Sprintf("%T", signer), Op: "store"}
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	scalar, err := private.Bytes()
	if err != nil {
		return nil, err
	}
	b = wire.AppendString(b, curveOf(private.Curve).id)
	b = wire.AppendString(b, point)
	return wire.AppendMpintBytes(b, scalar), nil
}

func readECDSA(r *wire.Reader, c elliptic.Curve) (crypto.Signer, error) {
	id, point, scalar := r.Bytes(), r.Bytes(), r.Mpint()
	if err := r.Err(); err != nil {
		return nil, err
	}
	public, err := parsePoint(c, id, point)
	if err != nil {
		return nil, err
	}
	size := (curveOf(c).bits + 7) / 8
	if scalar.BitLen() > size*8 {
		return nil, errors.New("its scalar is too large")
	}
	private, err := ecdsa.ParseRawPrivateKey(c, scalar.FillBytes(make([]byte, size)))
	if err != nil {
		return nil, err
	}
	if !private.PublicKey.Equal(public) {
		return nil, errors.New("public and private half don't belong together")
	}
	return private, nil
}
