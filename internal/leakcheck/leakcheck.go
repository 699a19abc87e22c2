package leakcheck

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long a goroutine may take to end after its test. Nothing
// reports the end of a goroutine, so it is polled for.
const (
	patience = 5 * time.Second
	pause    = 5 * time.Millisecond
)

// Main runs the tests of a package and exits: with the tests' own code, or with
// 1 where they passed and goroutines are left.
//
//	func TestMain(m *testing.M) { leakcheck.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if left := wait(nil); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "%d goroutines outlive the tests:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
			code = 1
		}
	}
	os.Exit(code)
}

// Check fails t when goroutines that t started are left at its end. Call it
// first, so that it looks last. It is of no use beside parallel tests, whose
// goroutines it can't tell from t's.
func Check(t testing.TB) {
	t.Helper()
	before := map[string]bool{}
	for _, g := range goroutines() {
		before[id(g)] = true
	}
	t.Cleanup(func() {
		if left := wait(before); len(left) > 0 {
			t.Errorf("%d goroutines outlive the test:\n\n%s", len(left), strings.Join(left, "\n\n"))
		}
	})
}

// wait returns the stacks of the goroutines that are left after patience,
// without those in before.
func wait(before map[string]bool) []string {
	deadline := time.Now().Add(patience)
	for {
		var left []string
		for _, g := range goroutines() {
			if !before[id(g)] {
				left = append(left, g)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(pause)
	}
}

// houses are the frames of goroutines that belong to the test binary itself.
var houses = []string{
	"testing.(*M).",
	"testing.(*T).Run(",
	"testing.(*F).",
	"testing.runTests(",
	"testing.runFuzzing(",
	"internal/fuzz.",
	"os/signal.signal_recv(", // started once by the first signal.Notify, for good
	"os/signal.loop(",
	"runtime.ensureSigM(",
	"runtime/trace.Start",
	"runtime/pprof.profileWriter(",
}

// goroutines returns the stack of each goroutine but the caller's and the test
// binary's own.
func goroutines() []string {
	buf := make([]byte, 1<<16)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	all := strings.Split(strings.TrimSpace(string(buf)), "\n\n")
	var mine []string
	for _, g := range all[1:] { // the first is the caller
		if !belongs(g) {
			mine = append(mine, g)
		}
	}
	return mine
}

func belongs(stack string) bool {
	for _, frame := range houses {
		if strings.Contains(stack, "\n"+frame) {
			return true
		}
	}
	return false
}

// id is the part of a stack's first line that names the goroutine for its life.
func id(stack string) string {
	name, _, _ := strings.Cut(stack, " [")
	return name
}
