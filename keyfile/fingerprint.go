package keyfile

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/nacre-ssh/nacre/key"
)

// A Hash is what a fingerprint is made with, by the name that ssh-keygen -E
// takes.
type Hash string

// The hashes of fingerprints.
const (
	SHA256 Hash = "sha256"
	MD5    Hash = "md5"
)

// digest returns a key's digest and the name it is shown under.
func (h Hash) digest(k key.Public) (name string, digest []byte) {
	if h == MD5 {
		d := md5.Sum(k.Blob())
		return "MD5", d[:]
	}
	d := sha256.Sum256(k.Blob())
	return "SHA256", d[:]
}

// Fingerprint returns a key's fingerprint: "SHA256:" and base64 without
// padding, or "MD5:" and hexadecimal bytes with colons.
func Fingerprint(k key.Public, h Hash) string {
	name, digest := h.digest(k)
	if h != MD5 {
		return name + ":" + base64.RawStdEncoding.EncodeToString(digest)
	}
	text := hex.EncodeToString(digest)
	var b strings.Builder
	b.WriteString(name)
	for i := 0; i < len(text); i += 2 {
		b.WriteByte(':')
		b.WriteString(text[i : i+2])
	}
	return b.String()
}

// FingerprintSHA256 is the fingerprint that is shown unless asked otherwise.
func FingerprintSHA256(k key.Public) string { return Fingerprint(k, SHA256) }

// FingerprintMD5 is the fingerprint that older programs show.
func FingerprintMD5(k key.Public) string { return Fingerprint(k, MD5) }

// The field of the drunken bishop (sshkey.c, fingerprint_randomart).
const (
	artWidth  = 17
	artHeight = 9
	// artMarks are what a square shows by how often it was visited; the last
	// two are where the walk began and ended.
	artMarks = " .o+=*BOX@%&#/^SE"
)

// Randomart returns a key's picture, eleven lines without a final newline, as
// ssh-keygen -lv prints it.
func Randomart(k key.Public, h Hash) string {
	return RandomartTitled(k, h, key.ShortName(k.Type()))
}

// RandomartTitled is [Randomart] under another name than the key type's: a
// certificate shows its key's picture under its own.
func RandomartTitled(k key.Public, h Hash, typ string) string {
	name, digest := h.digest(k)
	field := walk(digest)
	title := fmt.Sprintf("[%s %d]", typ, k.Bits())
	if len(title) > artWidth {
		title = fmt.Sprintf("[%s]", typ)
	}
	var b strings.Builder
	border(&b, title)
	b.WriteByte('\n')
	for y := range artHeight {
		b.WriteByte('|')
		for x := range artWidth {
			b.WriteByte(artMarks[field[y][x]])
		}
		b.WriteString("|\n")
	}
	border(&b, "["+name+"]")
	return b.String()
}

// walk moves a bishop from the middle by two bits of the digest at a time and
// counts its visits.
func walk(digest []byte) (field [artHeight][artWidth]byte) {
	const begin, end = byte(len(artMarks) - 2), byte(len(artMarks) - 1)
	x, y := artWidth/2, artHeight/2
	for _, b := range digest {
		for range 4 {
			x = min(max(x+int(b&1)*2-1, 0), artWidth-1)
			y = min(max(y+int(b>>1&1)*2-1, 0), artHeight-1)
			if field[y][x] < begin-1 {
				field[y][x]++
			}
			b >>= 2
		}
	}
	field[artHeight/2][artWidth/2] = begin
	field[y][x] = end
	return field
}

func border(b *strings.Builder, title string) {
	title = title[:min(len(title), artWidth)]
	left := (artWidth - len(title)) / 2
	b.WriteByte('+')
	b.WriteString(strings.Repeat("-", left))
	b.WriteString(title)
	b.WriteString(strings.Repeat("-", artWidth-left-len(title)))
	b.WriteByte('+')
}
