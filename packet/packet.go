package packet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"

	crand "crypto/rand"

	"github.com/nacre-ssh/nacre/wire"
)

const (
	// Head is the room that a payload needs before it: packet_length and
	// padding_length.
	Head = 5
	// Tail is the room it needs behind it: the longest padding that is ever
	// chosen (4 + 15 bytes) and the longest MAC.
	Tail = 19 + maxMAC

	maxMAC     = 64
	minPadding = 4 // RFC 4253, section 6
)

// What an [Opener] can find. They tell the peer nothing but "this packet is
// wrong".
var (
	ErrMAC    = errors.New("message authentication code is incorrect")
	ErrLength = errors.New("packet length is out of range")
)

// A Sealer turns payloads into packets of one direction under one set of keys.
// It belongs to one goroutine at a time.
type Sealer interface {
	// Seal seals the payload b[Head:Head+n] in place and returns the length of
	// the packet, which begins at b[0]. b must have Tail bytes behind the
	// payload. seq is the packet's sequence number.
	Seal(b []byte, n int, seq uint32) int
	// IV is the initialisation vector that would carry on where the Sealer
	// stands, for the export of a connection; nil where the cipher has none.
	IV() []byte
}

// An Opener turns packets of one direction into payloads. It belongs to one
// goroutine at a time.
type Opener interface {
	// Peek looks at the beginning of a packet and returns the length of the
	// whole packet in bytes, or 0 when more than len(b) bytes are needed to
	// tell. It may decrypt the first block in place, once: the same bytes must
	// be given to Open.
	Peek(b []byte, seq uint32) (int, error)
	// Open checks and opens b, exactly one packet as Peek measured it, in
	// place. The payload it returns is a part of b.
	Open(b []byte, seq uint32) ([]byte, error)
	// IV is as in [Sealer]. It is undefined between Peek and Open.
	IV() []byte
}

// Keys are the secrets of one direction, as long as [Sizes] says.
type Keys struct{ IV, Key, MAC []byte }

// Sizes tells how many bytes of IV, key and MAC key a cipher with a MAC needs.
// mac is ignored where the cipher authenticates.
func Sizes(cipher, mac string) (iv, key, macKey int, err error) {
	c, m, err := lookup(cipher, mac)
	if err != nil {
		return 0, 0, 0, err
	}
	return c.iv, c.key, m.key, nil
}

// NewSealer makes the sealing side of a cipher with a MAC. The keys' bytes
// aren't kept.
func NewSealer(cipher, mac string, keys Keys) (Sealer, error) {
	c, m, err := lookup(cipher, mac)
	if err != nil {
		return nil, err
	}
	if err := keys.check(c, m); err != nil {
		return nil, err
	}
	return c.sealer(m, keys)
}

// NewOpener makes the opening side of a cipher with a MAC. The keys' bytes
// aren't kept.
func NewOpener(cipher, mac string, keys Keys) (Opener, error) {
	c, m, err := lookup(cipher, mac)
	if err != nil {
		return nil, err
	}
	if err := keys.check(c, m); err != nil {
		return nil, err
	}
	return c.opener(m, keys)
}

func (k Keys) check(c *cipherRow, m *macRow) error {
	if len(k.IV) != c.iv || len(k.Key) != c.key || len(k.MAC) != m.key {
		return fmt.Errorf("keys of %d, %d and %d bytes do not fit cipher %s with MAC %s", len(k.IV), len(k.Key), len(k.MAC), c.name, m.name)
	}
	return nil
}

// padder fills in the padding of outgoing packets from a generator of its own,
// since one system call a packet is dear and its bytes need only be
// unpredictable.
type padder struct{ rng *rand.ChaCha8 }

func newPadder() padder {
	var seed [32]byte
	crand.Read(seed[:])
	return padder{rand.NewChaCha8(seed)}
}

// frame writes the lengths and the padding around the payload b[Head:Head+n] so
// that the bytes from offset clear on are a multiple of block. It returns the
// packet's length without MAC.
func (p padder) frame(b []byte, n, block, clear int) int {
	pad := block - (Head+n-clear)%block
	if pad < minPadding {
		pad += block
	}
	binary.BigEndian.PutUint32(b, uint32(1+n+pad))
	b[4] = byte(pad)
	var random [8]byte
	for at := Head + n; at < Head+n+pad; at += 8 {
		binary.LittleEndian.PutUint64(random[:], p.rng.Uint64())
		copy(b[at:Head+n+pad], random[:])
	}
	return Head + n + pad
}

// unframe returns the payload of an opened packet (b without MAC).
func unframe(b []byte) ([]byte, error) {
	pad := int(b[4])
	end := len(b) - pad
	if pad < minPadding || end <= Head {
		return nil, ErrLength // no room for a message number
	}
	return b[Head:end:end], nil
}

// checkLength refuses a packet_length that no honest peer sends, before any
// buffer is found for it.
func checkLength(length uint32, block, clear int) error {
	if length < 5 || length > wire.MaxPacket || (int(length)+4-clear)%block != 0 {
		return fmt.Errorf("%w: %d bytes", ErrLength, length)
	}
	return nil
}
