package packet

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"

	"github.com/nacre-ssh/nacre/internal/umac"
)

// A mac computes the code of one packet. The result is valid until the next
// call.
type mac interface {
	sum(seq uint32, packet []byte) []byte
}

// The MACs of RFC 4253, section 6.4, RFC 6668 and PROTOCOL, section 1.1 (those
// that encrypt first).
var (
	hmacSHA1    = macRow{name: "hmac-sha1", key: 20, size: 20, make: newHMAC(sha1.New)}
	hmac256     = macRow{name: "hmac-sha2-256", key: 32, size: 32, make: newHMAC(sha256.New)}
	hmac512     = macRow{name: "hmac-sha2-512", key: 64, size: 64, make: newHMAC(sha512.New)}
	hmacSHA1etm = macRow{name: "hmac-sha1-etm@openssh.com", key: 20, size: 20, etm: true, make: newHMAC(sha1.New)}
	hmac256etm  = macRow{name: "hmac-sha2-256-etm@openssh.com", key: 32, size: 32, etm: true, make: newHMAC(sha256.New)}
	hmac512etm  = macRow{name: "hmac-sha2-512-etm@openssh.com", key: 64, size: 64, etm: true, make: newHMAC(sha512.New)}

	umac64     = macRow{name: "umac-64@openssh.com", key: 16, size: 8, make: newUMAC(umac.New64)}
	umac128    = macRow{name: "umac-128@openssh.com", key: 16, size: 16, make: newUMAC(umac.New128)}
	umac64etm  = macRow{name: "umac-64-etm@openssh.com", key: 16, size: 8, etm: true, make: newUMAC(umac.New64)}
	umac128etm = macRow{name: "umac-128-etm@openssh.com", key: 16, size: 16, etm: true, make: newUMAC(umac.New128)}
)

type hashMAC struct {
	h   hash.Hash
	seq [4]byte
	out []byte
}

func newHMAC(h func() hash.Hash) func([]byte) (mac, error) {
	return func(key []byte) (mac, error) { return &hashMAC{h: hmac.New(h, key)}, nil }
}

func (m *hashMAC) sum(seq uint32, packet []byte) []byte {
	m.h.Reset()
	binary.BigEndian.PutUint32(m.seq[:], seq)
	m.h.Write(m.seq[:])
	m.h.Write(packet)
	m.out = m.h.Sum(m.out[:0])
	return m.out
}

type universalMAC struct {
	m     *umac.MAC
	nonce [8]byte
	out   []byte
}

func newUMAC(make func([]byte) (*umac.MAC, error)) func([]byte) (mac, error) {
	return func(key []byte) (mac, error) {
		m, err := make(key)
		return &universalMAC{m: m}, err
	}
}

func (m *universalMAC) sum(seq uint32, packet []byte) []byte {
	binary.BigEndian.PutUint64(m.nonce[:], uint64(seq))
	m.out = m.m.Sum(m.out[:0], m.nonce, packet)
	return m.out
}
