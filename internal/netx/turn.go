package netx

import (
	"sync/atomic"
	"time"
)

// turnTime is how long a goroutine may move data while others have something to
// do, and turnTyped is that while somebody types. Handing over takes some
// microseconds.
const (
	turnTime  = 200 * time.Microsecond
	turnTyped = 50 * time.Microsecond
)

// typing is how long somebody who typed is taken to go on.
const typing = time.Second

// typed is when somebody last did, UnixNano.
var typed atomic.Int64

// Typed notes that data came from somebody who types, or is for them to see: all
// turns of the process are shorter for a second.
func Typed() { typed.Store(time.Now().UnixNano()) }

// turnAt is how long a turn may last now.
func turnAt(now time.Time) time.Duration {
	if now.UnixNano()-typed.Load() < int64(typing) {
		return turnTyped
	}
	return turnTime
}

// A Turn is the time for which a goroutine has moved data without waiting. Its
// zero value begins at the first Yield.
type Turn struct{ began time.Time }

// Yield lets others run when the turn has lasted long enough: those that can run,
// and those whose descriptors have become ready meanwhile. [runtime.Gosched]
// knows nothing of the latter: as long as any goroutine can run, the runtime looks
// at descriptors every 10 ms.
func (t *Turn) Yield() {
	now := time.Now()
	if now.Sub(t.began) < turnAt(now) {
		return
	}
	if !t.began.IsZero() {
		lookAround()
		now = time.Now()
	}
	t.began = now
}
