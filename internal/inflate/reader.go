package inflate

import (
	"encoding/binary"
	"errors"
	"math"
)

// Errors of Reader.Inflate. After either, the stream is beyond repair.
var (
	ErrCorrupt  = errors.New("inflate: the compressed data is corrupt")
	ErrTooLarge = errors.New("inflate: the data expands to more than allowed")
)

// errMore is the end of the input, not an error. What there is of an incomplete
// symbol waits in the bit buffer.
var errMore = errors.New("inflate: more input needed")

const (
	windowSize = 1 << 15 // bytes
	maxMatch   = 258
)

// Reader expands one zlib stream, packet by packet. The zero value is at the
// start of a stream; it takes its memory, about 40 KiB, with the first packet.
// Only one call may run at a time.
type Reader struct {
	s   *state
	err error
}

// Inflate expands the next piece of the stream, src, and returns dst with all
// the bytes appended that are complete with it. It keeps neither slice; they
// must not overlap. More than max bytes are refused, and so is the end of the
// stream, for in SSH there is none. An error is final.
func (r *Reader) Inflate(dst, src []byte, max int) ([]byte, error) {
	if r.err != nil {
		return dst, r.err
	}
	if r.s == nil {
		r.s = &state{next: (*state).zlibHeader}
	}
	out, err := r.s.run(dst, src, max)
	if err != nil {
		r.s, r.err = nil, err
		return dst, err
	}
	return out, nil
}

// state is a decoder between two bits.
type state struct {
	next func(*state) error // what the next bits are

	in    []byte // the rest of this packet
	out   []byte // dst and what this packet has yielded
	start int    // where that starts
	limit int    // what len(out) may not exceed

	bits  uint64 // the next bits of the stream, lowest first
	nbits uint   // how many; those above are zero

	stored    int // bytes left in a stored block
	lit, dist *code
	dynamic   dynamic

	window window
}

func (s *state) run(dst, src []byte, max int) ([]byte, error) {
	s.in, s.out, s.start = src, dst, len(dst)
	s.limit = math.MaxInt
	if max < s.limit-s.start {
		s.limit = s.start + max
	}
	var err error
	for err == nil {
		err = s.next(s)
	}
	out := s.out
	s.in, s.out = nil, nil
	if err != errMore {
		return nil, err
	}
	s.window.write(out[s.start:])
	return out, nil
}

// need returns errMore unless the bit buffer holds n bits, at most 57.
func (s *state) need(n uint) error {
	s.bits, s.nbits, s.in = refill(s.bits, s.nbits, s.in)
	if s.nbits < n {
		return errMore
	}
	return nil
}

// refill fills the bit buffer with whole bytes, to 57 bits at least if there are
// so many.
func refill(bits uint64, nbits uint, in []byte) (uint64, uint, []byte) {
	if len(in) >= 8 {
		k := (64 - nbits) / 8
		if k == 0 {
			return bits, nbits, in
		}
		bits |= binary.LittleEndian.Uint64(in) << (64 - 8*k) >> (64 - 8*k - nbits)
		return bits, nbits + 8*k, in[k:]
	}
	for nbits <= 56 && len(in) > 0 {
		bits |= uint64(in[0]) << nbits
		nbits += 8
		in = in[1:]
	}
	return bits, nbits, in
}

// take removes n bits, which are there.
func (s *state) take(n uint) uint64 {
	v := s.bits & (1<<n - 1)
	s.bits >>= n
	s.nbits -= n
	return v
}

// zlibHeader reads what is before the first block: RFC 1950, section 2.2.
func (s *state) zlibHeader() error {
	if err := s.need(16); err != nil {
		return err
	}
	cmf, flg := s.take(8), s.take(8)
	const (
		method     = 8 // deflate
		maxInfo    = 7 // a window of 32 KiB
		dictionary = 1 << 5
	)
	if cmf&15 != method || cmf>>4 > maxInfo || (cmf<<8|flg)%31 != 0 || flg&dictionary != 0 {
		return ErrCorrupt
	}
	s.next = (*state).blockHeader
	return nil
}

// blockHeader reads the three bits before a block: RFC 1951, section 3.2.3.
func (s *state) blockHeader() error {
	if err := s.need(3); err != nil {
		return err
	}
	if final := s.take(1); final == 1 {
		return ErrCorrupt // "with only a partial flush at the end of each packet"
	}
	switch s.take(2) {
	case 0:
		s.next = (*state).storedHeader
	case 1:
		s.lit, s.dist = fixedCodes()
		s.next = (*state).symbols
	case 2:
		s.next = (*state).dynamicHeader
	default:
		return ErrCorrupt
	}
	return nil
}

// storedHeader reads the length of a stored block: RFC 1951, section 3.2.4.
func (s *state) storedHeader() error {
	pad := s.nbits % 8 // the bit buffer is filled by bytes
	if err := s.need(pad + 32); err != nil {
		return err
	}
	s.take(pad)
	length, check := s.take(16), s.take(16)
	if length^check != 0xffff {
		return ErrCorrupt
	}
	s.stored = int(length)
	s.next = (*state).storedData
	return nil
}

func (s *state) storedData() error {
	if min(s.stored, int(s.nbits/8)+len(s.in)) > s.limit-len(s.out) {
		return ErrTooLarge
	}
	for s.stored > 0 && s.nbits > 0 {
		s.out = append(s.out, byte(s.take(8)))
		s.stored--
	}
	n := min(s.stored, len(s.in))
	s.out = append(s.out, s.in[:n]...)
	s.in = s.in[n:]
	s.stored -= n
	if s.stored > 0 {
		return errMore
	}
	s.next = (*state).blockHeader
	return nil
}
