package chacha

import (
	"encoding/binary"
	"errors"
	"math/bits"

	//lint:ignore SA1019 it is deprecated for those who can use an AEAD as it is; this construction keys it by itself
	"golang.org/x/crypto/poly1305"
)

// Sizes in bytes.
const (
	KeySize    = 64 // K_2, which seals packets, then K_1, which seals their lengths
	LengthSize = 4
	Overhead   = poly1305.TagSize
)

// ErrOpen says that a packet was forged or corrupted.
var ErrOpen = errors.New("chacha: packet is not authentic")

var errKeySize = errors.New("chacha: key must have 64 bytes")

// Cipher seals or opens the packets of one direction. The sequence number is the
// nonce: a key must never seal two packets with the same one. The zero value is
// not usable, and only one call may run at a time.
type Cipher struct {
	main, header [8]uint32
	stream       stream
	// Here and not on the stack, for what an interface method is handed escapes.
	nonce   [12]byte
	polyKey [32]byte
	tag     [Overhead]byte
}

// New returns a cipher for the 64 bytes of key, which it does not keep.
func New(key []byte) (*Cipher, error) {
	if len(key) != KeySize {
		return nil, errKeySize
	}
	c := new(Cipher)
	for i := range c.main {
		c.main[i] = binary.LittleEndian.Uint32(key[4*i:])
		c.header[i] = binary.LittleEndian.Uint32(key[32+4*i:])
	}
	if err := c.stream.init(key[:32]); err != nil {
		return nil, err
	}
	return c, nil
}

// Length returns what the first four bytes of a sealed packet say about the
// length of its payload. They are not authenticated: the caller must check the
// number before waiting for so many bytes. enc stays as it is.
func (c *Cipher) Length(seq uint32, enc []byte) uint32 {
	return binary.BigEndian.Uint32(enc) ^ c.lengthMask(seq)
}

// Seal seals packet in place, four bytes of length and the payload, and returns
// it with the tag appended. It allocates only if packet has no room for that.
func (c *Cipher) Seal(seq uint32, packet []byte) []byte {
	n := len(packet)
	out := append(packet, c.tag[:]...)
	binary.BigEndian.PutUint32(out, binary.BigEndian.Uint32(out)^c.lengthMask(seq))
	c.start(seq)
	c.stream.xor(&c.nonce, out[LengthSize:])
	poly1305.Sum(&c.tag, out[:n], &c.polyKey)
	copy(out[n:], c.tag[:])
	return out
}

// Open verifies a packet as Seal made it and then decrypts it in place. The
// payload is a part of packet; the length stays encrypted, the tag is destroyed.
// Nothing is changed in a packet that is not authentic.
func (c *Cipher) Open(seq uint32, packet []byte) (payload []byte, err error) {
	n := len(packet) - Overhead
	if n < LengthSize {
		return nil, ErrOpen
	}
	c.start(seq)
	copy(c.tag[:], packet[n:])
	if !poly1305.Verify(&c.tag, packet[:n], &c.polyKey) {
		return nil, ErrOpen
	}
	c.stream.xor(&c.nonce, packet[LengthSize:])
	return packet[LengthSize:n:n], nil
}

// start sets nonce and polyKey for a packet.
func (c *Cipher) start(seq uint32) {
	binary.BigEndian.PutUint32(c.nonce[8:], seq)
	words := block(&c.main, seq)
	for i, w := range words {
		binary.LittleEndian.PutUint32(c.polyKey[4*i:], w)
	}
}

// lengthMask returns the key stream for a packet's length, as a number.
func (c *Cipher) lengthMask(seq uint32) uint32 {
	words := block(&c.header, seq)
	return bits.ReverseBytes32(words[0])
}
