package putty

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/wire"
)

// A Hash is how a fingerprint is made: a word of puttygen's -E.
type Hash struct {
	Hash        keyfile.Hash
	Certificate bool // a certificate's fingerprint is of itself, not of its key
}

// Fingerprint is a public blob's type, bits and hash as PuTTY shows them. Of a
// type that isn't known there are no bits.
func Fingerprint(blob []byte, h Hash) string {
	text := BlobType(blob) + " "
	base, err := keyfile.CertifiedKey(blob)
	if err != nil {
		base = blob
	}
	if k, err := key.ParsePublic(base); err == nil {
		text += fmt.Sprintf("%d ", Bits(k))
	}
	if !h.Certificate {
		blob = base
	}
	if h.Hash == keyfile.SHA256 {
		sum := sha256.Sum256(blob)
		return text + "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
	}
	sum := md5.Sum(blob)
	return text + strings.ReplaceAll(fmt.Sprintf("% x", sum[:]), " ", ":")
}

// BlobType is the type that a public blob begins with, "" where that is no name
// (RFC 4251, section 6).
func BlobType(blob []byte) string {
	r := wire.NewReader(blob)
	name := r.String()
	if r.Err() != nil || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return ""
	}
	return name
}

// Bits is a key's size as PuTTY says it: the bits of Ed25519's field, not those
// of its bytes.
func Bits(k key.Public) int {
	if k.Type() == key.TypeEd25519 {
		return 255
	}
	return k.Bits()
}
