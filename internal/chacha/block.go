package chacha

import "math/bits"

// block returns the first half of block 0 of the key stream for a packet: RFC
// 8439, section 2.3, but with a 64-bit counter and the nonce as a 64-bit number
// in network order, as ChaCha20 was first defined. (For packets shorter than
// 2^38 bytes the two are the same, if the first word of the RFC's nonce is 0.)
func block(key *[8]uint32, seq uint32) [8]uint32 {
	x0, x1, x2, x3 := uint32(0x61707865), uint32(0x3320646e), uint32(0x79622d32), uint32(0x6b206574)
	x4, x5, x6, x7 := key[0], key[1], key[2], key[3]
	x8, x9, x10, x11 := key[4], key[5], key[6], key[7]
	x12, x13, x14, x15 := uint32(0), uint32(0), uint32(0), bits.ReverseBytes32(seq)
	for range 10 {
		x0, x4, x8, x12 = quarter(x0, x4, x8, x12)
		x1, x5, x9, x13 = quarter(x1, x5, x9, x13)
		x2, x6, x10, x14 = quarter(x2, x6, x10, x14)
		x3, x7, x11, x15 = quarter(x3, x7, x11, x15)
		x0, x5, x10, x15 = quarter(x0, x5, x10, x15)
		x1, x6, x11, x12 = quarter(x1, x6, x11, x12)
		x2, x7, x8, x13 = quarter(x2, x7, x8, x13)
		x3, x4, x9, x14 = quarter(x3, x4, x9, x14)
	}
	return [8]uint32{
		x0 + 0x61707865, x1 + 0x3320646e, x2 + 0x79622d32, x3 + 0x6b206574,
		x4 + key[0], x5 + key[1], x6 + key[2], x7 + key[3],
	}
}

// quarter is the quarter round: RFC 8439, section 2.1.
func quarter(a, b, c, d uint32) (uint32, uint32, uint32, uint32) {
	a += b
	d = bits.RotateLeft32(d^a, 16)
	c += d
	b = bits.RotateLeft32(b^c, 12)
	a += b
	d = bits.RotateLeft32(d^a, 8)
	c += d
	b = bits.RotateLeft32(b^c, 7)
	return a, b, c, d
}
