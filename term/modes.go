package term

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Opcodes of terminal modes that are named here (RFC 4254, section 8; IUTF8 is
// RFC 8160).
const (
	opEnd    = 0
	opVINTR  = 1
	opIUTF8  = 42
	opECHO   = 53
	opCS7    = 90
	opCS8    = 91
	opISpeed = 128
	opOSpeed = 129
	// opUndefined is the first opcode whose argument nobody knows: parsing
	// stops there.
	opUndefined = 160
)

// maxModes caps the encoded modes of a peer, in bytes: every opcode once is 796.
const maxModes = 4096

// A Mode is one terminal mode: an opcode from 1 to 159 and its argument.
type Mode struct {
	Op    byte
	Value uint32
}

// Modes are terminal modes in the order they are applied. Nil changes nothing.
type Modes []Mode

// ErrModes reports encoded modes that break off or are too long.
var ErrModes = errors.New("term: malformed terminal modes")

// ParseModes decodes the modes of a pty-req (the string's content). It stops at
// TTY_OP_END, at the end, and at an opcode above 159, as RFC 4254, section 8,
// has it. Opcodes that nobody here knows are kept; applying skips them.
func ParseModes(b []byte) (Modes, error) {
	if len(b) > maxModes {
		return nil, fmt.Errorf("%w: %d bytes", ErrModes, len(b))
	}
	var modes Modes
	for len(b) > 0 && b[0] != opEnd && b[0] < opUndefined {
		if len(b) < 5 {
			return nil, fmt.Errorf("%w: opcode %d lacks its argument", ErrModes, b[0])
		}
		modes = append(modes, Mode{b[0], binary.BigEndian.Uint32(b[1:])})
		b = b[5:]
	}
	return modes, nil
}

// Append appends the encoding, TTY_OP_END included, to b.
func (m Modes) Append(b []byte) []byte {
	for _, mode := range m {
		b = append(b, mode.Op)
		b = binary.BigEndian.AppendUint32(b, mode.Value)
	}
	return append(b, opEnd)
}

// Get returns the value of the last mode with an opcode.
func (m Modes) Get(op byte) (value uint32, ok bool) {
	for _, mode := range m {
		if mode.Op == op {
			value, ok = mode.Value, true
		}
	}
	return value, ok
}
