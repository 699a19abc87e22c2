package argon2d

import (
	"encoding/binary"
	"math/bits"
)

const (
	blockSize  = 1024
	blockWords = blockSize / 8
)

// A block is 1 KiB of the memory, little-endian.
type block [blockWords]uint64

func (b *block) load(bytes *[blockSize]byte) {
	for i := range b {
		b[i] = binary.LittleEndian.Uint64(bytes[i*8:])
	}
}

func (b *block) bytes() []byte {
	out := make([]byte, 0, blockSize)
	for _, w := range b {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return out
}

// compress is G (RFC 9106, section 3.5): out becomes G(x, y), in later passes
// XORed onto what was there.
func compress(out, x, y *block, xor bool) {
	var r, z block
	for i := range r {
		r[i] = x[i] ^ y[i]
	}
	z = r
	for i := 0; i < blockWords; i += 16 {
		row := (*[16]uint64)(z[i:])
		permute(&row[0], &row[1], &row[2], &row[3], &row[4], &row[5], &row[6], &row[7],
			&row[8], &row[9], &row[10], &row[11], &row[12], &row[13], &row[14], &row[15])
	}
	for i := 0; i < 16; i += 2 { // a column is two words wide
		permute(&z[i], &z[i+1], &z[i+16], &z[i+17], &z[i+32], &z[i+33], &z[i+48], &z[i+49],
			&z[i+64], &z[i+65], &z[i+80], &z[i+81], &z[i+96], &z[i+97], &z[i+112], &z[i+113])
	}
	if !xor {
		for i := range out {
			out[i] = r[i] ^ z[i]
		}
		return
	}
	for i := range out {
		out[i] ^= r[i] ^ z[i]
	}
}

// permute is P (section 3.6), BLAKE2b's round over sixteen words.
func permute(p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15 *uint64) {
	v0, v4, v8, v12 := mix(*p0, *p4, *p8, *p12)
	v1, v5, v9, v13 := mix(*p1, *p5, *p9, *p13)
	v2, v6, v10, v14 := mix(*p2, *p6, *p10, *p14)
	v3, v7, v11, v15 := mix(*p3, *p7, *p11, *p15)
	*p0, *p5, *p10, *p15 = mix(v0, v5, v10, v15)
	*p1, *p6, *p11, *p12 = mix(v1, v6, v11, v12)
	*p2, *p7, *p8, *p13 = mix(v2, v7, v8, v13)
	*p3, *p4, *p9, *p14 = mix(v3, v4, v9, v14)
}

// mix is GB (section 3.6): BLAKE2b's G, its additions strengthened by a product.
func mix(a, b, c, d uint64) (uint64, uint64, uint64, uint64) {
	a += b + 2*uint64(uint32(a))*uint64(uint32(b))
	d = bits.RotateLeft64(d^a, -32)
	c += d + 2*uint64(uint32(c))*uint64(uint32(d))
	b = bits.RotateLeft64(b^c, -24)
	a += b + 2*uint64(uint32(a))*uint64(uint32(b))
	d = bits.RotateLeft64(d^a, -16)
	c += d + 2*uint64(uint32(c))*uint64(uint32(d))
	b = bits.RotateLeft64(b^c, -63)
	return a, b, c, d
}
