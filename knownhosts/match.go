package knownhosts

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"strconv"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// hashMagic begins a hashed name: |1|salt|hash, both in base64, where hash is
// the HMAC-SHA1 of the name under the salt.
const hashMagic = "|1|"

// encodedSHA1 is the length of 20 bytes in base64.
const encodedSHA1 = 28

// Name is how a file names a host: "host" at port 22 (or 0), "[host]:port" at
// any other, in lower case.
func Name(host string, port int) string {
	host = lower(host)
	if port == 0 || port == defaultPort {
		return host
	}
	return "[" + host + "]:" + strconv.Itoa(port)
}

// lower folds ASCII alone: what else a name holds is compared as it is.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = pattern.Lower(c)
	}
	return string(b)
}

// matches reports whether a line's names, plain or hashed, mean a host. The
// name is one that [Name] returned.
func matches(names []byte, name string) bool {
	if len(names) > 0 && names[0] == '|' {
		return matchesHash(names, name)
	}
	found := false
	for len(names) > 0 {
		var word []byte
		word, names, _ = bytes.Cut(names, []byte{','})
		word, negated := bytes.CutPrefix(word, []byte{'!'})
		if len(word) > maxPattern || !pattern.MatchFold(name, word) {
			continue
		}
		if negated {
			return false // whatever else the line names
		}
		found = true
	}
	return found
}

func matchesHash(names []byte, name string) bool {
	const whole = len(hashMagic) + encodedSHA1 + 1 + encodedSHA1
	if len(names) != whole || string(names[:len(hashMagic)]) != hashMagic || names[len(hashMagic)+encodedSHA1] != '|' {
		return false
	}
	var salt, want [sha1.Size + 1]byte // base64 decodes in steps of three
	names = names[len(hashMagic):]
	if n, err := base64.StdEncoding.Decode(salt[:], names[:encodedSHA1]); err != nil || n != sha1.Size {
		return false
	}
	if n, err := base64.StdEncoding.Decode(want[:], names[encodedSHA1+1:]); err != nil || n != sha1.Size {
		return false
	}
	got := hashName([sha1.Size]byte(salt[:sha1.Size]), name)
	return subtle.ConstantTimeCompare(got[:], want[:sha1.Size]) == 1
}

// hashName is HMAC-SHA1 in two calls on the stack: crypto/hmac would allocate
// two hashes for each line of a file.
func hashName(salt [sha1.Size]byte, name string) [sha1.Size]byte {
	var buf [sha1.BlockSize + maxName]byte
	for i := range sha1.BlockSize {
		buf[i] = 0x36
	}
	subtle.XORBytes(buf[:], salt[:], buf[:sha1.Size])
	n := copy(buf[sha1.BlockSize:], name)
	inner := sha1.Sum(buf[:sha1.BlockSize+n])
	for i := range sha1.BlockSize {
		buf[i] = 0x5c
	}
	subtle.XORBytes(buf[:], salt[:], buf[:sha1.Size])
	n = copy(buf[sha1.BlockSize:], inner[:])
	return sha1.Sum(buf[:sha1.BlockSize+n])
}
