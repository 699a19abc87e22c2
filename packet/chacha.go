package packet

import (
	"github.com/nacre-ssh/nacre/internal/chacha"
)

// chacha20-poly1305@openssh.com (PROTOCOL.chacha20poly1305): the length is
// encrypted under a key of its own, the sequence number is the nonce.
var chacha20poly1305 = cipherRow{
	name: "chacha20-poly1305@openssh.com", key: 64, block: 8, aead: true,
	sealer: func(_ *macRow, k Keys) (Sealer, error) {
		c, err := chacha.New(k.Key)
		return &chachaPoly{cipher: c, pad: newPadder()}, err
	},
	opener: func(_ *macRow, k Keys) (Opener, error) {
		c, err := chacha.New(k.Key)
		return &chachaPoly{cipher: c}, err
	},
}

const polyTag = 16

type chachaPoly struct {
	cipher *chacha.Cipher
	pad    padder
}

func (c *chachaPoly) Seal(b []byte, n int, seq uint32) int {
	end := c.pad.frame(b, n, 8, 4)
	c.cipher.Seal(seq, b[:end:end+polyTag])
	return end + polyTag
}

func (c *chachaPoly) Peek(b []byte, seq uint32) (int, error) {
	if len(b) < 4 {
		return 0, nil
	}
	length := c.cipher.Length(seq, b[:4])
	if err := checkLength(length, 8, 4); err != nil {
		return 0, err
	}
	return 4 + int(length) + polyTag, nil
}

func (c *chachaPoly) Open(b []byte, seq uint32) ([]byte, error) {
	if len(b) < 4+8+polyTag {
		return nil, ErrLength
	}
	if _, err := c.cipher.Open(seq, b); err != nil {
		return nil, ErrMAC
	}
	return unframe(b[:len(b)-polyTag])
}

func (c *chachaPoly) IV() []byte { return nil }
