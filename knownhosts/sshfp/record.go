package sshfp

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/nacre-ssh/nacre/key"
)

// Type is the number of the SSHFP record's type (RFC 4255, section 5).
const Type = 44

// Numbers of digests (RFC 4255, section 3.1.2; RFC 6594, section 4).
const (
	SHA1   = 1
	SHA256 = 2
)

// A Record is one SSHFP record. It may name algorithms that nobody here knows.
type Record struct {
	Algorithm byte
	Hash      byte
	Digest    []byte
}

// Algorithm is the number of a key type in SSHFP records (RFC 4255, 6594, 7479,
// 8709), 0 for none.
func Algorithm(typ string) byte {
	switch typ {
	case key.TypeRSA:
		return 1
	case key.TypeDSA:
		return 2
	case key.TypeECDSA256, key.TypeECDSA384, key.TypeECDSA521:
		return 3
	case key.TypeEd25519:
		return 4
	case key.TypeEd448:
		return 6
	}
	return 0
}

// Digest is the fingerprint of a key's blob by the digest's number, nil for an
// unknown one.
func Digest(hash byte, blob []byte) []byte {
	switch hash {
	case SHA1:
		sum := sha1.Sum(blob)
		return sum[:]
	case SHA256:
		sum := sha256.Sum256(blob)
		return sum[:]
	}
	return nil
}

// An Answer is what the DNS says of a name.
type Answer struct {
	Records []Record
	// Secure says that a name server which may be believed has checked the
	// signatures of DNSSEC.
	Secure bool
	// Unheard says that the name server claims so, and that resolv.conf has no
	// "options trust-ad" to believe it.
	Unheard bool
}

// A Verdict is what an answer says of a key.
type Verdict int

const (
	// Absent: there are no records.
	Absent Verdict = iota
	// Match: a record fits the key, and none contradicts it.
	Match
	// Mismatch: records exist, but none fits the key, or one of its own
	// algorithm and digest says otherwise.
	Mismatch
)

// Judge holds a plain key against the records. As in OpenSSH, one record of the
// key's algorithm that doesn't fit spoils those that do: so nobody who can forge
// SHA-1 gets past a SHA-256 record.
func (a Answer) Judge(k key.Public) Verdict {
	if len(a.Records) == 0 {
		return Absent
	}
	algorithm, matched := Algorithm(k.Type()), false
	for _, r := range a.Records {
		digest := Digest(r.Hash, k.Blob())
		if algorithm == 0 || r.Algorithm != algorithm || digest == nil || len(r.Digest) != len(digest) {
			continue
		}
		if subtle.ConstantTimeCompare(digest, r.Digest) == 0 {
			return Mismatch
		}
		matched = true
	}
	if matched {
		return Match
	}
	return Mismatch
}
