package sshd

import (
	"runtime/debug"
	"sync"
	"time"
)

// tidyAfter is how long no connection may have come until what the last ones
// left behind is given back to the system.
const tidyAfter = 3 * time.Second

// A tidier gives memory back after a burst of connections: a server that waits
// with thousands of them allocates nothing, and so its garbage, and the stacks
// that handshakes have grown, would stay. The zero value is ready.
type tidier struct {
	mu    sync.Mutex
	timer *time.Timer
	came  int
}

// tidyBurst is how many connections are worth it: collecting costs some
// milliseconds.
const tidyBurst = 16

// note counts a connection.
func (t *tidier) note() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.came++
	if t.timer == nil {
		t.timer = time.AfterFunc(tidyAfter, t.tidy)
		return
	}
	t.timer.Reset(tidyAfter)
}

func (t *tidier) tidy() {
	t.mu.Lock()
	enough := t.came >= tidyBurst
	if enough {
		t.came = 0
	}
	t.mu.Unlock()
	if enough {
		debug.FreeOSMemory()
	}
}
