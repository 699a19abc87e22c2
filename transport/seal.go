package transport

import (
	"fmt"

	"github.com/nacre-ssh/nacre/internal/slab"
	"github.com/nacre-ssh/nacre/packet"
)

// sealBatch seals the frames of the batch and gathers them in w.bufs. Packets
// that share a slab are moved together, so that they leave as one piece.
func (c *Conn) sealBatch() (int, error) {
	w := &c.out
	w.vector = w.vector[:0]
	total := 0
	for i := range w.batch {
		f := &w.batch[i]
		if f.mark == markCompress {
			w.comp = new(packet.Deflater)
			continue
		}
		if w.comp != nil && f.mark != markRaw {
			if err := w.compress(f); err != nil {
				return 0, err
			}
		}
		b := f.slab.Bytes()[f.off:]
		n := int(f.n)
		if f.mark == markRaw {
			b = b[packet.Head:]
		} else {
			n = w.seal.Seal(b, n, w.seq)
			w.seq++
			w.bytes += uint64(n)
			w.packets++
		}
		w.gather(b[:n:len(b)], i > 0 && w.batch[i-1].slab == f.slab)
		total += n
		if f.mark == markNewKeys {
			c.switchSealer()
		}
	}
	w.bufs = w.vector
	w.all.Add(uint64(total))
	if !w.asked && (w.bytes >= w.limit || w.packets >= rekeyPackets) {
		w.asked = true
		c.startKex()
	}
	return total, nil
}

// gather adds a packet to the pieces to be written, behind the last one when
// both are in the same slab.
func (w *writer) gather(p []byte, together bool) {
	if last := len(w.vector) - 1; together && last >= 0 {
		piece := w.vector[last]
		if room := cap(piece) - len(piece); room >= len(p) {
			w.vector[last] = append(piece, p...) // moves down within the slab
			return
		}
	}
	w.vector = append(w.vector, p)
}

// compress replaces a frame's payload by its compressed form in a slab of its
// own.
func (w *writer) compress(f *frame) error {
	big := slab.Get(slab.Large)
	payload := f.slab.Bytes()[f.off+packet.Head:][:f.n]
	room := big.Bytes()[packet.Head : packet.Head : len(big.Bytes())-packet.Tail]
	out, err := w.comp.Deflate(room, payload)
	if err != nil || len(out) > cap(room) {
		big.Release()
		return fmt.Errorf("compressing a packet of %d bytes: %w", f.n, err)
	}
	f.slab.Release()
	f.slab, f.off, f.n = big, 0, int32(len(out))
	return nil
}

// switchSealer puts the keys of the exchange that our NEWKEYS ends to use.
func (c *Conn) switchSealer() {
	w := &c.out
	w.mu.Lock()
	e := w.next[0]
	w.next = w.next[1:]
	w.mu.Unlock()
	w.seal, w.comp, w.limit = e.seal, e.comp.deflater(), e.limit
	w.bytes, w.packets, w.asked = 0, 0, false
	if c.cfg.Exportable {
		c.kept.out = e.keys
	}
	if c.strict {
		w.seq = 0
	}
}
