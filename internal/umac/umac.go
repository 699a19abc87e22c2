package umac

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
)

// KeySize is in bytes, for both sizes of tags.
const KeySize = 16

const (
	blockSize = 1024 // bytes that NH hashes at once
	maxIters  = 4    // 32-bit words in a tag
)

var errKeySize = errors.New("umac: key must have 16 bytes")

// MAC makes tags with one key. A key must never authenticate two messages with
// the same nonce. The zero value is not usable, and only one Sum may run at a
// time.
type MAC struct {
	iters int
	nh    [(blockSize + 16*(maxIters-1)) / 4]uint32 // iteration i starts 4i words in
	hash  [maxIters]hash
	pad   cipher.Block
	// Here and not on the stack, for what an interface method is handed escapes.
	block [aes.BlockSize]byte
	tail  [32]byte
}

// New64 returns a MAC with tags of 8 bytes. It doesn't keep key.
func New64(key []byte) (*MAC, error) { return newMAC(key, 2) }

// New128 returns a MAC with tags of 16 bytes. It doesn't keep key.
func New128(key []byte) (*MAC, error) { return newMAC(key, 4) }

func newMAC(key []byte, iters int) (*MAC, error) {
	if len(key) != KeySize {
		return nil, errKeySize
	}
	c, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	m := &MAC{iters: iters}
	l1 := derive(c, 1, blockSize+16*(iters-1))
	for i := range len(l1) / 4 {
		m.nh[i] = binary.BigEndian.Uint32(l1[4*i:])
	}
	l2 := derive(c, 2, 24*iters)
	l3 := derive(c, 3, 64*iters)
	l4 := derive(c, 4, 4*iters)
	for i := range iters {
		m.hash[i].init(l2[24*i:], l3[64*i:], l4[4*i:])
	}
	m.pad, err = aes.NewCipher(derive(c, 0, KeySize))
	return m, err
}

// derive is KDF: RFC 4418, section 3.2.1.
func derive(c cipher.Block, index byte, n int) []byte {
	out := make([]byte, (n+15)/16*16)
	for i := range len(out) / 16 {
		block := out[16*i : 16*i+16]
		block[7] = index
		binary.BigEndian.PutUint64(block[8:], uint64(i+1))
		c.Encrypt(block, block)
	}
	return out[:n]
}

// Size returns the number of bytes in a tag.
func (m *MAC) Size() int { return 4 * m.iters }

// Sum appends the tag of msg, which stays as it is, to dst. It allocates only if
// dst has no room.
func (m *MAC) Sum(dst []byte, nonce [8]byte, msg []byte) []byte {
	for i := range m.iters {
		m.hash[i].reset()
	}
	one := len(msg) <= blockSize
	for len(msg) > blockSize {
		m.add(msg[:blockSize], false)
		msg = msg[blockSize:]
	}
	m.add(msg, one)

	at := m.encryptNonce(nonce)
	for i := range m.iters {
		word := m.hash[i].sum(one) ^ binary.BigEndian.Uint32(m.block[at+4*i:])
		dst = binary.BigEndian.AppendUint32(dst, word)
	}
	return dst
}

// add hashes one block of a message, of which only the last may be short.
func (m *MAC) add(block []byte, only bool) {
	var y [maxIters]uint64
	whole := len(block) &^ 31
	m.nhWhole(&y, block[:whole])
	if rest := block[whole:]; len(rest) > 0 || whole == 0 {
		clear(m.tail[copy(m.tail[:], rest):])
		m.nhRow(&y, &m.tail, whole/4)
	}
	for i := range m.iters {
		y := y[i] + 8*uint64(len(block))
		if only {
			m.hash[i].lo = y
		} else {
			m.hash[i].add(y)
		}
	}
}

// encryptNonce fills m.block with the pad of a nonce and returns where its use
// starts: RFC 4418, section 3.3.1. Two neighbouring nonces share a pad of 16
// bytes if a tag takes only 8.
func (m *MAC) encryptNonce(nonce [8]byte) int {
	at := 0
	if m.iters == 2 {
		at = int(nonce[7]&1) * 8
		nonce[7] &^= 1
	}
	m.block = [aes.BlockSize]byte{}
	copy(m.block[:], nonce[:])
	m.pad.Encrypt(m.block[:], m.block[:])
	return at
}
