package keyfile

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/nacre-ssh/nacre/key"
)

// A PublicFormat names a way to write a public key.
type PublicFormat string

// The formats of public keys.
const (
	PublicOpenSSH PublicFormat = "OpenSSH" // a line of a .pub file
	PublicRFC4716 PublicFormat = "RFC4716" // ssh.com's, RFC 4716
	PublicPKCS8   PublicFormat = "PKCS8"   // SubjectPublicKeyInfo in PEM, RFC 7468, section 13
	PublicPEM     PublicFormat = "PEM"     // PKCS#1 for RSA, SubjectPublicKeyInfo for others
)

// A publicForm is a row of the table of public formats.
type publicForm struct {
	name    PublicFormat
	detect  func(text []byte) bool
	parse   func(text []byte) (key.Public, string, error)
	marshal func(k key.Public, comment string) ([]byte, error)
}

func publicForms() []publicForm {
	return []publicForm{
		{PublicRFC4716, isRFC4716, parseRFC4716, marshalRFC4716},
		{PublicPEM, hasBlock(pkcs1PublicBlock), parsePKCS1Public, marshalPEMPublic},
		{PublicPKCS8, hasBlock(spkiBlock), parseSPKI, marshalSPKI},
		{PublicOpenSSH, hasLine, parseLine, marshalLine},
	}
}

// ErrNoPublic says that a text holds no public key in any format.
var ErrNoPublic = errors.New("it holds no public key")

// ParsePublic reads a public key file of any [PublicFormat], which it recognises
// by its content, and tells which it was. The comment is "" where there is
// none. Text is not kept.
func ParsePublic(text []byte) (k key.Public, comment string, f PublicFormat, err error) {
	if len(text) > MaxFile {
		return nil, "", "", errors.New("it is larger than 1 MiB")
	}
	for _, form := range publicForms() {
		if form.detect(text) {
			k, comment, err = form.parse(text)
			return k, comment, form.name, err
		}
	}
	return nil, "", "", ErrNoPublic
}

// MarshalPublic writes a public key in a format, with a newline at its end. The
// comment is lost where the format has no place for it. A key that the format
// can't hold is an *[key.UnsupportedError].
func MarshalPublic(f PublicFormat, k key.Public, comment string) ([]byte, error) {
	for _, form := range publicForms() {
		if form.name == f {
			return form.marshal(k, comment)
		}
	}
	return nil, fmt.Errorf("there is no public key format %q", f)
}

// hasLine reports whether the first line that isn't empty or a comment could be
// an authorized_keys line: anything can but PEM.
func hasLine(text []byte) bool {
	line := firstKeyLine(text)
	return len(line) > 0 && !bytes.HasPrefix(line, []byte("----"))
}

func firstKeyLine(text []byte) []byte {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			return line
		}
	}
	return nil
}

func parseLine(text []byte) (key.Public, string, error) {
	k, err := ParseAuthorizedKey(firstKeyLine(text))
	return k.Key, k.Comment, err
}

func marshalLine(k key.Public, comment string) ([]byte, error) {
	return MarshalAuthorizedKey(AuthorizedKey{Key: k, Comment: comment}), nil
}
