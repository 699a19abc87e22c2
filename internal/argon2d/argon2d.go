package argon2d

import (
	"encoding/binary"
	"fmt"
	"hash"
	"math"

	"golang.org/x/crypto/blake2b"
)

// RFC 9106, section 3.1.
const (
	version = 0x13
	typeD   = 0 // "y" of section 3.2; Argon2i is 1, Argon2id 2

	minTag     = 4
	maxLanes   = 1<<24 - 1
	minPerLane = 8 // KiB
)

// Key derives keyLen bytes, 4 at least, from a password and a salt of any
// length. It fills memory KiB (8 for each lane at least), passes times, lanes
// of it at once. It keeps none of its arguments; the caller owns the result,
// which is secret.
func Key(password, salt []byte, passes, memory, lanes uint32, keyLen int) ([]byte, error) {
	return derive(input{password: password, salt: salt}, passes, memory, lanes, keyLen)
}

// An input is what is hashed. Only the vectors of RFC 9106 have all four.
type input struct{ password, salt, secret, data []byte }

func derive(in input, passes, memory, lanes uint32, keyLen int) ([]byte, error) {
	switch {
	case passes == 0:
		return nil, fmt.Errorf("argon2d: no passes")
	case lanes == 0 || lanes > maxLanes:
		return nil, fmt.Errorf("argon2d: %d lanes; 1 to %d are possible", lanes, maxLanes)
	case uint64(memory) < minPerLane*uint64(lanes):
		return nil, fmt.Errorf("argon2d: %d KiB for %d lanes; each needs %d", memory, lanes, minPerLane)
	case keyLen < minTag || keyLen > math.MaxInt32:
		return nil, fmt.Errorf("argon2d: a key of %d bytes; %d at least are possible", keyLen, minTag)
	}
	seed := in.hash(passes, memory, lanes, keyLen)
	m := newMatrix(memory, lanes)
	m.begin(&seed)
	m.fill(int(passes))
	return m.tag(keyLen), nil
}

// hash is H_0 (section 3.2, step 1).
func (in input) hash(passes, memory, lanes uint32, keyLen int) (out [blake2b.Size]byte) {
	h := newBlake(blake2b.Size)
	for _, n := range [...]uint32{lanes, uint32(keyLen), memory, passes, version, typeD} {
		writeUint32(h, n)
	}
	for _, part := range [...][]byte{in.password, in.salt, in.secret, in.data} {
		writeUint32(h, uint32(len(part)))
		h.Write(part)
	}
	h.Sum(out[:0])
	return out
}

// stretch is H', the hash of any length (section 3.3): it fills out.
func stretch(out, data []byte) {
	h := newBlake(min(len(out), blake2b.Size))
	writeUint32(h, uint32(len(out)))
	h.Write(data)
	if len(out) <= blake2b.Size {
		h.Sum(out[:0])
		return
	}
	v := h.Sum(nil)
	// All but the last hash give their first half.
	for len(out) > blake2b.Size {
		copy(out, v[:blake2b.Size/2])
		out = out[blake2b.Size/2:]
		h = newBlake(min(len(out), blake2b.Size))
		h.Write(v)
		v = h.Sum(v[:0])
	}
	copy(out, v)
}

func newBlake(size int) hash.Hash {
	h, err := blake2b.New(size, nil)
	if err != nil {
		panic("argon2d: " + err.Error()) // only for sizes that none of the calls has
	}
	return h
}

func writeUint32(h hash.Hash, n uint32) {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], n)
	h.Write(b[:])
}
