package agent

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// certSuffix ends the type names of certificates (PROTOCOL.certkeys).
const certSuffix = "-cert-v01@openssh.com"

// A certType says where a certificate has its key. An agent needs no more of it:
// whether a certificate is any good is for the server that it is shown to.
type certType struct {
	name  string // of the certificate
	plain string // of the key in it
	// fields is how many strings the key has behind its name; where these
	// aren't in the private half too, order says how they stand in a private
	// key that has no certificate.
	fields int
	order  []int
}

var certTypes = [...]certType{
	{"ssh-ed25519-cert-v01@openssh.com", key.TypeEd25519, 1, nil},
	{"ssh-rsa-cert-v01@openssh.com", key.TypeRSA, 2, []int{1, 0}},
	{"ecdsa-sha2-nistp256-cert-v01@openssh.com", key.TypeECDSA256, 2, []int{0, 1}},
	{"ecdsa-sha2-nistp384-cert-v01@openssh.com", key.TypeECDSA384, 2, []int{0, 1}},
	{"ecdsa-sha2-nistp521-cert-v01@openssh.com", key.TypeECDSA521, 2, []int{0, 1}},
	{"sk-ssh-ed25519-cert-v01@openssh.com", key.TypeSKEd25519, 2, nil},
	{"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", key.TypeSKECDSA, 3, []int{0, 1}},
}

func lookupCert(name string) *certType {
	for i := range certTypes {
		if certTypes[i].name == name {
			return &certTypes[i]
		}
	}
	return nil
}

// open returns the fields of the key in a certificate of this type.
func (t *certType) open(blob []byte) ([][]byte, error) {
	r := wire.NewReader(blob)
	r.Bytes() // type
	r.Bytes() // nonce
	fields := make([][]byte, t.fields)
	for i := range fields {
		fields[i] = r.Bytes()
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return fields, nil
}

// Plain returns the public key that a blob is of, or, for a certificate's, the
// key that it certifies. The certificate itself is not judged.
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
	t := lookupCert(string(name))
	if t == nil {
		return nil, true, &key.UnsupportedError{Type: string(name)}
	}
	fields, err := t.open(blob)
	if err != nil {
		return nil, true, err
	}
	plain := wire.AppendString(nil, t.plain)
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
	t := lookupCert(name)
	if t == nil {
		return nil, nil, &key.UnsupportedError{Type: name}
	}
	certificate = rest.Bytes()
	if err := rest.Err(); err != nil {
		return nil, nil, err
	}
	fields, err := t.open(certificate)
	if err != nil {
		return nil, nil, err
	}
	// The private key without a certificate, and what follows it.
	plain := wire.AppendString(nil, t.plain)
	for _, i := range t.order {
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
	r := wire.NewReader(certificate)
	t := lookupCert(r.String())
	public, _, err := Plain(certificate)
	if err != nil {
		return nil, err
	}
	if t == nil || !key.Equal(public, k.Public()) {
		return nil, errors.New("certificate is for another key")
	}
	plain, err := key.AppendPrivate(nil, k)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	p := wire.NewReader(plain)
	p.Bytes() // type
	for range t.order {
		p.Bytes()
	}
	b = wire.AppendString(b, t.name)
	b = wire.AppendString(b, certificate)
	return append(b, p.Rest()...), p.Err()
}
