package argon2d

import (
	"encoding/binary"
	"sync"

	"golang.org/x/crypto/blake2b"
)

// slices is how many parts of a lane are filled before the lanes wait for each
// other (RFC 9106, section 3.4).
const slices = 4

// A matrix is the memory: lanes rows of length blocks, one after the other.
type matrix struct {
	blocks  []block
	lanes   int
	length  int // blocks of a lane
	segment int // blocks of a lane's slice
}

// newMatrix takes memory KiB, less what doesn't divide into equal segments.
func newMatrix(memory, lanes uint32) *matrix {
	segment := int(memory / (slices * lanes))
	return &matrix{
		blocks:  make([]block, segment*slices*int(lanes)),
		lanes:   int(lanes),
		length:  segment * slices,
		segment: segment,
	}
}

// begin makes the first two blocks of each lane (section 3.2, steps 3 and 4).
func (m *matrix) begin(seed *[blake2b.Size]byte) {
	var bytes [blockSize]byte
	input := make([]byte, len(seed)+8)
	copy(input, seed[:])
	for lane := range m.lanes {
		for column := range 2 {
			binary.LittleEndian.PutUint32(input[len(seed):], uint32(column))
			binary.LittleEndian.PutUint32(input[len(seed)+4:], uint32(lane))
			stretch(bytes[:], input)
			m.at(lane, column).load(&bytes)
		}
	}
	clear(bytes[:])
}

func (m *matrix) at(lane, column int) *block { return &m.blocks[lane*m.length+column] }

// fill makes all passes over the memory.
func (m *matrix) fill(passes int) {
	for pass := range passes {
		for slice := range slices {
			var wg sync.WaitGroup
			for lane := range m.lanes - 1 {
				wg.Go(func() { m.fillSegment(pass, slice, lane+1) })
			}
			m.fillSegment(pass, slice, 0)
			wg.Wait()
		}
	}
}

func (m *matrix) fillSegment(pass, slice, lane int) {
	first := 0
	if pass == 0 && slice == 0 {
		first = 2
	}
	for index := first; index < m.segment; index++ {
		column := slice*m.segment + index
		previous := m.at(lane, (column+m.length-1)%m.length)
		reference := m.reference(previous[0], pass, slice, lane, index)
		compress(m.at(lane, column), previous, reference, pass > 0)
	}
}

// reference finds the block that a word points at (section 3.4.1.1 and 3.4.2).
func (m *matrix) reference(word uint64, pass, slice, lane, index int) *block {
	from := int((word >> 32) % uint64(m.lanes))
	if pass == 0 && slice == 0 {
		from = lane
	}
	// The window: what is complete of that lane, without the block before
	// this one.
	begin, window := 0, slice*m.segment
	if pass > 0 {
		begin, window = (slice+1)%slices*m.segment, m.length-m.segment
	}
	switch {
	case from == lane:
		window += index - 1
	case index == 0:
		window--
	}
	j := word & 0xffffffff
	back := uint64(window) * (j * j >> 32) >> 32
	return m.at(from, (begin+window-1-int(back))%m.length)
}

// tag is the hash of the last column's sum (section 3.2, step 7). The memory is
// wiped.
func (m *matrix) tag(size int) []byte {
	var sum block
	for lane := range m.lanes {
		last := m.at(lane, m.length-1)
		for i := range sum {
			sum[i] ^= last[i]
		}
	}
	clear(m.blocks)
	out := make([]byte, size)
	stretch(out, sum.bytes())
	return out
}
