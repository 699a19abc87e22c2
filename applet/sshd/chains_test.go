package sshd

import (
	"runtime"
	"testing"
)

// A user's process has a thread for each connection, as far as there are
// processors, and leaves alone what the administrator has set.
func TestThreadsOfConnections(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var c chains
	for _, step := range []struct{ add, want int }{
		{1, 1}, {1, min(2, runtime.NumCPU())}, {1000, runtime.NumCPU()}, {-1001, 1}, {-1, 1},
	} {
		c.add(step.add)
		if got := runtime.GOMAXPROCS(0); got != step.want {
			t.Errorf("%d threads for %d connections, want %d", got, c.n, step.want)
		}
	}
	runtime.GOMAXPROCS(2)
	fixed := chains{fixed: true}
	if fixed.add(1); runtime.GOMAXPROCS(0) != 2 {
		t.Errorf("%d threads, though 2 were asked for", runtime.GOMAXPROCS(0))
	}
}
