package packet

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"
	"encoding/binary"
	"math/big"
	"slices"

	"github.com/nacre-ssh/nacre/wire"
)

// Ciphers that need a MAC beside them: RFC 4344 (CTR) and RFC 4253,
// section 6.3 (CBC, not offered by default).
var (
	aes128ctr    = streamRow("aes128-ctr", 16, 16, newCTR)
	aes192ctr    = streamRow("aes192-ctr", 24, 16, newCTR)
	aes256ctr    = streamRow("aes256-ctr", 32, 16, newCTR)
	aes128cbc    = streamRow("aes128-cbc", 16, 16, newCBC(aes.NewCipher))
	aes192cbc    = streamRow("aes192-cbc", 24, 16, newCBC(aes.NewCipher))
	aes256cbc    = streamRow("aes256-cbc", 32, 16, newCBC(aes.NewCipher))
	tripleDESCBC = streamRow("3des-cbc", 24, 8, newCBC(des.NewTripleDESCipher))
)

// A mode is a block cipher at work in one direction. crypt handles whole blocks
// in place.
type mode interface {
	crypt(b []byte)
	iv() []byte
}

type newMode func(k Keys, seal bool) (mode, error)

func streamRow(name string, key, block int, make newMode) cipherRow {
	return cipherRow{
		name: name, iv: block, key: key, block: block,
		sealer: func(m *macRow, k Keys) (Sealer, error) {
			md, err := make(k, true)
			if err != nil {
				return nil, err
			}
			code, err := m.make(k.MAC)
			if err != nil {
				return nil, err
			}
			if m.etm {
				return &etm{mode: md, mac: code, block: block, size: m.size, pad: newPadder()}, nil
			}
			return &eam{mode: md, mac: code, block: block, size: m.size, pad: newPadder()}, nil
		},
		opener: func(m *macRow, k Keys) (Opener, error) {
			md, err := make(k, false)
			if err != nil {
				return nil, err
			}
			code, err := m.make(k.MAC)
			if err != nil {
				return nil, err
			}
			if m.etm {
				return &etm{mode: md, mac: code, block: block, size: m.size}, nil
			}
			_, chained := md.(*cbc)
			return &eam{mode: md, mac: code, block: block, size: m.size, hideLength: chained}, nil
		},
	}
}

// ctr remembers how far its counter has run, so that it can be exported.
type ctr struct {
	stream cipher.Stream
	start  [16]byte
	blocks uint64
}

func newCTR(k Keys, _ bool) (mode, error) {
	block, err := aes.NewCipher(k.Key)
	if err != nil {
		return nil, err
	}
	return &ctr{stream: cipher.NewCTR(block, k.IV), start: [16]byte(k.IV)}, nil
}

func (c *ctr) crypt(b []byte) {
	c.stream.XORKeyStream(b, b)
	c.blocks += uint64(len(b) / 16)
}

func (c *ctr) iv() []byte {
	n := new(big.Int).SetBytes(c.start[:])
	n.Add(n, new(big.Int).SetUint64(c.blocks))
	n.SetBit(n, 128, 0)
	return n.FillBytes(make([]byte, 16))
}

// cbc remembers the last block of ciphertext, which is the next packet's IV.
type cbc struct {
	m    cipher.BlockMode
	last []byte
	seal bool
}

func newCBC(newBlock func([]byte) (cipher.Block, error)) newMode {
	return func(k Keys, seal bool) (mode, error) {
		block, err := newBlock(k.Key)
		if err != nil {
			return nil, err
		}
		c := &cbc{last: slices.Clone(k.IV), seal: seal}
		if seal {
			c.m = cipher.NewCBCEncrypter(block, k.IV)
		} else {
			c.m = cipher.NewCBCDecrypter(block, k.IV)
		}
		return c, nil
	}
}

func (c *cbc) crypt(b []byte) {
	if len(b) == 0 {
		return
	}
	if !c.seal {
		copy(c.last, b[len(b)-len(c.last):])
	}
	c.m.CryptBlocks(b, b)
	if c.seal {
		copy(c.last, b[len(b)-len(c.last):])
	}
}

func (c *cbc) iv() []byte { return slices.Clone(c.last) }

// etm encrypts, then authenticates: the length is in clear, the MAC covers the
// sequence number, the length and the ciphertext (PROTOCOL, section 1.5).
type etm struct {
	mode  mode
	mac   mac
	block int
	size  int
	pad   padder
}

func (e *etm) Seal(b []byte, n int, seq uint32) int {
	end := e.pad.frame(b, n, e.block, 4)
	e.mode.crypt(b[4:end])
	return end + copy(b[end:end+e.size], e.mac.sum(seq, b[:end]))
}

func (e *etm) Peek(b []byte, _ uint32) (int, error) {
	if len(b) < 4 {
		return 0, nil
	}
	length := binary.BigEndian.Uint32(b)
	if err := checkLength(length, e.block, 4); err != nil {
		return 0, err
	}
	return 4 + int(length) + e.size, nil
}

func (e *etm) Open(b []byte, seq uint32) ([]byte, error) {
	end := len(b) - e.size
	if end < 4+e.block {
		return nil, ErrLength
	}
	if subtle.ConstantTimeCompare(e.mac.sum(seq, b[:end]), b[end:]) != 1 {
		return nil, ErrMAC
	}
	e.mode.crypt(b[4:end])
	return unframe(b[:end])
}

func (e *etm) IV() []byte { return e.mode.iv() }

// eam encrypts and authenticates side by side: all but the MAC is encrypted,
// the MAC covers the sequence number and the plain packet (RFC 4253,
// section 6.4).
type eam struct {
	mode  mode
	mac   mac
	block int
	size  int
	pad   padder

	// hideLength keeps a wrong length from being told apart from a wrong MAC:
	// with CBC the difference reveals plaintext (CPNI-957037), so as much is
	// read as the longest packet would have.
	hideLength bool
	peeked     bool
	bad        bool
}

func (e *eam) Seal(b []byte, n int, seq uint32) int {
	end := e.pad.frame(b, n, e.block, 0)
	copy(b[end:end+e.size], e.mac.sum(seq, b[:end]))
	e.mode.crypt(b[:end])
	return end + e.size
}

func (e *eam) Peek(b []byte, _ uint32) (int, error) {
	if len(b) < e.block {
		return 0, nil
	}
	if !e.peeked {
		e.mode.crypt(b[:e.block])
		e.peeked = true
	}
	length := binary.BigEndian.Uint32(b)
	if err := checkLength(length, e.block, 0); err != nil {
		if !e.hideLength {
			return 0, err
		}
		e.bad = true
		length = wire.MaxPacket/uint32(e.block)*uint32(e.block) - 4
	}
	return 4 + int(length) + e.size, nil
}

func (e *eam) Open(b []byte, seq uint32) ([]byte, error) {
	end := len(b) - e.size
	if end < e.block || !e.peeked {
		return nil, ErrLength
	}
	e.peeked = false
	e.mode.crypt(b[e.block:end])
	same := subtle.ConstantTimeCompare(e.mac.sum(seq, b[:end]), b[end:])
	if same != 1 || e.bad {
		return nil, ErrMAC
	}
	return unframe(b[:end])
}

func (e *eam) IV() []byte { return e.mode.iv() }
