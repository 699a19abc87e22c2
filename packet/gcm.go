package packet

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"slices"
)

// AES-GCM as OpenSSH has it: RFC 5647, with the packet length in clear as
// additional data and an invocation counter of 64 bits that starts at the
// derived value (PROTOCOL, section 1.6).
var (
	aes128gcm = gcmRow("aes128-gcm@openssh.com", 16)
	aes256gcm = gcmRow("aes256-gcm@openssh.com", 32)
)

const gcmTag = 16

func gcmRow(name string, key int) cipherRow {
	return cipherRow{
		name: name, iv: 12, key: key, block: 16, aead: true,
		sealer: func(_ *macRow, k Keys) (Sealer, error) {
			g, err := newGCM(k)
			if err == nil {
				g.pad = newPadder()
			}
			return g, err
		},
		opener: func(_ *macRow, k Keys) (Opener, error) {
			g, err := newGCM(k)
			return g, err
		},
	}
}

type gcm struct {
	aead  cipher.AEAD
	nonce [12]byte
	pad   padder
}

func newGCM(k Keys) (*gcm, error) {
	block, err := aes.NewCipher(k.Key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &gcm{aead: aead, nonce: [12]byte(k.IV)}, nil
}

// next counts the invocation: the low 64 bits of the nonce, wrapping.
func (g *gcm) next() {
	counter := g.nonce[4:]
	binary.BigEndian.PutUint64(counter, binary.BigEndian.Uint64(counter)+1)
}

func (g *gcm) Seal(b []byte, n int, _ uint32) int {
	end := g.pad.frame(b, n, 16, 4)
	g.aead.Seal(b[4:4], g.nonce[:], b[4:end], b[:4])
	g.next()
	return end + gcmTag
}

func (g *gcm) Peek(b []byte, _ uint32) (int, error) {
	if len(b) < 4 {
		return 0, nil
	}
	length := binary.BigEndian.Uint32(b)
	if err := checkLength(length, 16, 4); err != nil {
		return 0, err
	}
	return 4 + int(length) + gcmTag, nil
}

func (g *gcm) Open(b []byte, _ uint32) ([]byte, error) {
	if len(b) < 4+16+gcmTag {
		return nil, ErrLength
	}
	if _, err := g.aead.Open(b[4:4], g.nonce[:], b[4:], b[:4]); err != nil {
		return nil, ErrMAC
	}
	g.next()
	return unframe(b[:len(b)-gcmTag])
}

func (g *gcm) IV() []byte { return slices.Clone(g.nonce[:]) }
