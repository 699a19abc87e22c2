package key

import (
	"context"
	"crypto"
	"crypto/rand"
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/wire"
)

// A Private is a key whose secret part this process can use. It is immutable
// and safe for concurrent use; the zero value is not usable.
type Private struct {
	public Public
	signer crypto.Signer
	typ    *keyType
}

var _ Signer = (*Private)(nil)

// NewPrivate takes a signer of the standard library (ed25519.PrivateKey,
// *ecdsa.PrivateKey, *rsa.PrivateKey), circl's ed448.PrivateKey, a *[DSAPrivate],
// an *[SKPrivate], or any other crypto.Signer with a public key that [NewPublic]
// takes.
func NewPrivate(signer crypto.Signer) (*Private, error) {
	if signer == nil {
		return nil, fmt.Errorf("no private key was given")
	}
	public, err := NewPublic(signer.Public())
	if err != nil {
		return nil, err
	}
	return &Private{public, signer, lookup(public.Type())}, nil
}

// Generate makes a key of a type. Bits is the modulus length of an RSA key; 0
// asks for the default, and for every other type the only value besides the
// type's own. The standard library takes its randomness from the system for
// some types, whatever rand is.
func Generate(rand io.Reader, typ string, bits int) (*Private, error) {
	t := lookup(typ)
	if t == nil || t.generate == nil {
		return nil, &UnsupportedError{Type: typ, Op: "generate"}
	}
	signer, err := t.generate(rand, bits)
	if err != nil {
		return nil, err
	}
	return NewPrivate(signer)
}

// Public returns the public half.
func (k *Private) Public() Public { return k.public }

// Crypto returns the standard library's form. Keys that this package read or
// made are ed25519.PrivateKey, *ecdsa.PrivateKey, *rsa.PrivateKey,
// ed448.PrivateKey, *[DSAPrivate] or *[SKPrivate].
func (k *Private) Crypto() crypto.Signer { return k.signer }

// Sign implements [Signer].
func (k *Private) Sign(ctx context.Context, algorithm string, data []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !verifies(k.public, algorithm) {
		return nil, fmt.Errorf("a %s key makes no %q signatures", k.public.Type(), algorithm)
	}
	s, err := k.typ.sign(k.signer, algorithm, data)
	if err != nil {
		return nil, fmt.Errorf("sign with the %s key: %w", k.typ.short, err)
	}
	blob := make([]byte, 0, 8+len(algorithm)+len(s))
	blob = wire.AppendString(blob, algorithm)
	return wire.AppendString(blob, s), nil
}

// AppendPrivate appends a private key as openssh-key-v1 files and agent
// messages hold it: the type name, then the type's fields
// (draft-ietf-sshm-ssh-agent, section 5.2). The result is secret.
func AppendPrivate(b []byte, k *Private) ([]byte, error) {
	b = wire.AppendString(b, k.typ.name)
	return k.typ.appendPrivate(b, k.signer)
}

// ReadPrivate reads what [AppendPrivate] appends and leaves r behind it. The
// public and the private half must belong together.
func ReadPrivate(r *wire.Reader) (*Private, error) {
	name := r.String()
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	t := lookup(name)
	if t == nil || t.readPrivate == nil {
		return nil, &UnsupportedError{Type: name}
	}
	signer, err := t.readPrivate(r)
	if err != nil {
		return nil, fmt.Errorf("%s private key: %w", t.short, err)
	}
	return NewPrivate(signer)
}

// signWith signs a digest, or with hash 0 the data itself.
func signWith(signer crypto.Signer, input []byte, hash crypto.Hash) ([]byte, error) {
	return signer.Sign(rand.Reader, input, hash)
}
