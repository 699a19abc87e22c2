package mux

import (
	"math"
	"sync/atomic"
	"time"
)

// grown is by how many bytes the windows of the process have grown together.
var grown atomic.Int64

// A path is what a window fits to.
type path struct {
	rtt    time.Duration // round trip; 0: not known yet
	beside bool          // somebody types beside the data
}

// short reports whether the peer is known to be nearby.
func (p path) short() bool { return p.rtt > 0 && p.rtt <= nearPath }

// flight is the most that is to be under way, in bytes. What is typed waits behind
// it: where that is felt, it is no more than a fast network needs.
func (p path) flight() uint32 {
	if !p.short() || !p.beside {
		return math.MaxUint32
	}
	return max(bounds.beside, uint32(besideRate*p.rtt/time.Second))
}

// A window is the receive window of one channel. Its size follows the path: it
// doubles when it is used up within two round trips, since then it and not the
// path is what limits the peer.
type window struct {
	size  uint32 // what the peer may have under way
	max   uint32
	left  uint32 // what it may still send
	owed  uint32 // consumed and not yet given back
	over  uint32 // what the peer has beyond size, since that was made smaller
	sized bool   // it has been looked whether the path is a short one
	extra int64  // counted in grown

	since time.Time // when the count below began
	taken uint32    // bytes consumed since
}

// newWindow is a window of a size, or of the path's.
func newWindow(size, most uint32, p path) window {
	w := window{size: size, max: most}
	w.fit(p)
	w.over, w.left = 0, w.size
	return w
}

// take notes n received bytes and reports whether the peer was allowed to send
// them.
func (w *window) take(n int) bool {
	if uint64(n) > uint64(w.left) {
		return false
	}
	w.left -= uint32(n)
	return true
}

// consume notes that n bytes were consumed and returns by how much the peer's
// window is to be adjusted now, 0 for not yet.
func (w *window) consume(n int, look func() path) uint32 {
	w.owed += uint32(n)
	w.taken += uint32(n)
	if w.owed < w.size/4 {
		return 0
	}
	p := look() // the first time, it begins to measure
	if w.since.IsZero() {
		w.since, w.taken = time.Now(), 0
	}
	w.fit(p)
	back := min(w.over, w.owed)
	w.over -= back
	if w.owed -= back; w.owed == 0 {
		return 0
	}
	grow := uint32(0)
	if w.taken >= w.size {
		now := time.Now()
		grow = w.growth(now.Sub(w.since), p)
		w.since, w.taken = now, 0
	}
	adjust := w.owed + grow
	w.size += grow
	w.left += adjust
	w.owed = 0
	return adjust
}

// fit makes the window of a peer that turns out to be nearby smaller, and that of
// one beside which somebody begins to type. What the peer has of it already is not
// given back to it once it is consumed.
func (w *window) fit(p path) {
	size := min(w.size, p.flight())
	if p.short() && !w.sized {
		w.sized = true
		size = min(size, bounds.near)
	}
	if size < w.size {
		w.over += w.size - size
		w.size = size
		w.release()
	}
}

// growth is by how much a window that lasted for d should grow.
func (w *window) growth(d time.Duration, p path) uint32 {
	limit := 2 * p.rtt
	if p.rtt == 0 {
		limit = growWithin
	}
	most := min(w.max, p.flight())
	if d >= limit || w.size >= most {
		return 0
	}
	more := min(w.size, most-w.size)
	if grown.Add(int64(more)) > windowBudget {
		grown.Add(-int64(more))
		return 0
	}
	w.extra += int64(more)
	return more
}

// release gives back what the window took from the budget.
func (w *window) release() {
	grown.Add(-w.extra)
	w.extra = 0
}
