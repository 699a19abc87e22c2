package keyfile

import (
	"bytes"
	"fmt"

	"github.com/nacre-ssh/nacre/key"
)

// A Format names a kind of private key file.
type Format string

// The formats of private key files.
const (
	FormatOpenSSH  Format = "openssh-key-v1"
	FormatPEM      Format = "PEM"    // PKCS#1, SEC1 and DSA's own, by the key's type
	FormatPKCS8    Format = "PKCS#8" // encrypted or not
	FormatPPK      Format = "PPK"
	FormatDropbear Format = "Dropbear"
	FormatSSHCom   Format = "ssh.com"
)

// A format is a row of the table of formats: how a file is recognised, read and
// written.
type format struct {
	name Format
	// detect says by a look at the text whether it is of this format; what is
	// wrong further on is for parse to say.
	detect func(text []byte) bool
	// parse reads what can be read without a passphrase. It keeps no part of
	// text, of which there are at most MaxFile bytes. Its errors are those of
	// [ParsePrivate].
	parse func(text []byte) (*sealed, error)
	// marshal writes a key; an empty passphrase leaves it unencrypted.
	marshal func(k *key.Private, comment string, passphrase []byte, e Encryption) ([]byte, error)
}

// A sealed is a private key file as far as it is readable without a passphrase.
type sealed struct {
	public    key.Public // nil where the file doesn't show it
	comment   string     // where the file shows it, else ""
	encrypted bool
	// open returns the private key and its comment; it is called once. The
	// passphrase is nil where encrypted is false, and not kept. A wrong one is
	// a *[PassphraseError] with Wrong set.
	open func(passphrase []byte) (*key.Private, string, error)
}

// formats is every format. The first one that detects a text reads it.
func formats() []format {
	return []format{
		{FormatOpenSSH, hasBlock(opensshBlock), sealedOpenSSH, MarshalPrivateAs},
		{FormatPPK, isPPK, parsePPK, marshalPPK},
		{FormatSSHCom, isSSHCom, parseSSHCom, marshalSSHCom},
		{FormatPEM, hasBlock("RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"), parsePEM, marshalPEM},
		{FormatPKCS8, hasBlock("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), parsePKCS8, marshalPKCS8},
		{FormatDropbear, isDropbear, parseDropbear, marshalDropbear},
	}
}

// hasBlock detects the beginning of a PEM block with one of the names.
func hasBlock(names ...string) func([]byte) bool {
	return func(text []byte) bool {
		for _, name := range names {
			if bytes.Contains(text, []byte("-----BEGIN "+name+"-----")) {
				return true
			}
		}
		return false
	}
}

// FormatOf recognises a private key file, which may be damaged all the same.
func FormatOf(text []byte) (Format, bool) {
	for _, f := range formats() {
		if f.detect(text) {
			return f.name, true
		}
	}
	return "", false
}

// Marshal writes a private key in a format. An empty passphrase leaves it
// unencrypted; a comment is lost where the format has no place for it. The
// caller owns the result, which is secret. A key that the format can't hold is
// an *[UnsupportedError].
func Marshal(f Format, k *key.Private, comment string, passphrase []byte, e Encryption) ([]byte, error) {
	for _, row := range formats() {
		if row.name == f {
			return row.marshal(k, comment, passphrase, e)
		}
	}
	return nil, fmt.Errorf("there is no private key format %q", f)
}

// cantHold is the error of a format that has no place for a key's type.
func cantHold(f Format, k *key.Private) error {
	return &UnsupportedError{What: fmt.Sprintf("%s key in a %s file", key.ShortName(k.Public().Type()), f)}
}
