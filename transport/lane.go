package transport

import (
	"sync"

	"github.com/nacre-ssh/nacre/internal/slab"
	"github.com/nacre-ssh/nacre/packet"
)

// A Lane is one of the queues of outgoing packets. A lower lane leaves first;
// within a lane packets keep their order.
type Lane uint8

const (
	laneKex Lane = iota // key exchange, disconnect: may leave while a rekey is under way
	// Control is for replies, window adjustments and keystrokes.
	Control
	// Bulk is for data in quantity. Callers wait while it is full.
	Bulk
	lanes
)

// A mark on a frame is something that happens when it leaves.
type mark uint8

const (
	markNone     mark = iota
	markRaw           // the identification line: sent as it is
	markHold          // our KEXINIT: only the kex lane may follow
	markNewKeys       // our NEWKEYS: what follows is sealed with the new keys
	markCompress      // no packet: delayed compression starts here
)

// A frame is one outgoing payload inside a slab, with packet.Head bytes before
// it and packet.Tail bytes behind it.
type frame struct {
	slab *slab.Slab
	off  int32 // of the Head room
	n    int32 // payload bytes
	mark mark
}

// cost is what a frame counts for in the caps: what it holds, so that a million
// tiny packets are not taken for a megabyte.
func (f *frame) cost() int { return int(f.n) + frameCost }

// A lane holds frames in order. Small payloads share the slab tail.
type lane struct {
	frames []frame // [head:] wait
	head   int
	bytes  int
	tail   *slab.Slab
	used   int
	room   sync.Cond // callers that wait for room
	queue  int       // how many wait
}

func (l *lane) release() {
	if l.tail != nil {
		l.tail.Release()
		l.tail, l.used = nil, 0
	}
}

// full reports whether n bytes more have to wait.
func (l *lane) full(n, limit int) bool {
	return l.bytes > 0 && (l.bytes+n > limit || l.queue > 0)
}

// wait returns when a lane has room for n bytes; callers are served in the
// order in which they came. w.mu is held.
func (w *writer) wait(to Lane, n, limit int) error {
	l := &w.lanes[to]
	for first := true; w.err == nil && l.bytes > 0 && (l.bytes+n > limit || first && l.queue > 0); first = false {
		l.queue++
		l.room.Wait()
		l.queue--
	}
	return w.err
}

// push queues a frame. w.mu is held.
func (w *writer) push(to Lane, f frame) {
	l := &w.lanes[to]
	if l.head >= 32 && 2*l.head >= len(l.frames) { // it never runs empty: the room of what has left serves again
		n := copy(l.frames, l.frames[l.head:])
		clear(l.frames[n:])
		l.frames, l.head = l.frames[:n], 0
	}
	l.frames = append(l.frames, f)
	l.bytes += f.cost()
}

// copyIn queues a copy of a payload, given in parts. w.mu is held.
func (w *writer) copyIn(to Lane, m mark, payload ...[]byte) {
	if w.err != nil {
		return // nobody takes it any more
	}
	l := &w.lanes[to]
	n := 0
	for _, part := range payload {
		n += len(part)
	}
	need := packet.Head + n + packet.Tail
	if l.tail == nil || l.used+need > len(l.tail.Bytes()) {
		if l.tail != nil {
			l.tail.Release()
		}
		l.tail, l.used = slab.Get(need), 0
	}
	l.tail.Hold()
	room := l.tail.Bytes()[l.used+packet.Head:][:0]
	for _, part := range payload {
		room = append(room, part...)
	}
	w.push(to, frame{slab: l.tail, off: int32(l.used), n: int32(n), mark: m})
	l.used += need
}

func (w *writer) empty() bool {
	for i := range w.lanes {
		if l := &w.lanes[i]; len(l.frames) > l.head && (i == int(laneKex) || !w.hold) {
			return false
		}
	}
	return true
}

// take moves up to bounds.batch from the lanes to the batch. w.mu is held.
func (w *writer) take() {
	total := 0
	for i := range w.lanes {
		l := &w.lanes[i]
		for l.head < len(l.frames) && total < bounds.batch {
			if w.hold && Lane(i) != laneKex || w.err != nil && !w.parting {
				return
			}
			f := l.frames[l.head]
			l.frames[l.head] = frame{}
			l.head++
			l.bytes -= f.cost()
			total += int(f.n)
			w.batch = append(w.batch, f)
			switch f.mark {
			case markHold:
				w.hold = true
			case markNewKeys:
				w.hold = false
			}
		}
		if l.head == len(l.frames) {
			l.head, l.frames = 0, l.frames[:0]
			if cap(l.frames) > 64 {
				l.frames = nil
			}
			l.release()
		}
		if l.queue > 0 {
			l.room.Signal()
		}
	}
}

func (c *Conn) cap(l Lane) int {
	switch {
	case l == Bulk:
		return bounds.bulk
	case c.authed.Load():
		return controlCap
	}
	return controlCapEarly
}
