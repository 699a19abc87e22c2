package keyfile

import (
	"bytes"
	"encoding/pem"
	"errors"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// A Dropbear file is one private key, binary and never encrypted, without a
// comment: the type's name and its numbers (dropbearkey(1); measured).
//
//	ssh-rsa      mpint e, n, d, p, q
//	ssh-dss      mpint p, q, g, y, x
//	ecdsa-sha2-… string curve, string point, mpint scalar
//	ssh-ed25519  string seed and point

// isDropbear looks for a type's name with its length in front.
func isDropbear(text []byte) bool {
	for i := range partsForms {
		if bytes.HasPrefix(text, wire.AppendString(nil, partsForms[i].name)) {
			return true
		}
	}
	return false
}

// parseDropbear is the parse of [FormatDropbear].
func parseDropbear(text []byte) (*sealed, error) {
	list, err := fields(text)
	if err != nil {
		return nil, malformed("it is damaged", err)
	}
	p := &parts{name: string(list[0])}
	if err := p.fromDropbear(list[1:]); err != nil {
		return nil, malformed("it is damaged", err)
	}
	k, err := p.join()
	if err != nil {
		return nil, unusable(err)
	}
	return &sealed{public: k.Public(), open: func([]byte) (*key.Private, string, error) { return k, "", nil }}, nil
}

func (p *parts) fromDropbear(f [][]byte) error {
	form := lookupParts(p.name)
	switch {
	case form == nil || p.name == key.TypeEd448:
		return &key.UnsupportedError{Type: p.name}
	case p.name == key.TypeEd25519:
		return p.fromSeedAndPoint(f)
	case p.name == key.TypeRSA && len(f) == 5:
		// The inverse isn't in the file and is computed by package key,
		// whatever stands in its place.
		f = append(f, []byte{1})
	}
	if len(f) != form.public+form.private {
		return errors.New("it has another number of fields")
	}
	p.public, p.private = f[:form.public], f[form.public:]
	return nil
}

func (p *parts) fromSeedAndPoint(f [][]byte) error {
	const seed, both = 32, 64
	if len(f) != 1 || len(f[0]) != both {
		return errors.New("it has not 64 bytes")
	}
	p.public, p.private = [][]byte{f[0][seed:]}, [][]byte{f[0][:seed]}
	return nil
}

// marshalDropbear is the marshal of [FormatDropbear].
func marshalDropbear(k *key.Private, _ string, passphrase []byte, _ Encryption) ([]byte, error) {
	if t := k.Public().Type(); lookupParts(t) == nil || t == key.TypeEd448 {
		return nil, cantHold(FormatDropbear, k)
	}
	if len(passphrase) > 0 {
		return nil, errors.New("the keys of Dropbear can't be encrypted")
	}
	p, err := splitKey(k)
	if err != nil {
		return nil, err
	}
	list := append(p.public[:len(p.public):len(p.public)], p.private...)
	switch p.name {
	case key.TypeRSA:
		list = list[:len(list)-1] // without the inverse
	case key.TypeEd25519:
		list = [][]byte{append(append([]byte(nil), p.private[0]...), p.public[0]...)}
	}
	b := wire.AppendString(nil, p.name)
	for _, f := range list {
		b = wire.AppendString(b, f)
	}
	return b, nil
}

// MarshalAsDropbear writes an OpenSSH file as dropbearconvert does, to the byte:
// DSA in its PEM, every other type as openssh-key-v1 with check numbers of zero,
// no comment and PEM's line length.
func MarshalAsDropbear(k *key.Private) ([]byte, error) {
	t := k.Public().Type()
	if lookupParts(t) == nil || t == key.TypeEd448 {
		return nil, cantHold(FormatDropbear, k)
	}
	if t == key.TypeDSA {
		return Marshal(FormatPEM, k, "", nil, Encryption{})
	}
	private, err := key.AppendPrivate(make([]byte, 8), k)
	if err != nil {
		return nil, err
	}
	private = wire.AppendString(private, "")
	// Where no padding is needed it writes a whole block of it.
	for i := byte(1); i == 1 || len(private)%plainBlock != 0; i++ {
		private = append(private, i)
	}
	f := &opensshFile{public: k.Public().Blob(), private: private}
	return pem.EncodeToMemory(&pem.Block{Type: opensshBlock, Bytes: f.encode()}), nil
}
