package keyfile

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"github.com/nacre-ssh/nacre/key"
)

// A derForm is one of the PEM forms around ASN.1. A nil parse says why not in
// what and hint.
type derForm struct {
	block string // the name between the PEM marks
	parse func(der []byte) (any, error)
	what  string
	hint  string
}

const convert = "convert it with: ssh-keygen -p -f FILE"

var derForms = [...]derForm{
	{"RSA PRIVATE KEY", parsePKCS1, "PKCS#1", ""}, // RFC 8017, appendix A.1.2
	{"EC PRIVATE KEY", parseSEC1, "SEC1", ""},     // RFC 5915
	{"PRIVATE KEY", x509.ParsePKCS8PrivateKey, "PKCS#8", ""},
	{"ENCRYPTED PRIVATE KEY", nil, "encrypted PKCS#8", convert},
	{"DSA PRIVATE KEY", nil, "DSA", "make a new key with: ssh-keygen -t ed25519"},
}

func parsePKCS1(der []byte) (any, error) { return x509.ParsePKCS1PrivateKey(der) }
func parseSEC1(der []byte) (any, error)  { return x509.ParseECPrivateKey(der) }

// ParsePrivate reads the text of a private key file: openssh-key-v1, or an
// unencrypted PKCS#1, PKCS#8 or SEC1 key in PEM. The function passphrase is
// called when the key is encrypted, once; what it returns is not kept, and nil
// means that there is none. The comment is empty where the form has none.
//
// Errors are *[PassphraseError], *[FormatError], *[UnsupportedError], or what
// passphrase returned.
func ParsePrivate(text []byte, passphrase func() ([]byte, error)) (k *key.Private, comment string, err error) {
	f, k, err := parseFile(text)
	if err != nil || k != nil {
		return k, "", err
	}
	if f.cipher == nil {
		return f.open(nil)
	}
	if passphrase == nil {
		return nil, "", &PassphraseError{Public: f.publicKey()}
	}
	secret, err := passphrase()
	if err != nil {
		return nil, "", err
	}
	return f.open(secret)
}

// ParsePublicOf reads what a private key file shows without its passphrase:
// the public key, and whether the private one is encrypted.
func ParsePublicOf(text []byte) (k key.Public, encrypted bool, err error) {
	f, private, err := parseFile(text)
	if err != nil {
		return nil, false, err
	}
	if private != nil {
		return private.Public(), false, nil
	}
	k, err = key.ParsePublic(f.public)
	if err != nil {
		return nil, false, malformed("its public key is damaged", err)
	}
	return k, f.cipher != nil, nil
}

// parseFile returns an openssh-key-v1 file that is still closed, or a key.
func parseFile(text []byte) (*opensshFile, *key.Private, error) {
	if len(text) > MaxFile {
		return nil, nil, malformed("it is larger than 1 MiB", nil)
	}
	rest := text
	for range maxBlocks {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == opensshBlock {
			f, err := parseOpenSSH(block.Bytes)
			return f, nil, err
		}
		if form := lookupForm(block.Type); form != nil {
			k, err := form.open(block)
			return nil, k, err
		}
	}
	return nil, nil, explain(text)
}

func lookupForm(block string) *derForm {
	for i := range derForms {
		if derForms[i].block == block {
			return &derForms[i]
		}
	}
	return nil
}

func (f *derForm) open(block *pem.Block) (*key.Private, error) {
	if f.parse == nil {
		return nil, &UnsupportedError{What: f.what, Hint: f.hint}
	}
	if block.Headers["DEK-Info"] != "" || block.Headers["Proc-Type"] != "" {
		return nil, &UnsupportedError{What: "encrypted " + f.what, Hint: convert}
	}
	if len(block.Bytes) > maxDER {
		return nil, malformed("its key is too large", nil)
	}
	parsed, err := f.parse(block.Bytes)
	if err != nil {
		return nil, malformed("its "+f.what+" is damaged", err)
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, &UnsupportedError{What: f.what + " key that can't sign"}
	}
	k, err := key.NewPrivate(signer)
	var unsupported *key.UnsupportedError
	if errors.As(err, &unsupported) {
		return nil, &UnsupportedError{What: unsupported.Type}
	}
	if err != nil {
		return nil, malformed("its key can't be used", err)
	}
	return k, nil
}

// explain says what a file without a private key is, where that is easy to see.
func explain(text []byte) error {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return malformed("it is empty", nil)
	}
	if bytes.HasPrefix(text, []byte("PuTTY-User-Key-File-")) {
		return &UnsupportedError{What: "PuTTY key", Hint: "convert it with: puttygen FILE -O private-openssh-new -o NEW"}
	}
	if bytes.HasPrefix(text, []byte("---- BEGIN SSH2 ENCRYPTED")) {
		return &UnsupportedError{What: "ssh.com key", Hint: "convert it with: ssh-keygen -i -f FILE"}
	}
	if _, err := ParseAuthorizedKey(text); err == nil {
		return malformed("it is a public key; give the file without .pub", nil)
	}
	if bytes.Contains(text, []byte("-----BEGIN ")) {
		return malformed("its text is damaged, or holds no private key", nil)
	}
	return malformed("no key begins in it", nil)
}
