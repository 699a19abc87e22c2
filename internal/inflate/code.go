package inflate

import (
	"math/bits"
	"sync"
)

const (
	maxBits  = 15 // of a code
	fastBits = 9  // of a code that is found at once
	maxLit   = 288
	maxDist  = 32
	endBlock = 256 // of the literal/length alphabet
)

// code is a Huffman code: RFC 1951, section 3.2.2.
type code struct {
	// By the next fastBits of the stream: symbol<<4 | length, or 0 for a code
	// that is longer or doesn't exist.
	fast [1 << fastBits]uint16
	// Canonically: how many codes of each length, and all symbols in their order.
	count  [maxBits + 1]uint16
	symbol [maxLit]uint16
}

// init makes the code from the lengths of its symbols. No word may be left over,
// but if it is partial there may be a single symbol of one bit, or none at all.
func (c *code) init(lengths []uint8, partial bool) error {
	c.count = [maxBits + 1]uint16{}
	for _, n := range lengths {
		c.count[n]++
	}
	used := len(lengths) - int(c.count[0])
	c.count[0] = 0
	var at, word [maxBits + 2]uint16 // first index and first code word of a length
	left := 1
	for n := 1; n <= maxBits; n++ {
		left = left*2 - int(c.count[n])
		if left < 0 {
			return ErrCorrupt
		}
		at[n+1] = at[n] + c.count[n]
		word[n+1] = (word[n] + c.count[n]) << 1
	}
	if single := used == 1 && c.count[1] == 1; left > 0 && !(partial && (single || used == 0)) {
		return ErrCorrupt
	}
	c.fast = [1 << fastBits]uint16{}
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		c.symbol[at[n]] = uint16(symbol)
		at[n]++
		c.fill(word[n], uint(n), uint16(symbol))
		word[n]++
	}
	return nil
}

// fill enters a code word into fast, at every index that it is the start of.
func (c *code) fill(word uint16, n uint, symbol uint16) {
	if n > fastBits {
		return
	}
	// The words come with their highest bit first.
	for i := bits.Reverse16(word) >> (16 - n); i < 1<<fastBits; i += 1 << n {
		c.fast[i] = symbol<<4 | uint16(n)
	}
}

// read finds the symbol that the n lowest bits of v start with, and its length.
func (c *code) read(v uint64, n uint) (symbol int, length uint, err error) {
	entry := c.fast[v&(1<<fastBits-1)]
	if length = uint(entry & 15); length == 0 {
		return c.readSlow(v, n)
	}
	if length > n {
		return 0, 0, errMore
	}
	return int(entry >> 4), length, nil
}

// readSlow walks through the lengths. Words of one length are consecutive
// numbers, and greater than the starts of all longer words.
func (c *code) readSlow(v uint64, n uint) (symbol int, length uint, err error) {
	word, first, at := 0, 0, 0
	for length = 1; length <= maxBits; length++ {
		if length > n {
			return 0, 0, errMore
		}
		word |= int(v & 1)
		v >>= 1
		count := int(c.count[length])
		if word-first < count {
			return int(c.symbol[at+word-first]), length, nil
		}
		at += count
		first = (first + count) << 1
		word <<= 1
	}
	return 0, 0, ErrCorrupt
}

// fixed holds the codes of RFC 1951, section 3.2.6, made when first needed.
var fixed struct {
	once      sync.Once
	lit, dist code
}

func fixedCodes() (lit, dist *code) {
	fixed.once.Do(func() {
		var lengths [maxLit]uint8
		for i := range lengths {
			switch {
			case i < 144:
				lengths[i] = 8
			case i < 256:
				lengths[i] = 9
			case i < 280:
				lengths[i] = 7
			default:
				lengths[i] = 8
			}
		}
		var five [maxDist]uint8
		for i := range five {
			five[i] = 5
		}
		if fixed.lit.init(lengths[:], false) != nil || fixed.dist.init(five[:], false) != nil {
			panic("inflate: the fixed codes are wrong")
		}
	})
	return &fixed.lit, &fixed.dist
}
