package umac

import "encoding/binary"

// NH (RFC 4418, section 5.2.2) adds words of the message to words of the key,
// mod 2^32, and sums the products of those four apart, mod 2^64. The message is
// read in little-endian order (that is the RFC's ENDIAN-SWAP), the key was in
// big-endian order. All iterations run in one pass, each with the key shifted by
// four words.

// nhWhole adds rows of 32 bytes to y, from the start of the key on.
func (m *MAC) nhWhole(y *[maxIters]uint64, msg []byte) {
	if m.iters == 2 {
		y[0], y[1] = nh2(&m.nh, msg)
		return
	}
	y[0], y[1], y[2], y[3] = nh4(&m.nh, msg)
}

// nhRow adds a single row to y, with the key from word at on.
func (m *MAC) nhRow(y *[maxIters]uint64, row *[32]byte, at int) {
	for i := range m.iters {
		k := m.nh[at+4*i:]
		for j := range 4 {
			a := binary.LittleEndian.Uint32(row[4*j:]) + k[j]
			b := binary.LittleEndian.Uint32(row[4*j+16:]) + k[j+4]
			y[i] += uint64(a) * uint64(b)
		}
	}
}

func nh2(nh *[268]uint32, msg []byte) (y0, y1 uint64) {
	for k := nh[:]; len(msg) >= 32 && len(k) >= 12; k = k[8:] {
		m0 := binary.LittleEndian.Uint32(msg[0:])
		m1 := binary.LittleEndian.Uint32(msg[4:])
		m2 := binary.LittleEndian.Uint32(msg[8:])
		m3 := binary.LittleEndian.Uint32(msg[12:])
		m4 := binary.LittleEndian.Uint32(msg[16:])
		m5 := binary.LittleEndian.Uint32(msg[20:])
		m6 := binary.LittleEndian.Uint32(msg[24:])
		m7 := binary.LittleEndian.Uint32(msg[28:])
		y0 += product(m0+k[0], m4+k[4])
		y1 += product(m0+k[4], m4+k[8])
		y0 += product(m1+k[1], m5+k[5])
		y1 += product(m1+k[5], m5+k[9])
		y0 += product(m2+k[2], m6+k[6])
		y1 += product(m2+k[6], m6+k[10])
		y0 += product(m3+k[3], m7+k[7])
		y1 += product(m3+k[7], m7+k[11])
		msg = msg[32:]
	}
	return y0, y1
}

func nh4(nh *[268]uint32, msg []byte) (y0, y1, y2, y3 uint64) {
	for k := nh[:]; len(msg) >= 32 && len(k) >= 20; k = k[8:] {
		a := binary.LittleEndian.Uint32(msg[0:])
		b := binary.LittleEndian.Uint32(msg[16:])
		y0 += product(a+k[0], b+k[4])
		y1 += product(a+k[4], b+k[8])
		y2 += product(a+k[8], b+k[12])
		y3 += product(a+k[12], b+k[16])
		a = binary.LittleEndian.Uint32(msg[4:])
		b = binary.LittleEndian.Uint32(msg[20:])
		y0 += product(a+k[1], b+k[5])
		y1 += product(a+k[5], b+k[9])
		y2 += product(a+k[9], b+k[13])
		y3 += product(a+k[13], b+k[17])
		a = binary.LittleEndian.Uint32(msg[8:])
		b = binary.LittleEndian.Uint32(msg[24:])
		y0 += product(a+k[2], b+k[6])
		y1 += product(a+k[6], b+k[10])
		y2 += product(a+k[10], b+k[14])
		y3 += product(a+k[14], b+k[18])
		a = binary.LittleEndian.Uint32(msg[12:])
		b = binary.LittleEndian.Uint32(msg[28:])
		y0 += product(a+k[3], b+k[7])
		y1 += product(a+k[7], b+k[11])
		y2 += product(a+k[11], b+k[15])
		y3 += product(a+k[15], b+k[19])
		msg = msg[32:]
	}
	return y0, y1, y2, y3
}

func product(a, b uint32) uint64 { return uint64(a) * uint64(b) }
