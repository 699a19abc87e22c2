package knownhosts

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
)

// hashMagic begins a hashed name: |1|salt|hash, both in base64, where hash is
// the HMAC-SHA1 of the name under the salt.
const hashMagic = "|1|"

// encodedSHA1 is the length of 20 bytes in base64.
const encodedSHA1 = 28

// hashed is a host's name as it can't be read back.
func hashed(name string) string {
	var salt [sha1.Size]byte
	rand.Read(salt[:])
	sum := newHasher(name).sum(salt[:])
	return hashMagic + base64.StdEncoding.EncodeToString(salt[:]) + "|" + base64.StdEncoding.EncodeToString(sum[:])
}

// A hasher compares one host's name with the hashed names of a file. Every line
// has its own salt, so that each costs four rounds of SHA-1; what they have in
// common, the name's own blocks, is prepared once. crypto/hmac would allocate
// two hashes for each line and take twice the time.
type hasher struct {
	name []schedule // the blocks that hold the name and the padding
}

// inner and outer are HMAC's two paddings of the key (RFC 2104), four bytes of
// them.
const (
	innerPad = 0x36363636
	outerPad = 0x5c5c5c5c
)

func newHasher(name string) *hasher {
	bits := uint64(sha1.BlockSize+len(name)) * 8 // behind the block of the key
	text := append([]byte(name), 0x80)
	for len(text)%sha1.BlockSize != sha1.BlockSize-8 {
		text = append(text, 0)
	}
	text = binary.BigEndian.AppendUint64(text, bits)
	h := new(hasher)
	for len(text) > 0 {
		var s schedule
		for i := range 16 {
			s[i] = binary.BigEndian.Uint32(text[4*i:])
		}
		s.expand()
		h.name = append(h.name, s)
		text = text[sha1.BlockSize:]
	}
	return h
}

// words is HMAC-SHA1 of the name, as big-endian words; the salt has 20 bytes.
func (h *hasher) words(salt []byte) state {
	_ = salt[sha1.Size-1]
	var s schedule
	inner := s.key(salt, innerPad)
	for i := range h.name {
		inner.step(&h.name[i])
	}
	outer := s.key(salt, outerPad)
	s = schedule{inner[0], inner[1], inner[2], inner[3], inner[4], 0x80000000}
	s[15] = (sha1.BlockSize + sha1.Size) * 8
	s.expand()
	outer.step(&s)
	return outer
}

func (h *hasher) sum(salt []byte) [sha1.Size]byte {
	words := h.words(salt)
	return words.bytes()
}

// wholeHash is the length of a hashed name.
const wholeHash = len(hashMagic) + encodedSHA1 + 1 + encodedSHA1

// splitHash finds both halves of a hashed name, in base64.
func splitHash(names []byte) (salt, want []byte, ok bool) {
	if len(names) != wholeHash || string(names[:len(hashMagic)]) != hashMagic || names[len(hashMagic)+encodedSHA1] != '|' {
		return nil, nil, false
	}
	return names[len(hashMagic) : len(hashMagic)+encodedSHA1], names[len(hashMagic)+encodedSHA1+1:], true
}

// decodeSHA1 decodes one half; base64 decodes in steps of three, so that there
// is room for a byte more.
func decodeSHA1(to *[sha1.Size + 1]byte, encoded []byte) bool {
	n, err := base64.StdEncoding.Decode(to[:], encoded)
	return err == nil && n == sha1.Size
}

// isHashed reports whether names are one hashed name, rightly encoded.
func isHashed(names []byte) bool {
	var b [sha1.Size + 1]byte
	salt, want, ok := splitHash(names)
	return ok && decodeSHA1(&b, salt) && decodeSHA1(&b, want)
}

// matches reports whether a line's hashed name is the host's.
func (h *hasher) matches(names []byte) bool {
	salt, want, ok := splitHash(names)
	var b [sha1.Size + 1]byte
	if !ok || !decodeSHA1(&b, salt) {
		return false
	}
	// The names are no secret to whoever asks: all but one line in 262144 are
	// told apart by three letters, without decoding the hash.
	words := h.words(b[:sha1.Size])
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	first := words[0]
	if want[0] != letters[first>>26] || want[1] != letters[first>>20&63] || want[2] != letters[first>>14&63] {
		return false
	}
	sum := words.bytes()
	return decodeSHA1(&b, want) && subtle.ConstantTimeCompare(sum[:], b[:sha1.Size]) == 1
}
