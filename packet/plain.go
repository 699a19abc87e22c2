package packet

import "encoding/binary"

// plain carries packets before the first key exchange: padded to 8 bytes,
// neither encrypted nor authenticated.
type plain struct{ pad padder }

// NewPlainSealer returns the Sealer of a connection without keys.
func NewPlainSealer() Sealer { return &plain{newPadder()} }

// NewPlainOpener returns the Opener of a connection without keys.
func NewPlainOpener() Opener { return &plain{} }

func (p *plain) Seal(b []byte, n int, _ uint32) int { return p.pad.frame(b, n, 8, 0) }

func (p *plain) Peek(b []byte, _ uint32) (int, error) {
	if len(b) < 4 {
		return 0, nil
	}
	length := binary.BigEndian.Uint32(b)
	if err := checkLength(length, 8, 0); err != nil {
		return 0, err
	}
	return int(length) + 4, nil
}

func (p *plain) Open(b []byte, _ uint32) ([]byte, error) { return unframe(b) }
func (p *plain) IV() []byte                              { return nil }
