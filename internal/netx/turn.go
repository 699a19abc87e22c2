package netx

import "time"

// turnTime is how long a goroutine may move data while others have something to
// do. Handing over takes some microseconds.
const turnTime = 200 * time.Microsecond

// A Turn is the time for which a goroutine has moved data without waiting. Its
// zero value begins at the first Yield.
type Turn struct{ began time.Time }

// Yield lets others run when the turn has lasted long enough: those that can run,
// and those whose descriptors have become ready meanwhile. [runtime.Gosched]
// knows nothing of the latter: as long as any goroutine can run, the runtime looks
// at descriptors every 10 ms.
func (t *Turn) Yield() {
	now := time.Now()
	if now.Sub(t.began) < turnTime {
		return
	}
	if !t.began.IsZero() {
		lookAround()
		now = time.Now()
	}
	t.began = now
}
