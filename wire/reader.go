package wire

import (
	"encoding/binary"
	"errors"
	"math/big"
	"strings"
)

// What a [Reader] can find wrong.
var (
	ErrShort    = errors.New("message is truncated")
	ErrTrailing = errors.New("message has bytes after its end")
	ErrMpint    = errors.New("integer is negative, padded or too large")
	ErrNames    = errors.New("name-list is malformed")
)

// A Reader decodes the values of one message in order. The first error sticks:
// after it every call returns a zero value, so that a caller may check once, at
// the end. A Reader belongs to one goroutine; its zero value reads an empty
// message.
type Reader struct {
	b   []byte
	err error
}

// NewReader reads b, which it keeps and never changes.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Err returns the first error met so far.
func (r *Reader) Err() error { return r.err }

// Len returns how many bytes are left.
func (r *Reader) Len() int { return len(r.b) }

// Rest returns the bytes that are left, a part of what the Reader was given,
// and leaves none.
func (r *Reader) Rest() []byte {
	b := r.b
	r.b = nil
	return b
}

// End returns the first error, or [ErrTrailing] when bytes are left over.
func (r *Reader) End() error {
	if r.err == nil && len(r.b) > 0 {
		r.err = ErrTrailing
	}
	return r.err
}

func (r *Reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

// Take returns the next n bytes, a part of what the Reader was given.
func (r *Reader) Take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail(ErrShort)
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if b := r.Take(1); b != nil {
		return b[0]
	}
	return 0
}

// Bool reads a boolean; any non-zero byte is true (RFC 4251, section 5).
func (r *Reader) Bool() bool { return r.Byte() != 0 }

// Uint32 reads a uint32.
func (r *Reader) Uint32() uint32 {
	if b := r.Take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// Uint64 reads a uint64.
func (r *Reader) Uint64() uint64 {
	if b := r.Take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// Bytes reads a string and returns it as a part of what the Reader was given.
func (r *Reader) Bytes() []byte {
	n := r.Uint32()
	if uint64(n) > uint64(len(r.b)) {
		r.fail(ErrShort)
		return nil
	}
	return r.Take(int(n))
}

// String reads a string and copies it.
func (r *Reader) String() string { return string(r.Bytes()) }

// Mpint reads an mpint that must not be negative and at most [MaxMpintBits]
// long. Unneeded leading zeros are refused, as OpenSSH does.
func (r *Reader) Mpint() *big.Int {
	b := r.Bytes()
	if r.err != nil {
		return new(big.Int)
	}
	if len(b) > MaxMpintBits/8+1 || len(b) > 0 && b[0]&0x80 != 0 || len(b) > 1 && b[0] == 0 && b[1]&0x80 == 0 || len(b) == 1 && b[0] == 0 {
		r.fail(ErrMpint)
		return new(big.Int)
	}
	return new(big.Int).SetBytes(b)
}

// NameList reads a name-list of at most [MaxNames] names. Empty names and bytes
// outside printable US-ASCII are refused (RFC 4251, section 5).
func (r *Reader) NameList() []string {
	b := r.Bytes()
	if r.err != nil || len(b) == 0 {
		return nil
	}
	commas := 0
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			r.fail(ErrNames)
			return nil
		}
		if c == ',' {
			commas++
		}
	}
	if commas >= MaxNames {
		r.fail(ErrNames)
		return nil
	}
	names := strings.Split(string(b), ",")
	for _, name := range names {
		if name == "" {
			r.fail(ErrNames)
			return nil
		}
	}
	return names
}
