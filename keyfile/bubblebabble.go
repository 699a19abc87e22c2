package keyfile

import (
	"crypto/sha1"

	"github.com/nacre-ssh/nacre/key"
)

// Bubblebabble returns a key's SHA-1 digest in syllables, as ssh-keygen -B
// prints it ("The Bubble Babble Binary Data Encoding", Antti Huima).
func Bubblebabble(k key.Public) string {
	digest := sha1.Sum(k.Blob())
	return bubblebabble(digest[:])
}

func bubblebabble(digest []byte) string {
	const vowels, consonants = "aeiouy", "bcdfghklmnprstvzx"
	check := 1
	b := []byte{'x'}
	for i := 0; ; i += 2 {
		if i >= len(digest) { // an even length ends in the check alone
			return string(append(b, vowels[check%6], consonants[16], vowels[check/6], 'x'))
		}
		d := int(digest[i])
		b = append(b, vowels[(d>>6&3+check)%6], consonants[d>>2&15], vowels[(d&3+check/6)%6])
		if i+1 >= len(digest) {
			return string(append(b, 'x'))
		}
		e := int(digest[i+1])
		b = append(b, consonants[e>>4&15], '-', consonants[e&15])
		check = (check*5 + d*7 + e) % 36
	}
}
