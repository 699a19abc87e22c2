package key

//lint:file-ignore SA1019 DSA is read so that its keys can be shown, checked and replaced.

import (
	"crypto"
	"crypto/dsa"
	"crypto/sha1"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/nacre-ssh/nacre/wire"
)

var dsaAlgorithms = []string{TypeDSA}

// dsaHalf is the size in bytes of each of a signature's two integers, and of q
// (RFC 4253, section 6.6).
const dsaHalf = sha1.Size

type dsaPublic struct {
	key  *dsa.PublicKey
	blob []byte
}

func newDSA(k *dsa.PublicKey) (Public, error) {
	if err := checkDSA(k); err != nil {
		return nil, err
	}
	blob := wire.AppendString(nil, TypeDSA)
	for _, n := range []*big.Int{k.P, k.Q, k.G, k.Y} {
		blob = wire.AppendMpint(blob, n)
	}
	return &dsaPublic{k, blob}, nil
}

// checkDSA looks at sizes first. q must have 160 bits: the signature has no
// room for more.
func checkDSA(k *dsa.PublicKey) error {
	if k.P == nil || k.Q == nil || k.G == nil || k.Y == nil {
		return errors.New("it lacks a part")
	}
	if bits := k.P.BitLen(); bits < MinDSABits || bits > MaxDSABits {
		return &SizeError{TypeDSA, bits}
	}
	if k.P.Sign() < 0 || k.Q.Sign() < 0 || k.Q.BitLen() != dsaHalf*8 || k.P.Bit(0) == 0 || k.Q.Bit(0) == 0 {
		return errors.New("its primes are out of range")
	}
	one := big.NewInt(1)
	for _, n := range []*big.Int{k.G, k.Y} {
		if n.Cmp(one) <= 0 || n.Cmp(k.P) >= 0 {
			return errors.New("its numbers are out of range")
		}
	}
	return nil
}

// parseDSA reads mpint p, q, g, y (RFC 4253, section 6.6).
func parseDSA(r *wire.Reader) (Public, error) {
	k := readDSAPublic(r)
	if err := r.End(); err != nil {
		return nil, err
	}
	return newDSA(k)
}

func readDSAPublic(r *wire.Reader) *dsa.PublicKey {
	p, q, g, y := r.Mpint(), r.Mpint(), r.Mpint(), r.Mpint()
	return &dsa.PublicKey{Parameters: dsa.Parameters{P: p, Q: q, G: g}, Y: y}
}

func (k *dsaPublic) Type() string             { return TypeDSA }
func (k *dsaPublic) Blob() []byte             { return k.blob }
func (k *dsaPublic) Algorithms() []string     { return dsaAlgorithms }
func (k *dsaPublic) Bits() int                { return k.key.P.BitLen() }
func (k *dsaPublic) Crypto() crypto.PublicKey { return k.key }

// Verify implements Public (RFC 4253, section 6.6).
func (k *dsaPublic) Verify(algorithm string, data, signature []byte) error {
	s, err := openPlain(k, algorithm, signature)
	if err != nil {
		return err
	}
	if len(s) != 2*dsaHalf {
		return badSignature("it has %d bytes, it must have %d", len(s), 2*dsaHalf)
	}
	digest := sha1.Sum(data)
	r, v := new(big.Int).SetBytes(s[:dsaHalf]), new(big.Int).SetBytes(s[dsaHalf:])
	if !dsa.Verify(k.key, digest[:], r, v) {
		return ErrSignature
	}
	return nil
}

// A DSAPrivate makes a *dsa.PrivateKey, which the standard library gives no
// Sign, a crypto.Signer: [NewPrivate] takes it, and [Private.Crypto] returns it.
// Such a key is for reading, showing and converting; nothing offers it unless
// the user put ssh-dss in a list by hand.
type DSAPrivate struct{ Key *dsa.PrivateKey }

// Public implements crypto.Signer with a *dsa.PublicKey.
func (k *DSAPrivate) Public() crypto.PublicKey { return &k.Key.PublicKey }

// Sign implements crypto.Signer and returns the ASN.1 form.
func (k *DSAPrivate) Sign(rand io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	r, s, err := dsa.Sign(rand, k.Key, digest)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal([]*big.Int{r, s})
}

// NewDSA makes a key of a DSA group's numbers and the private x. They must fit
// together; y is computed where it is nil.
func NewDSA(p, q, g, y, x *big.Int) (*Private, error) {
	k, err := dsaPrivate(p, q, g, y, x)
	if err != nil {
		return nil, err
	}
	return NewPrivate(k)
}

func dsaPrivate(p, q, g, y, x *big.Int) (*DSAPrivate, error) {
	k := &dsa.PrivateKey{PublicKey: dsa.PublicKey{Parameters: dsa.Parameters{P: p, Q: q, G: g}, Y: y}, X: x}
	group := k.PublicKey
	if group.Y == nil {
		group.Y = g // stands in until the group is known to be small enough
	}
	if err := checkDSA(&group); err != nil {
		return nil, err
	}
	if x == nil || x.Sign() <= 0 || x.Cmp(q) >= 0 {
		return nil, errors.New("its private number is out of range")
	}
	computed := new(big.Int).Exp(g, x, p)
	if y != nil && computed.Cmp(y) != 0 {
		return nil, errors.New("public and private half don't belong together")
	}
	k.Y = computed
	return &DSAPrivate{k}, nil
}

func signDSA(signer crypto.Signer, _ string, data []byte) ([]byte, error) {
	digest := sha1.Sum(data)
	der, err := signWith(signer, digest[:], crypto.SHA1)
	if err != nil {
		return nil, err
	}
	var parts []*big.Int
	if rest, err := asn1.Unmarshal(der, &parts); err != nil || len(rest) > 0 || len(parts) != 2 {
		return nil, errors.New("the signer returned a malformed signature")
	}
	signature := make([]byte, 2*dsaHalf)
	for i, n := range parts {
		if n.Sign() <= 0 || n.BitLen() > dsaHalf*8 {
			return nil, errors.New("the signer returned a malformed signature")
		}
		n.FillBytes(signature[i*dsaHalf : (i+1)*dsaHalf])
	}
	return signature, nil
}

// appendDSA writes p, q, g, y, x.
func appendDSA(b []byte, signer crypto.Signer) ([]byte, error) {
	private, ok := signer.(*DSAPrivate)
	if !ok {
		return nil, &UnsupportedError{Type: fmt.Sprintf("%T", signer), Op: "store"}
	}
	k := private.Key
	for _, n := range []*big.Int{k.P, k.Q, k.G, k.Y, k.X} {
		b = wire.AppendMpint(b, n)
	}
	return b, nil
}

func readDSA(r *wire.Reader) (crypto.Signer, error) {
	k := readDSAPublic(r)
	x := r.Mpint()
	if err := r.Err(); err != nil {
		return nil, err
	}
	return dsaPrivate(k.P, k.Q, k.G, k.Y, x)
}
