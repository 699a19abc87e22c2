//go:build !amd64

package chacha

import "golang.org/x/crypto/chacha20"

// stream is the key stream from block 1 on.
type stream struct{ key [chacha20.KeySize]byte }

func (s *stream) init(key []byte) error {
	copy(s.key[:], key)
	return nil
}

// xor encrypts or decrypts data in place but for its last Overhead bytes.
func (s *stream) xor(nonce *[12]byte, data []byte) {
	c, err := chacha20.NewUnauthenticatedCipher(s.key[:], nonce[:])
	if err != nil {
		panic("chacha: " + err.Error()) // only for wrong sizes, which these are not
	}
	c.SetCounter(1)
	data = data[:len(data)-Overhead]
	c.XORKeyStream(data, data)
}
