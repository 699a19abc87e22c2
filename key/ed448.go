package key

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"

	"github.com/cloudflare/circl/sign/ed448"

	"github.com/nacre-ssh/nacre/wire"
)

var ed448Algorithms = []string{TypeEd448}

type ed448Public struct {
	key  ed448.PublicKey
	blob []byte
}

func newEd448(k ed448.PublicKey) (Public, error) {
	if len(k) != ed448.PublicKeySize {
		return nil, fmt.Errorf("Ed448 point has %d bytes, it must have %d", len(k), ed448.PublicKeySize)
	}
	blob := wire.AppendString(make([]byte, 0, 74), TypeEd448)
	blob = wire.AppendString(blob, k)
	return &ed448Public{ed448.PublicKey(blob[len(blob)-len(k):]), blob}, nil
}

func parseEd448(r *wire.Reader) (Public, error) {
	point := r.Bytes()
	if err := r.End(); err != nil {
		return nil, err
	}
	return newEd448(point)
}

func (k *ed448Public) Type() string             { return TypeEd448 }
func (k *ed448Public) Blob() []byte             { return k.blob }
func (k *ed448Public) Algorithms() []string     { return ed448Algorithms }
func (k *ed448Public) Bits() int                { return 448 }
func (k *ed448Public) Crypto() crypto.PublicKey { return k.key }

// Verify implements Public (RFC 8709, section 6): Ed448 with an empty context.
func (k *ed448Public) Verify(algorithm string, data, signature []byte) error {
	s, err := openPlain(k, algorithm, signature)
	if err != nil {
		return err
	}
	if len(s) != ed448.SignatureSize {
		return badSignature("it has %d bytes, it must have %d", len(s), ed448.SignatureSize)
	}
	if !ed448.Verify(k.key, data, s, "") {
		return ErrSignature
	}
	return nil
}

func generateEd448(rand io.Reader, bits int) (crypto.Signer, error) {
	if bits != 0 && bits != 448 {
		return nil, &SizeError{TypeEd448, bits}
	}
	_, private, err := ed448.GenerateKey(rand)
	return private, err
}

func signEd448(signer crypto.Signer, _ string, data []byte) ([]byte, error) {
	return signWith(signer, data, 0)
}

// appendEd448 writes the point, then seed and point, as PuTTY does it.
func appendEd448(b []byte, signer crypto.Signer) ([]byte, error) {
	private, ok := signer.(ed448.PrivateKey)
	if !ok {
		return nil, &UnsupportedError{Type: fmt.Sprintf("%T", signer), Op: "store"}
	}
	b = wire.AppendString(b, private[ed448.SeedSize:])
	return wire.AppendString(b, private), nil
}

func readEd448(r *wire.Reader) (crypto.Signer, error) {
	point, both := r.Bytes(), r.Bytes()
	if err := r.Err(); err != nil {
		return nil, err
	}
	if len(both) != ed448.PrivateKeySize {
		return nil, fmt.Errorf("it has %d bytes, it must have %d", len(both), ed448.PrivateKeySize)
	}
	private := ed448.NewKeyFromSeed(both[:ed448.SeedSize]) // never the stored point, as for Ed25519
	if !bytes.Equal(private, both) || !bytes.Equal(private[ed448.SeedSize:], point) {
		return nil, errors.New("public and private half don't belong together")
	}
	return private, nil
}
