package inflate

// dynamic is the part of a block that describes its codes: RFC 1951, section
// 3.2.7.
type dynamic struct {
	lit, dist code // here lit is the code for the lengths first
	nlit      int  // how many lengths for lit
	nall      int  // and for both
	norder    int  // how many lengths for the code of the lengths
	have      int  // lengths read so far, of one or the other
	lengths   [maxLit + maxDist]uint8
}

// order is that of the lengths of the code for the lengths.
var order = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func (s *state) dynamicHeader() error {
	if err := s.need(14); err != nil {
		return err
	}
	d := &s.dynamic
	d.nlit = int(s.take(5)) + 257
	ndist := int(s.take(5)) + 1
	d.norder = int(s.take(4)) + 4
	if d.nlit > len(lengthCodes)+257 || ndist > len(distCodes) {
		return ErrCorrupt
	}
	d.nall = d.nlit + ndist
	d.have = 0
	clear(d.lengths[:len(order)])
	s.next = (*state).dynamicOrder
	return nil
}

// dynamicOrder reads the lengths of the code for the lengths.
func (s *state) dynamicOrder() error {
	d := &s.dynamic
	for ; d.have < d.norder; d.have++ {
		if err := s.need(3); err != nil {
			return err
		}
		d.lengths[order[d.have]] = uint8(s.take(3))
	}
	if err := d.lit.init(d.lengths[:len(order)], false); err != nil {
		return err
	}
	d.have = 0
	s.next = (*state).dynamicLengths
	return nil
}

// dynamicLengths reads the lengths of both codes, as one row.
func (s *state) dynamicLengths() error {
	d := &s.dynamic
	for d.have < d.nall {
		if err := s.dynamicLength(); err != nil {
			return err
		}
	}
	if d.lengths[endBlock] == 0 {
		return ErrCorrupt
	}
	if err := d.lit.init(d.lengths[:d.nlit], true); err != nil {
		return err
	}
	if err := d.dist.init(d.lengths[d.nlit:d.nall], true); err != nil {
		return err
	}
	s.lit, s.dist = &d.lit, &d.dist
	s.next = (*state).symbols
	return nil
}

// repeats are the symbols from 16 on: how many bits follow, and what they count
// from.
var repeats = [...]struct{ bits, base uint }{{2, 3}, {3, 3}, {7, 11}}

// dynamicLength reads one length, or one that stands for several.
func (s *state) dynamicLength() error {
	s.bits, s.nbits, s.in = refill(s.bits, s.nbits, s.in)
	d := &s.dynamic
	symbol, n, err := d.lit.read(s.bits, s.nbits)
	if err != nil {
		return err
	}
	if symbol < 16 {
		s.take(n)
		d.lengths[d.have] = uint8(symbol)
		d.have++
		return nil
	}
	rep := repeats[symbol-16]
	if s.nbits < n+rep.bits {
		return errMore
	}
	s.take(n)
	count := int(uint(s.take(rep.bits)) + rep.base)
	value := uint8(0)
	if symbol == 16 {
		if d.have == 0 {
			return ErrCorrupt
		}
		value = d.lengths[d.have-1]
	}
	if count > d.nall-d.have {
		return ErrCorrupt
	}
	for range count {
		d.lengths[d.have] = value
		d.have++
	}
	return nil
}
