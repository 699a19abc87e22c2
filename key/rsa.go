package key

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/nacre-ssh/nacre/wire"
)

var rsaAlgorithms = []string{AlgRSASHA512, AlgRSASHA256, AlgRSASHA1}

type rsaPublic struct {
	key  *rsa.PublicKey
	blob []byte
}

func newRSA(k *rsa.PublicKey) (Public, error) {
	if err := checkRSA(k.N, big.NewInt(int64(k.E))); err != nil {
		return nil, err
	}
	blob := wire.AppendString(make([]byte, 0, k.Size()+32), TypeRSA)
	blob = wire.AppendMpint(blob, big.NewInt(int64(k.E)))
	blob = wire.AppendMpint(blob, k.N)
	return &rsaPublic{k, blob}, nil
}

// checkRSA holds everything against which no arithmetic may run: sizes first.
func checkRSA(n, e *big.Int) error {
	if n == nil {
		return &SizeError{TypeRSA, 0}
	}
	if bits := n.BitLen(); bits < MinRSABits || bits > MaxRSABits {
		return &SizeError{TypeRSA, bits}
	}
	if n.Sign() < 0 || n.Bit(0) == 0 {
		return errors.New("its modulus is not an odd positive number")
	}
	// The standard library takes exponents of up to 31 bits.
	if e.BitLen() > 31 || e.Cmp(big.NewInt(3)) < 0 || e.Bit(0) == 0 {
		return errors.New("its exponent is not an odd number from 3 to 2^31-1")
	}
	return nil
}

// parseRSA reads mpint e, mpint n (RFC 4253, section 6.6).
func parseRSA(r *wire.Reader) (Public, error) {
	e, n := r.Mpint(), r.Mpint()
	if err := r.End(); err != nil {
		return nil, err
	}
	if err := checkRSA(n, e); err != nil {
		return nil, err
	}
	return newRSA(&rsa.PublicKey{N: n, E: int(e.Int64())})
}

func (k *rsaPublic) Type() string             { return TypeRSA }
func (k *rsaPublic) Blob() []byte             { return k.blob }
func (k *rsaPublic) Algorithms() []string     { return rsaAlgorithms }
func (k *rsaPublic) Bits() int                { return k.key.N.BitLen() }
func (k *rsaPublic) Crypto() crypto.PublicKey { return k.key }

// Verify implements Public (RFC 8332, section 3). A signature shorter than the
// modulus lost leading zeros on its way, as some peers do it, and gets them
// back; OpenSSH does the same.
func (k *rsaPublic) Verify(algorithm string, data, signature []byte) error {
	s, err := openPlain(k, algorithm, signature)
	if err != nil {
		return err
	}
	size := k.key.Size()
	if len(s) == 0 || len(s) > size {
		return badSignature("it has %d bytes, the modulus has %d", len(s), size)
	}
	if len(s) < size {
		padded := make([]byte, size)
		copy(padded[size-len(s):], s)
		s = padded
	}
	hash, digest := rsaDigest(algorithm, data)
	if rsa.VerifyPKCS1v15(k.key, hash, digest, s) != nil {
		return ErrSignature
	}
	return nil
}

func rsaDigest(algorithm string, data []byte) (crypto.Hash, []byte) {
	switch algorithm {
	case AlgRSASHA512:
		d := sha512.Sum512(data)
		return crypto.SHA512, d[:]
	case AlgRSASHA256:
		d := sha256.Sum256(data)
		return crypto.SHA256, d[:]
	default: // the callers let only rsaAlgorithms through
		d := sha1.Sum(data)
		return crypto.SHA1, d[:]
	}
}

func generateRSA(rand io.Reader, bits int) (crypto.Signer, error) {
	if bits == 0 {
		bits = DefaultRSABits
	}
	if bits < MinRSABits || bits > MaxRSABits {
		return nil, &SizeError{TypeRSA, bits}
	}
	return rsa.GenerateKey(rand, bits)
}

func signRSA(signer crypto.Signer, algorithm string, data []byte) ([]byte, error) {
	hash, digest := rsaDigest(algorithm, data)
	return signWith(signer, digest, hash)
}

// appendRSA writes n, e, d, q^-1 mod p, p, q.
func appendRSA(b []byte, signer crypto.Signer) ([]byte, error) {
	private, ok := signer.(*rsa.PrivateKey)
	if !ok || len(private.Primes) != 2 {
		return nil, &UnsupportedError{Type: fmt.Sprintf("%T", signer), Op: "store"}
	}
	p, q := private.Primes[0], private.Primes[1]
	inverse := private.Precomputed.Qinv
	if inverse == nil {
		inverse = new(big.Int).ModInverse(q, p)
	}
	if inverse == nil {
		return nil, errors.New("its primes are equal")
	}
	for _, n := range []*big.Int{private.N, big.NewInt(int64(private.E)), private.D, inverse, p, q} {
		b = wire.AppendMpint(b, n)
	}
	return b, nil
}

func readRSA(r *wire.Reader) (crypto.Signer, error) {
	n, e, d, inverse, p, q := r.Mpint(), r.Mpint(), r.Mpint(), r.Mpint(), r.Mpint(), r.Mpint()
	if err := r.Err(); err != nil {
		return nil, err
	}
	if err := checkRSA(n, e); err != nil {
		return nil, err
	}
	for _, part := range []*big.Int{d, inverse, p, q} {
		if part.Sign() <= 0 || part.Cmp(n) >= 0 {
			return nil, errors.New("its parts are out of range")
		}
	}
	private := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: n, E: int(e.Int64())},
		D:         d,
		Primes:    []*big.Int{p, q},
	}
	private.Precompute() // computes the CRT values again: a wrong one leaks the key
	if err := private.Validate(); err != nil {
		return nil, errors.New("public and private half don't belong together")
	}
	return private, nil
}
