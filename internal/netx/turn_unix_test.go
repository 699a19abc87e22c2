//go:build unix

package netx

import (
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// Who waits for a descriptor runs soon after it is ready, though the one thread
// there is always has something else to run.
func TestYieldToDescriptors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b, a, err := os.Pipe() // what is written is there at once
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	defer a.Close()
	var seen atomic.Int32
	go func() {
		for room := make([]byte, 1); ; seen.Add(1) {
			if _, err := b.Read(room); err != nil {
				return
			}
		}
	}()
	const bytes, soon = 200, 5
	late := 0
	for i := range int32(bytes) {
		if _, err := a.Write([]byte{0}); err != nil {
			t.Fatal(err)
		}
		looks := 0
		for ; seen.Load() == i; looks++ {
			lookAround()
		}
		if looks > soon {
			late++ // another thread had the descriptors, and not a processor
		}
	}
	if late > bytes/4 {
		t.Errorf("%d of %d bytes were not read after %d looks", late, bytes, soon)
	}
}

// A Turn lasts: most calls cost no more than the time of day.
func TestTurnLasts(t *testing.T) {
	var turn Turn
	turn.Yield()
	began := turn.began
	turn.Yield()
	if turn.began.Sub(began) > 0 && turn.began.Sub(began) < turnTime {
		t.Fatalf("the turn lasted %v", turn.began.Sub(began))
	}
	turn.began = turn.began.Add(-turnTime)
	old := turn.began
	turn.Yield()
	if !turn.began.After(old.Add(turnTime / 2)) {
		t.Fatal("a turn that was over did not end")
	}
}

// Turns are shorter while somebody types, and for a second.
func TestTurnShortWhileTyping(t *testing.T) {
	defer typed.Store(0)
	Typed()
	at := time.Unix(0, typed.Load())
	if d := turnAt(at); d != turnTyped {
		t.Errorf("%v at a key", d)
	}
	if d := turnAt(at.Add(typing)); d != turnTime {
		t.Errorf("%v a second after it", d)
	}
	turn := Turn{began: time.Now().Add(-turnTyped)}
	began := turn.began
	if turn.Yield(); turn.began == began {
		t.Error("a turn that was over did not end")
	}
}

// What is not there is not waited for.
func TestTryReadLent(t *testing.T) {
	a, b := pair(t)
	src, l := NewSource(b), &slabLender{size: 100}
	if n, err := src.TryReadLent(l); n != 0 || err != nil || l.lent != nil {
		t.Fatalf("%d bytes, %v of nothing; lent: %v", n, err, l.lent != nil)
	}
	if _, err := a.Write([]byte("data")); err != nil {
		t.Fatal(err)
	}
	n, err := src.ReadLent(l)
	if n != 4 || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	l.Back()
	a.Close()
	if n, err := src.ReadLent(l); n != 0 || err == nil {
		t.Fatalf("%d bytes and %v at the end", n, err)
	}
	if n, err := src.TryReadLent(l); n != 0 || err == nil {
		t.Fatalf("%d bytes and %v after the end", n, err)
	}
}
