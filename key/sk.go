package key

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"fmt"

	"github.com/nacre-ssh/nacre/wire"
)

// Flags in a security key's signature (PROTOCOL.u2f, "SSH U2F Signatures").
const (
	SKUserPresent  = 0x01 // somebody touched it
	SKUserVerified = 0x04 // and gave a PIN or a finger
)

var (
	skEd25519Algorithms = []string{TypeSKEd25519}
	skECDSAAlgorithms   = []string{TypeSKECDSA, AlgWebauthnSKECDSA}
)

// An SK is the public key of a FIDO security key. Its Verify demands that the
// user was present; a policy that wants more, or less, calls VerifySK.
type SK struct {
	point       crypto.PublicKey // ed25519.PublicKey or *ecdsa.PublicKey
	application string
	algorithms  []string
	blob        []byte
}

var _ Public = (*SK)(nil)

func parseSKEd25519(r *wire.Reader) (Public, error) {
	point, application := r.Bytes(), r.String()
	if err := r.End(); err != nil {
		return nil, err
	}
	if len(point) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("its point has %d bytes, it must have %d", len(point), ed25519.PublicKeySize)
	}
	blob := wire.AppendString(nil, TypeSKEd25519)
	blob = wire.AppendString(blob, point)
	point = blob[len(blob)-len(point):]
	blob = wire.AppendString(blob, application)
	return &SK{ed25519.PublicKey(point), application, skEd25519Algorithms, blob}, nil
}

func parseSKECDSA(r *wire.Reader) (Public, error) {
	id, point, application := r.Bytes(), r.Bytes(), r.String()
	if err := r.End(); err != nil {
		return nil, err
	}
	k, err := parsePoint(elliptic.P256(), id, point)
	if err != nil {
		return nil, err
	}
	blob := wire.AppendString(nil, TypeSKECDSA)
	blob = wire.AppendString(blob, id)
	blob = wire.AppendString(blob, point)
	blob = wire.AppendString(blob, application)
	return &SK{k, application, skECDSAAlgorithms, blob}, nil
}

func (k *SK) Type() string             { return k.algorithms[0] }
func (k *SK) Blob() []byte             { return k.blob }
func (k *SK) Algorithms() []string     { return k.algorithms }
func (k *SK) Bits() int                { return 256 }
func (k *SK) Crypto() crypto.PublicKey { return k.point }

// Application is the relying party, usually "ssh:".
func (k *SK) Application() string { return k.application }

// Verify implements [Public] and refuses a signature that was made without the
// user's touch.
func (k *SK) Verify(algorithm string, data, signature []byte) error {
	flags, _, err := k.VerifySK(algorithm, data, signature)
	if err != nil {
		return err
	}
	if flags&SKUserPresent == 0 {
		return badSignature("the security key was not touched")
	}
	return nil
}

// VerifySK checks the signature alone and returns the flags and the counter
// that it covers. The caller decides what the flags must hold.
func (k *SK) VerifySK(algorithm string, data, signature []byte) (flags byte, counter uint32, err error) {
	r, err := openSignature(k, algorithm, signature)
	if err != nil {
		return 0, 0, err
	}
	if algorithm == AlgWebauthnSKECDSA {
		return k.verifyWebauthn(&r, data)
	}
	s := r.Bytes()
	flags, counter = r.Byte(), r.Uint32()
	if err := r.End(); err != nil {
		return 0, 0, badSignature("%v", err)
	}
	signed := k.signed(flags, counter, data)
	switch point := k.point.(type) {
	case ed25519.PublicKey:
		err = verifyEd25519(point, signed, s)
	case *ecdsa.PublicKey:
		err = verifyECDSA(point, &curves[0], signed, s)
	default:
		err = ErrSignature
	}
	if err != nil {
		return 0, 0, err
	}
	return flags, counter, nil
}

// signed is what the token signs: the application's hash, flags, counter, the
// message's hash.
func (k *SK) signed(flags byte, counter uint32, data []byte) []byte {
	application, message := sha256.Sum256([]byte(k.application)), sha256.Sum256(data)
	b := append(make([]byte, 0, 69), application[:]...)
	b = append(b, flags)
	b = wire.AppendUint32(b, counter)
	return append(b, message[:]...)
}
