package inflate

// window is the last 32 KiB of the stream's output before this packet, a ring.
type window struct {
	buf  [windowSize]byte
	at   int // where the next byte goes
	have int // how many there are
}

// write adds the output of a packet.
func (w *window) write(p []byte) {
	if len(p) > windowSize {
		p = p[len(p)-windowSize:]
	}
	w.have = min(w.have+len(p), windowSize)
	n := copy(w.buf[w.at:], p)
	copy(w.buf[:], p[n:])
	w.at = (w.at + len(p)) % windowSize
}

// match appends length bytes from dist bytes before the end of out. The bytes of
// out from start on are this packet's; those before are in the window.
func (w *window) match(out []byte, start, length, dist int) ([]byte, error) {
	if before := dist - (len(out) - start); before > 0 {
		if before > w.have {
			return out, ErrCorrupt
		}
		from := (w.at - before + windowSize) % windowSize
		n := min(before, length)
		first := min(n, windowSize-from)
		out = append(out, w.buf[from:from+first]...)
		out = append(out, w.buf[:n-first]...)
		length -= n
	}
	// A match may reach into itself: then there is more to copy after each round.
	from := len(out) - dist
	for length > 0 {
		n := min(length, len(out)-from)
		out = append(out, out[from:from+n]...)
		length -= n
	}
	return out, nil
}
