package keyfile

import (
	"bytes"

	"github.com/nacre-ssh/nacre/key"
)

// ParsePrivate reads the text of a private key file of any [Format], which it
// recognises by its content. The function passphrase is called when the key is
// encrypted, once; what it returns is not kept, and nil means that there is
// none. The comment is empty where the form has none.
//
// Errors are *[PassphraseError], *[FormatError], *[UnsupportedError], or what
// passphrase returned.
func ParsePrivate(text []byte, passphrase func() ([]byte, error)) (k *key.Private, comment string, err error) {
	s, err := parseSealed(text)
	if err != nil {
		return nil, "", err
	}
	if !s.encrypted {
		return s.open(nil)
	}
	if passphrase == nil {
		return nil, "", &PassphraseError{Public: s.public}
	}
	secret, err := passphrase()
	if err != nil {
		return nil, "", err
	}
	return s.open(secret)
}

// ParsePublicOf reads what a private key file shows without its passphrase:
// the public key, and whether the private one is encrypted. Where that hides
// the public key, too, the error is a *[PassphraseError].
func ParsePublicOf(text []byte) (k key.Public, encrypted bool, err error) {
	k, _, encrypted, err = Shown(text)
	return k, encrypted, err
}

// Shown is [ParsePublicOf] with the comment, where that is readable.
func Shown(text []byte) (k key.Public, comment string, encrypted bool, err error) {
	s, err := parseSealed(text)
	if err != nil {
		return nil, "", false, err
	}
	if s.encrypted && s.public == nil {
		return nil, "", true, &PassphraseError{}
	}
	if s.encrypted {
		return s.public, s.comment, true, nil
	}
	private, comment, err := s.open(nil)
	if err != nil {
		return nil, "", false, err
	}
	return private.Public(), comment, false, nil
}

func parseSealed(text []byte) (*sealed, error) {
	if len(text) > MaxFile {
		return nil, malformed("it is larger than 1 MiB", nil)
	}
	for _, f := range formats() {
		if f.detect(text) {
			return f.parse(text)
		}
	}
	return nil, explain(text)
}

// explain says what a file without a private key is, where that is easy to see.
func explain(text []byte) error {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return malformed("it is empty", nil)
	}
	if _, err := ParseAuthorizedKey(text); err == nil {
		return malformed("it is a public key; give the file without .pub", nil)
	}
	if bytes.Contains(text, []byte("-----BEGIN ")) {
		return malformed("its text is damaged, or holds no private key", nil)
	}
	return malformed("no key begins in it", nil)
}
