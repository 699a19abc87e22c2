package mux

import (
	"sync/atomic"
	"time"
)

// grown is by how many bytes the windows of the process have grown together.
var grown atomic.Int64

// A window is the receive window of one channel. Its size follows the path: it
// doubles when it is used up within two round trips, since then it and not the
// path is what limits the peer.
type window struct {
	size  uint32 // what the peer may have under way
	near  uint32 // the size to fit to where the peer is nearby
	max   uint32
	left  uint32 // what it may still send
	owed  uint32 // consumed and not yet given back
	over  uint32 // what the peer has beyond size, since that was made smaller
	sized bool   // it has been looked whether the path is a short one
	extra int64  // counted in grown

	since time.Time // when the count below began
	taken uint32    // bytes consumed since
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
func (w *window) consume(n int, rtt func() time.Duration) uint32 {
	w.owed += uint32(n)
	w.taken += uint32(n)
	if w.owed < w.size/4 {
		return 0
	}
	if w.since.IsZero() {
		w.since, w.taken = time.Now(), 0
		rtt() // begins to measure
	}
	w.fit(rtt())
	back := min(w.over, w.owed)
	w.over -= back
	if w.owed -= back; w.owed == 0 {
		return 0
	}
	grow := uint32(0)
	if w.taken >= w.size {
		now := time.Now()
		grow = w.growth(now.Sub(w.since), rtt())
		w.since, w.taken = now, 0
	}
	adjust := w.owed + grow
	w.size += grow
	w.left += adjust
	w.owed = 0
	return adjust
}

// fit makes the window of a peer that turns out to be nearby smaller. What the
// peer has of it already is not given back to it once it is consumed.
func (w *window) fit(rtt time.Duration) {
	if w.sized || rtt == 0 || rtt > nearPath {
		return
	}
	w.sized = true
	if w.size > w.near {
		w.over = w.size - w.near
		w.size = w.near
		w.release()
	}
}

// growth is by how much a window that lasted for d should grow.
func (w *window) growth(d, rtt time.Duration) uint32 {
	limit := 2 * rtt
	if rtt == 0 {
		limit = growWithin
	}
	if d >= limit || w.size >= w.max {
		return 0
	}
	more := min(w.size, w.max-w.size)
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
