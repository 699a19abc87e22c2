package packet

import (
	"encoding/binary"

	"github.com/nacre-ssh/nacre/wire"
)

// shared carries packets between the processes that share a connection, over a
// socket of their own: no padding, no encryption (OpenSSH's PROTOCOL.mux,
// section 9).
type shared struct{}

// NewSharedSealer returns the Sealer of a process's way to a shared connection.
func NewSharedSealer() Sealer { return shared{} }

// NewSharedOpener returns the Opener of a process's way to a shared connection.
func NewSharedOpener() Opener { return shared{} }

// minShared is the shortest payload that OpenSSH's clients take, in bytes. What is
// shorter are answers to global requests, whose data they may have more of.
const minShared = 4

func (shared) Seal(b []byte, n int, _ uint32) int {
	for n < minShared {
		b[Head+n] = 0
		n++
	}
	binary.BigEndian.PutUint32(b, uint32(1+n))
	b[4] = 0
	return Head + n
}

func (shared) Peek(b []byte, _ uint32) (int, error) {
	if len(b) < 4 {
		return 0, nil
	}
	length := binary.BigEndian.Uint32(b)
	if length < 2 || length > wire.MaxPacket {
		return 0, ErrLength
	}
	return int(length) + 4, nil
}

func (shared) Open(b []byte, _ uint32) ([]byte, error) {
	if b[4] != 0 {
		return nil, ErrLength
	}
	return b[Head:len(b):len(b)], nil
}

func (shared) IV() []byte { return nil }
