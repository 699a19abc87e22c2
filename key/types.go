package key

import (
	"crypto"
	"crypto/elliptic"
	"io"

	"github.com/nacre-ssh/nacre/wire"
)

// Key format identifiers. For every type but RSA the one signature algorithm
// has the same name.
const (
	TypeEd25519   = "ssh-ed25519"                        // RFC 8709, section 4
	TypeRSA       = "ssh-rsa"                            // RFC 4253, section 6.6
	TypeECDSA256  = "ecdsa-sha2-nistp256"                // RFC 5656, section 3.1
	TypeECDSA384  = "ecdsa-sha2-nistp384"                //
	TypeECDSA521  = "ecdsa-sha2-nistp521"                //
	TypeSKEd25519 = "sk-ssh-ed25519@openssh.com"         // PROTOCOL.u2f
	TypeSKECDSA   = "sk-ecdsa-sha2-nistp256@openssh.com" // PROTOCOL.u2f
	TypeEd448     = "ssh-ed448"                          // RFC 8709, section 4
	TypeDSA       = "ssh-dss"                            // RFC 4253, section 6.6
)

// Signature algorithms of an RSA key.
const (
	AlgRSASHA512 = "rsa-sha2-512" // RFC 8332, section 3
	AlgRSASHA256 = "rsa-sha2-256"
	AlgRSASHA1   = "ssh-rsa" // RFC 4253, section 6.6
)

// AlgWebauthnSKECDSA is a signature that a security key of [TypeSKECDSA] made
// through a browser (PROTOCOL.u2f).
const AlgWebauthnSKECDSA = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"

// A keyType is what the package knows about one type. A nil function says that
// the type can't do it.
type keyType struct {
	name  string
	short string // as ssh-keygen -l names it
	// parse reads what follows the type name in a blob.
	parse func(r *wire.Reader) (Public, error)
	// generate makes a key; 0 bits asks for the default.
	generate func(rand io.Reader, bits int) (crypto.Signer, error)
	// sign returns the signature field of a signature blob.
	sign func(signer crypto.Signer, algorithm string, data []byte) ([]byte, error)
	// appendPrivate and readPrivate are the fields after the type name in a
	// private key (draft-ietf-sshm-ssh-agent, section 5.2).
	appendPrivate func(b []byte, signer crypto.Signer) ([]byte, error)
	readPrivate   func(r *wire.Reader) (crypto.Signer, error)
}

// types is every key type, best first.
var types = [...]keyType{
	{TypeEd25519, "ED25519", parseEd25519, generateEd25519, signEd25519, appendEd25519, readEd25519},
	{TypeECDSA256, "ECDSA", parseP256, generateP256, signECDSA, appendECDSA, readP256},
	{TypeECDSA384, "ECDSA", parseP384, generateP384, signECDSA, appendECDSA, readP384},
	{TypeECDSA521, "ECDSA", parseP521, generateP521, signECDSA, appendECDSA, readP521},
	{TypeSKEd25519, "ED25519-SK", parseSKEd25519, nil, signSK, appendSK, readSKEd25519},
	{TypeSKECDSA, "ECDSA-SK", parseSKECDSA, nil, signSK, appendSK, readSKECDSA},
	{TypeRSA, "RSA", parseRSA, generateRSA, signRSA, appendRSA, readRSA},
	{TypeEd448, "ED448", parseEd448, generateEd448, signEd448, appendEd448, readEd448},
	{TypeDSA, "DSA", parseDSA, nil, signDSA, appendDSA, readDSA},
}

func parseP256(r *wire.Reader) (Public, error) { return parseECDSA(r, elliptic.P256()) }
func parseP384(r *wire.Reader) (Public, error) { return parseECDSA(r, elliptic.P384()) }
func parseP521(r *wire.Reader) (Public, error) { return parseECDSA(r, elliptic.P521()) }

func readP256(r *wire.Reader) (crypto.Signer, error) { return readECDSA(r, elliptic.P256()) }
func readP384(r *wire.Reader) (crypto.Signer, error) { return readECDSA(r, elliptic.P384()) }
func readP521(r *wire.Reader) (crypto.Signer, error) { return readECDSA(r, elliptic.P521()) }

func generateP256(rand io.Reader, bits int) (crypto.Signer, error) {
	return generateECDSA(rand, elliptic.P256(), bits)
}

func generateP384(rand io.Reader, bits int) (crypto.Signer, error) {
	return generateECDSA(rand, elliptic.P384(), bits)
}

func generateP521(rand io.Reader, bits int) (crypto.Signer, error) {
	return generateECDSA(rand, elliptic.P521(), bits)
}

func lookup(name string) *keyType {
	for i := range types {
		if types[i].name == name {
			return &types[i]
		}
	}
	return nil
}

// Types returns the key types that can be parsed, best first. The caller owns
// the slice.
func Types() []string {
	names := make([]string, len(types))
	for i := range types {
		names[i] = types[i].name
	}
	return names
}

// TypeOf returns the key type that makes signatures of an algorithm
// ("rsa-sha2-512" is made by an "ssh-rsa" key), or "" for an unknown one.
func TypeOf(algorithm string) string {
	switch algorithm {
	case AlgRSASHA512, AlgRSASHA256:
		return TypeRSA
	case AlgWebauthnSKECDSA:
		return TypeSKECDSA
	}
	if lookup(algorithm) == nil {
		return ""
	}
	return algorithm
}

// ShortName is how ssh-keygen -l names a key type ("ED25519", "RSA"); an
// unknown type is returned as it is.
func ShortName(typ string) string {
	if t := lookup(typ); t != nil {
		return t.short
	}
	return typ
}
