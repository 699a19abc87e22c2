package key

import (
	"bytes"
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 DSA keys are shown and converted
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"

	"github.com/cloudflare/circl/sign/ed448"

	"github.com/nacre-ssh/nacre/wire"
)

// ParsePublic reads a public key's wire encoding (RFC 4253, section 6.6), all
// of it; blob is copied. The encoding is canonical: the key's Blob equals blob.
// A type that isn't in the table gives an *[UnsupportedError], a key that is
// too short or too long a *[SizeError].
func ParsePublic(blob []byte) (Public, error) {
	if len(blob) > MaxBlob {
		return nil, fmt.Errorf("public key is %d bytes long, at most %d are read", len(blob), MaxBlob)
	}
	r := wire.NewReader(blob)
	name := r.Bytes()
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	t := lookup(string(name))
	if t == nil {
		return nil, &UnsupportedError{Type: string(name)}
	}
	k, err := t.parse(&r)
	if err != nil {
		return nil, fmt.Errorf("%s public key: %w", t.short, err)
	}
	if !bytes.Equal(k.Blob(), blob) {
		return nil, fmt.Errorf("%s public key is not in its canonical encoding", t.short)
	}
	return k, nil
}

// NewPublic takes a key of the standard library: ed25519.PublicKey,
// *ecdsa.PublicKey on P-256, P-384 or P-521, *rsa.PublicKey or *dsa.PublicKey;
// circl's ed448.PublicKey; or a Public. The caller must not change it any more.
func NewPublic(k crypto.PublicKey) (Public, error) {
	switch k := k.(type) {
	case ed25519.PublicKey:
		return newEd25519(k)
	case *ecdsa.PublicKey:
		return newECDSA(k)
	case *rsa.PublicKey:
		return newRSA(k)
	case ed448.PublicKey:
		return newEd448(k)
	case *dsa.PublicKey:
		return newDSA(k)
	case Public:
		return k, nil
	}
	return nil, &UnsupportedError{Type: fmt.Sprintf("%T", k)}
}

// Equal reports whether a and b are the same key. A nil key equals none.
func Equal(a, b Public) bool {
	return a != nil && b != nil && bytes.Equal(a.Blob(), b.Blob())
}

// openSignature reads a signature blob that must be of the agreed algorithm
// and returns a Reader at its signature field.
func openSignature(k Public, algorithm string, signature []byte) (wire.Reader, error) {
	if !verifies(k, algorithm) {
		return wire.Reader{}, badSignature("a %s key makes no %q signatures", k.Type(), algorithm)
	}
	r := wire.NewReader(signature)
	got := r.Bytes()
	if err := r.Err(); err != nil {
		return wire.Reader{}, badSignature("%v", err)
	}
	if string(got) != algorithm {
		return wire.Reader{}, badSignature("its algorithm is %q where %q was agreed upon", got, algorithm)
	}
	return r, nil
}

func verifies(k Public, algorithm string) bool {
	for _, a := range k.Algorithms() {
		if a == algorithm {
			return true
		}
	}
	return false
}

// openPlain is openSignature for algorithms whose signature is one string and
// nothing after it.
func openPlain(k Public, algorithm string, signature []byte) ([]byte, error) {
	r, err := openSignature(k, algorithm, signature)
	if err != nil {
		return nil, err
	}
	s := r.Bytes()
	if err := r.End(); err != nil {
		return nil, badSignature("%v", err)
	}
	return s, nil
}
