package inflate

// lengthCodes are the symbols from 257 on, distCodes those of the other code:
// RFC 1951, section 3.2.5.
var lengthCodes = [...]struct{ base, bits uint16 }{
	{3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {8, 0}, {9, 0}, {10, 0},
	{11, 1}, {13, 1}, {15, 1}, {17, 1}, {19, 2}, {23, 2}, {27, 2}, {31, 2},
	{35, 3}, {43, 3}, {51, 3}, {59, 3}, {67, 4}, {83, 4}, {99, 4}, {115, 4},
	{131, 5}, {163, 5}, {195, 5}, {227, 5}, {maxMatch, 0},
}

var distCodes = [...]struct{ base, bits uint16 }{
	{1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 1}, {7, 1}, {9, 2}, {13, 2},
	{17, 3}, {25, 3}, {33, 4}, {49, 4}, {65, 5}, {97, 5}, {129, 6}, {193, 6},
	{257, 7}, {385, 7}, {513, 8}, {769, 8}, {1025, 9}, {1537, 9}, {2049, 10}, {3073, 10},
	{4097, 11}, {6145, 11}, {8193, 12}, {12289, 12}, {16385, 13}, {24577, 13},
}

// symbols reads a block that is neither stored nor at its end. A match has 48
// bits at most, so an incomplete one fits into the bit buffer and is read anew
// with the next packet.
func (s *state) symbols() error {
	for {
		s.literals()
		symbol, n, err := s.lit.read(s.bits, s.nbits)
		if err != nil {
			return err
		}
		switch {
		case symbol > endBlock:
			if err := s.readMatch(symbol-endBlock-1, n); err != nil {
				return err
			}
		case symbol == endBlock:
			s.take(n)
			s.next = (*state).blockHeader
			return nil
		case len(s.out) >= s.limit:
			return ErrTooLarge
		default:
			s.take(n)
			s.out = append(s.out, byte(symbol))
		}
	}
}

// literals reads literals of short codes as long as there are any, and leaves the
// bit buffer full. It is the loop where the time goes, so everything is at hand
// in it.
func (s *state) literals() {
	bits, nbits, in, out, fast := s.bits, s.nbits, s.in, s.out, &s.lit.fast
	for room := s.limit - len(out); room > 0; room-- {
		if nbits < fastBits {
			bits, nbits, in = refill(bits, nbits, in)
		}
		entry := fast[bits&(1<<fastBits-1)]
		n := uint(entry & 15)
		if n == 0 || n > nbits || entry >= endBlock<<4 {
			break
		}
		bits >>= n
		nbits -= n
		out = append(out, byte(entry>>4))
	}
	s.bits, s.nbits, s.in = refill(bits, nbits, in)
	s.out = out
}

// readMatch reads the rest of a match whose first n bits are symbol i of
// lengthCodes.
func (s *state) readMatch(i int, n uint) error {
	if i >= len(lengthCodes) {
		return ErrCorrupt
	}
	lengthCode := lengthCodes[i]
	extra := n + uint(lengthCode.bits)
	if extra > s.nbits {
		return errMore
	}
	symbol, k, err := s.dist.read(s.bits>>extra, s.nbits-extra)
	if err != nil {
		return err
	}
	if symbol >= len(distCodes) {
		return ErrCorrupt
	}
	distCode := distCodes[symbol]
	if extra+k+uint(distCode.bits) > s.nbits {
		return errMore
	}
	s.take(n)
	length := int(lengthCode.base) + int(s.take(uint(lengthCode.bits)))
	s.take(k)
	dist := int(distCode.base) + int(s.take(uint(distCode.bits)))
	if length > s.limit-len(s.out) {
		return ErrTooLarge
	}
	s.out, err = s.window.match(s.out, s.start, length, dist)
	return err
}
