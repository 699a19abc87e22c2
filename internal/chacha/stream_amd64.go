package chacha

import (
	"crypto/cipher"

	"golang.org/x/crypto/chacha20poly1305"
)

// stream is the key stream from block 1 on. x/crypto has no assembly for
// ChaCha20 alone on amd64, but has it for the AEAD, whose ciphertext is the same
// key stream. Even with a tag that nobody wants it is twice as fast.
type stream struct{ aead cipher.AEAD }

func (s *stream) init(key []byte) (err error) {
	s.aead, err = chacha20poly1305.New(key)
	return err
}

// xor encrypts or decrypts data in place but for its last Overhead bytes, which
// it overwrites.
func (s *stream) xor(nonce *[12]byte, data []byte) {
	s.aead.Seal(data[:0], nonce[:], data[:len(data)-Overhead], nil)
}
