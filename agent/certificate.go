package agent

import (
	"bytes"
	"errors"
	"strings"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// certSuffix ends the type names of certificates (PROTOCOL.certkeys).
const certSuffix = "-cert-v01@openssh.com"

// shared tells which fields of a certificate's key a private key that has no
// certificate repeats, and how they stand there; with a certificate it leaves
// them out. Types without a row repeat none.
var shared = [...]struct {
	keyType string
	order   []int
}{
	{key.TypeRSA, []int{1, 0}},
	{key.TypeECDSA256, []int{0, 1}},
	{key.TypeECDSA384, []int{0, 1}},
	{key.TypeECDSA521, []int{0, 1}},
	{key.TypeSKECDSA, []int{0, 1}},
}

func sharedFields(keyType string) []int {
	for _, row := range shared {
		if row.keyType == keyType {
			return row.order
		}
	}
	return nil
}

// Plain returns the public key that a blob is of, or, for a certificate's, the
// key that it certifies. The certificate itself is not judged: whether it is any
// good is for the server that it is shown to.
func Plain(blob []byte) (k key.Public, certificate bool, err error) {
	if len(blob) > MaxMessage {
		return nil, false, errors.New("key is too long")
	}
	r := wire.NewReader(blob)
	name := r.Bytes()
	if r.Err() != nil || !bytes.HasSuffix(name, []byte(certSuffix)) {
		k, err = key.ParsePublic(blob)
		return k, false, err
	}
	keyType, fields, err := cert.Fields(blob)
	if err != nil {
		return nil, true, err
	}
	plain := wire.AppendString(nil, keyType)
	for _, f := range fields {
		plain = wire.AppendString(plain, f)
	}
	k, err = key.ParsePublic(plain)
	return k, true, err
}

// readPrivate reads a private key as agent messages hold it, and the
// certificate before it if there is one (a blob, which is a part of r). It
// leaves r behind the key.
func readPrivate(r *wire.Reader) (k *key.Private, certificate []byte, err error) {
	rest := *r
	name := rest.String()
	if rest.Err() != nil || !strings.HasSuffix(name, certSuffix) {
		k, err = key.ReadPrivate(r)
		return k, nil, err
	}
	certificate = rest.Bytes()
	if err := rest.Err(); err != nil {
		return nil, nil, err
	}
	keyType, fields, err := cert.Fields(certificate)
	if err != nil {
		return nil, nil, err
	}
	if name != certificateType(certificate) {
		return nil, nil, errors.New("certificate is of another type")
	}
	// The private key without a certificate, and what follows it.
	plain := wire.AppendString(nil, keyType)
	for _, i := range sharedFields(keyType) {
		plain = wire.AppendString(plain, fields[i])
	}
	plain = append(plain, rest.Rest()...)
	defer clear(plain)
	p := wire.NewReader(plain)
	if k, err = key.ReadPrivate(&p); err != nil {
		return nil, nil, err
	}
	public, _, err := Plain(certificate)
	if err != nil {
		return nil, nil, err
	}
	if !key.Equal(public, k.Public()) {
		return nil, nil, errors.New("certificate is for another key")
	}
	after := r.Rest()
	*r = wire.NewReader(after[len(after)-p.Len():])
	return k, certificate, nil
}

// appendPrivate is readPrivate's other half.
func appendPrivate(b []byte, k *key.Private, certificate []byte) ([]byte, error) {
	if certificate == nil {
		return key.AppendPrivate(b, k)
	}
	public, _, err := Plain(certificate)
	if err != nil {
		return nil, err
	}
	if !key.Equal(public, k.Public()) {
		return nil, errors.New("certificate is for another key")
	}
	plain, err := key.AppendPrivate(nil, k)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	p := wire.NewReader(plain)
	p.Bytes() // type
	for range sharedFields(k.Public().Type()) {
		p.Bytes()
	}
	b = wire.AppendString(b, certificateType(certificate))
	b = wire.AppendString(b, certificate)
	return append(b, p.Rest()...), p.Err()
}

// certificateType is the name that a certificate's blob begins with.
func certificateType(blob []byte) string {
	r := wire.NewReader(blob)
	return r.String()
}
