package key

import (
	"crypto"
	"errors"
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/wire"
)

// ErrNeedsToken is wrapped when a key file of a security key is asked to sign:
// what signs is in the token.
var ErrNeedsToken = errors.New("its secret is in a FIDO security key, which can't be reached from here; use an agent that holds this key")

// An SKPrivate is what a security key's file holds: not the secret, but the
// handle with which the token finds it (PROTOCOL.u2f, "SSH U2F Key formats").
// [NewPrivate] takes it and [Private.Crypto] returns it; its Sign fails with
// [ErrNeedsToken].
type SKPrivate struct {
	Key      *SK
	Flags    byte   // SKUserPresent and others, as the key was made with
	Handle   []byte // the token's own
	Reserved []byte // kept as found
}

// Public implements crypto.Signer with an *SK.
func (k *SKPrivate) Public() crypto.PublicKey { return k.Key }

// Sign implements crypto.Signer and always fails.
func (k *SKPrivate) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, ErrNeedsToken
}

func signSK(signer crypto.Signer, _ string, data []byte) ([]byte, error) {
	return signWith(signer, data, 0)
}

// appendSK writes the public key's fields, flags, handle, reserved.
func appendSK(b []byte, signer crypto.Signer) ([]byte, error) {
	k, ok := signer.(*SKPrivate)
	if !ok {
		return nil, &UnsupportedError{Type: fmt.Sprintf("%T", signer), Op: "store"}
	}
	b = append(b, k.Key.blob[4+len(k.Key.Type()):]...)
	b = append(b, k.Flags)
	b = wire.AppendString(b, k.Handle)
	return wire.AppendString(b, k.Reserved), nil
}

func readSKEd25519(r *wire.Reader) (crypto.Signer, error) {
	public := wire.AppendString(nil, r.Bytes())
	return readSK(r, public, parseSKEd25519)
}

func readSKECDSA(r *wire.Reader) (crypto.Signer, error) {
	public := wire.AppendString(nil, r.Bytes())
	public = wire.AppendString(public, r.Bytes())
	return readSK(r, public, parseSKECDSA)
}

// readSK reads from the application on; public is what came before it.
func readSK(r *wire.Reader, public []byte, parse func(*wire.Reader) (Public, error)) (crypto.Signer, error) {
	public = wire.AppendString(public, r.Bytes())
	k := &SKPrivate{Flags: r.Byte()}
	k.Handle = append([]byte(nil), r.Bytes()...)
	k.Reserved = append([]byte(nil), r.Bytes()...)
	if err := r.Err(); err != nil {
		return nil, err
	}
	half := wire.NewReader(public)
	parsed, err := parse(&half)
	if err != nil {
		return nil, err
	}
	k.Key = parsed.(*SK) // parse makes nothing else
	return k, nil
}
