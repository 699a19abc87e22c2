package wire

import (
	"encoding/binary"
	"math/big"
)

// AppendBool appends a boolean: one byte, 0 or 1.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendUint32 appends a uint32, big-endian.
func AppendUint32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }

// AppendUint64 appends a uint64, big-endian.
func AppendUint64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

// AppendString appends a string: its length in bytes as uint32, then the bytes.
func AppendString[S ~string | ~[]byte](b []byte, s S) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

// AppendNameList appends a name-list: the names joined by commas, as a string.
func AppendNameList(b []byte, names []string) []byte {
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, name...)
	}
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}

// AppendMpint appends n, which must not be negative, as an mpint.
func AppendMpint(b []byte, n *big.Int) []byte {
	size := (n.BitLen() + 7) / 8
	if size == 0 {
		return append(b, 0, 0, 0, 0)
	}
	pad := 0
	if n.BitLen()%8 == 0 {
		pad = 1 // the sign bit must stay clear
	}
	b = binary.BigEndian.AppendUint32(b, uint32(size+pad))
	at := len(b) + pad
	b = append(b, make([]byte, size+pad)...)
	n.FillBytes(b[at:])
	return b
}

// AppendMpintBytes appends an mpint given as an unsigned big-endian magnitude;
// leading zero bytes are dropped.
func AppendMpintBytes(b, magnitude []byte) []byte {
	for len(magnitude) > 0 && magnitude[0] == 0 {
		magnitude = magnitude[1:]
	}
	if len(magnitude) > 0 && magnitude[0]&0x80 != 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(len(magnitude)+1))
		b = append(b, 0)
		return append(b, magnitude...)
	}
	return AppendString(b, magnitude)
}
