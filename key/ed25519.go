package key

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/wire"
)

var ed25519Algorithms = []string{TypeEd25519}

type ed25519Public struct {
	key  ed25519.PublicKey
	blob []byte
}

func newEd25519(k ed25519.PublicKey) (Public, error) {
	if len(k) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("Ed25519 point has %d bytes, it must have %d", len(k), ed25519.PublicKeySize)
	}
	blob := wire.AppendString(make([]byte, 0, 51), TypeEd25519)
	blob = wire.AppendString(blob, k)
	return &ed25519Public{ed25519.PublicKey(blob[len(blob)-len(k):]), blob}, nil
}

func parseEd25519(r *wire.Reader) (Public, error) {
	point := r.Bytes()
	if err := r.End(); err != nil {
		return nil, err
	}
	return newEd25519(point)
}

func (k *ed25519Public) Type() string             { return TypeEd25519 }
func (k *ed25519Public) Blob() []byte             { return k.blob }
func (k *ed25519Public) Algorithms() []string     { return ed25519Algorithms }
func (k *ed25519Public) Bits() int                { return 256 }
func (k *ed25519Public) Crypto() crypto.PublicKey { return k.key }

// Verify implements Public (RFC 8709, section 6).
func (k *ed25519Public) Verify(algorithm string, data, signature []byte) error {
	s, err := openPlain(k, algorithm, signature)
	if err != nil {
		return err
	}
	return verifyEd25519(k.key, data, s)
}

func verifyEd25519(k ed25519.PublicKey, data, s []byte) error {
	if len(s) != ed25519.SignatureSize {
		return badSignature("it has %d bytes, it must have %d", len(s), ed25519.SignatureSize)
	}
	if !ed25519.Verify(k, data, s) {
		return ErrSignature
	}
	return nil
}

func generateEd25519(rand io.Reader, bits int) (crypto.Signer, error) {
	if bits != 0 && bits != 256 {
		return nil, &SizeError{TypeEd25519, bits}
	}
	_, private, err := ed25519.GenerateKey(rand)
	return private, err
}

func signEd25519(signer crypto.Signer, _ string, data []byte) ([]byte, error) {
	return signWith(signer, data, 0)
}

// appendEd25519 writes the point, then seed and point.
func appendEd25519(b []byte, signer crypto.Signer) ([]byte, error) {
	private, ok := signer.(ed25519.PrivateKey)
	if !ok {
		return nil, &UnsupportedError{Type: fmt.Sprintf("%T", signer), Op: "store"}
	}
	b = wire.AppendString(b, private[ed25519.SeedSize:])
	return wire.AppendString(b, private), nil
}

func readEd25519(r *wire.Reader) (crypto.Signer, error) {
	point, both := r.Bytes(), r.Bytes()
	if err := r.Err(); err != nil {
		return nil, err
	}
	if len(both) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("it has %d bytes, it must have %d", len(both), ed25519.PrivateKeySize)
	}
	// A stored point that isn't the seed's would make signatures that give the
	// seed away, so it is computed again.
	private := ed25519.NewKeyFromSeed(both[:ed25519.SeedSize])
	if !bytes.Equal(private, both) || !bytes.Equal(private[ed25519.SeedSize:], point) {
		return nil, errors.New("public and private half don't belong together")
	}
	return private, nil
}
