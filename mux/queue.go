package mux

import "github.com/nacre-ssh/nacre/internal/slab"

// A piece is received data that waits: a part of a held slab, or a copy.
type piece struct {
	slab *slab.Slab // nil: a copy
	b    []byte
}

// A queue holds received data in order. Its zero value is empty.
type queue struct {
	pieces []piece
	head   int
	size   int
}

// add queues b, which lies in the slab that hold returns: in place when b fills
// a good part of it, else as a copy.
func (q *queue) add(b []byte, hold func() *slab.Slab) {
	if q.head >= 32 && 2*q.head >= len(q.pieces) { // it never runs empty: the room of what was read serves again
		n := copy(q.pieces, q.pieces[q.head:])
		clear(q.pieces[n:])
		q.pieces, q.head = q.pieces[:n], 0
	}
	q.size += len(b)
	if len(b) >= slab.Small/holdShare {
		if s := hold(); len(b) >= len(s.Bytes())/holdShare {
			q.pieces = append(q.pieces, piece{s, b})
			return
		} else {
			s.Release()
		}
	}
	if last := len(q.pieces) - 1; last >= q.head {
		if p := &q.pieces[last]; p.slab == nil && cap(p.b)-len(p.b) >= len(b) {
			p.b = append(p.b, b...)
			return
		}
	}
	fresh := make([]byte, len(b), max(len(b), coalesce))
	copy(fresh, b)
	q.pieces = append(q.pieces, piece{nil, fresh})
}

// first returns the oldest bytes, nil when there are none.
func (q *queue) first() []byte {
	if q.head == len(q.pieces) {
		return nil
	}
	return q.pieces[q.head].b
}

// hold is first for who uses the bytes without the lock that guards the queue:
// they stay as they are until the piece is released, even if the queue is
// cleared.
func (q *queue) hold() ([]byte, piece) {
	if q.head == len(q.pieces) {
		return nil, piece{}
	}
	p := q.pieces[q.head]
	if p.slab != nil {
		p.slab.Hold()
	}
	return p.b, p
}

func (p piece) release() {
	if p.slab != nil {
		p.slab.Release()
	}
}

// drop forgets the first n bytes, which are within the first piece.
func (q *queue) drop(n int) {
	p := &q.pieces[q.head]
	p.b = p.b[n:]
	q.size -= n
	if len(p.b) > 0 {
		return
	}
	p.release()
	q.pieces[q.head] = piece{}
	if q.head++; q.head == len(q.pieces) {
		q.pieces, q.head = nil, 0
	}
}

// clear forgets everything and returns how many bytes that were.
func (q *queue) clear() int {
	n := q.size
	for q.head < len(q.pieces) {
		q.drop(len(q.pieces[q.head].b))
	}
	return n
}
