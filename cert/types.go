package cert

import (
	"fmt"
	"strings"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

const (
	suffix = "-cert-v01@openssh.com"
	domain = "@openssh.com"
)

// A certType is one type of certificate, named after the type of the key in it.
type certType struct {
	key        string   // the key's type
	fields     int      // how many strings the key's fields are
	algorithms []string // what the key signs with, best first
}

// types is every type that there are certificates for, best first
// (PROTOCOL.certkeys). A key's fields are all strings or mpints, which are
// framed alike.
var types = [...]certType{
	{key.TypeEd25519, 1, nil},
	{key.TypeECDSA256, 2, nil},
	{key.TypeECDSA384, 2, nil},
	{key.TypeECDSA521, 2, nil},
	{key.TypeSKEd25519, 2, nil},
	{key.TypeSKECDSA, 3, nil},
	{key.TypeRSA, 2, []string{key.AlgRSASHA512, key.AlgRSASHA256, key.AlgRSASHA1}},
	{"ssh-dss", 4, nil},
}

// certified is the name of a type or algorithm when a certificate is meant:
// "ssh-ed25519" becomes "ssh-ed25519-cert-v01@openssh.com".
func certified(name string) string { return strings.TrimSuffix(name, domain) + suffix }

// Plain is the algorithm that a signature is made with when a certificate's is
// agreed upon: "rsa-sha2-512" for "rsa-sha2-512-cert-v01@openssh.com". Other
// names are returned as they are.
func Plain(algorithm string) string {
	for i := range types {
		for _, name := range types[i].plain() {
			if certified(name) == algorithm {
				return name
			}
		}
	}
	return algorithm
}

// IsCertificate tells the name of a certificate's type or algorithm.
func IsCertificate(name string) bool { return Plain(name) != name }

// Algorithms are the algorithms of all certificates, best first, without those
// that use SHA-1. The caller owns the list.
func Algorithms() []string {
	var names []string
	for i := range types {
		for _, name := range types[i].plain() {
			if name != key.AlgRSASHA1 && name != "ssh-dss" {
				names = append(names, certified(name))
			}
		}
	}
	return names
}

// CertifiedAlgorithm is the algorithm of a certificate of a key that signs with
// a plain algorithm, or "" when there are no such certificates.
func CertifiedAlgorithm(plain string) string {
	if name := certified(plain); Plain(name) == plain {
		return name
	}
	return ""
}

func (t *certType) plain() []string {
	if t.algorithms != nil {
		return t.algorithms
	}
	return []string{t.key}
}

func (t *certType) certified() []string {
	plain := t.plain()
	names := make([]string, len(plain))
	for i, name := range plain {
		names[i] = certified(name)
	}
	return names
}

// lookup finds a type by the certificate's name, lookupKey by the key's.
func lookup(name string) *certType {
	for i := range types {
		if certified(types[i].key) == name {
			return &types[i]
		}
	}
	return nil
}

func lookupKey(name string) *certType {
	for i := range types {
		if types[i].key == name {
			return &types[i]
		}
	}
	return nil
}

// ShortName is how ssh-keygen names a key's type ("ED25519-CERT"); plain types
// are key.ShortName's.
func ShortName(typ string) string {
	if t := lookup(typ); t != nil {
		return key.ShortName(t.key) + "-CERT"
	}
	return key.ShortName(typ)
}

// Fields takes a certificate apart without judging it: the type of the key in
// it and that key's fields, which are parts of blob. A type that there are no
// certificates for is a *key.UnsupportedError.
func Fields(blob []byte) (keyType string, fields [][]byte, err error) {
	r := wire.NewReader(blob)
	name := r.String()
	t := lookup(name)
	if t == nil {
		return "", nil, &key.UnsupportedError{Type: name}
	}
	r.Bytes() // nonce
	for range t.fields {
		fields = append(fields, r.Bytes())
	}
	if err := r.Err(); err != nil {
		return "", nil, fmt.Errorf("certificate: %w", err)
	}
	return t.key, fields, nil
}
