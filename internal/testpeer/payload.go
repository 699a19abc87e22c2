package testpeer

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"math/rand/v2"
)

// Payload reads n pseudo-random bytes, the same for the same seed, and sums
// them on the way. Its zero value is empty. It is not safe for concurrent use.
type Payload struct {
	src  *rand.ChaCha8
	left int64
	sum  hash.Hash
}

// NewPayload makes a payload of n bytes. Random bytes are for the checksum's
// sake (a swapped or repeated block of zeros shows nothing) and so that
// compression can't hide anything.
func NewPayload(n int64, seed uint64) *Payload {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return &Payload{src: rand.NewChaCha8(key), left: n, sum: sha256.New()}
}

// Read implements io.Reader.
func (p *Payload) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	if int64(len(b)) > p.left {
		b = b[:p.left]
	}
	p.src.Read(b) // never fails
	p.sum.Write(b)
	p.left -= int64(len(b))
	return len(b), nil
}

// Sum is the SHA-256 of what was read so far.
func (p *Payload) Sum() [32]byte { return [32]byte(p.sum.Sum(nil)) }

// Sink counts and sums what is written to it. Its zero value is ready. It is
// not safe for concurrent use.
type Sink struct {
	N   int64
	sum hash.Hash
}

// Write implements io.Writer.
func (s *Sink) Write(b []byte) (int, error) {
	if s.sum == nil {
		s.sum = sha256.New()
	}
	s.sum.Write(b)
	s.N += int64(len(b))
	return len(b), nil
}

// Sum is the SHA-256 of what was written so far.
func (s *Sink) Sum() [32]byte {
	if s.sum == nil {
		return sha256.Sum256(nil)
	}
	return [32]byte(s.sum.Sum(nil))
}
