//go:build unix

package netx

import (
	"os"
	"runtime"
	"sync"
	"syscall"
)

// A gate is a pipe that its user waits at until the runtime has looked at all
// descriptors: it puts a byte in itself, and is woken with whoever else has
// something to read by then.
type gate struct {
	r, w   *os.File
	raw    syscall.RawConn
	step   func(fd uintptr) bool
	b      [1]byte
	put    bool
	failed bool
}

// maxGates is how many gates are kept that nobody waits at.
const maxGates = 16

// gates are those. There are as many as goroutines have yielded at the same time.
var gates struct {
	mu   sync.Mutex
	free []*gate
}

// takeGate returns one, nil when there are too many open files.
func takeGate() *gate {
	gates.mu.Lock()
	defer gates.mu.Unlock()
	last := len(gates.free) - 1
	if last < 0 {
		return newGate()
	}
	g := gates.free[last]
	gates.free = gates.free[:last]
	return g
}

// leave gives a gate back, or closes it.
func (g *gate) leave(broken bool) {
	gates.mu.Lock()
	defer gates.mu.Unlock()
	if broken || len(gates.free) == maxGates {
		g.r.Close()
		g.w.Close()
		return
	}
	gates.free = append(gates.free, g)
}

func newGate() *gate {
	g := new(gate)
	var err error
	if g.r, g.w, err = os.Pipe(); err != nil {
		return nil
	}
	g.raw, _ = g.r.SyscallConn() // fails for a nil file alone
	g.step = g.try
	return g
}

// try puts the byte in, waits, and takes it out.
func (g *gate) try(fd uintptr) bool {
	if !g.put {
		_, err := g.w.Write(g.b[:])
		g.put, g.failed = err == nil, err != nil
		return g.failed
	}
	_, err := readFD(fd, g.b[:])
	g.put = wouldBlock(err)
	return !g.put
}

// lookAround lets those run that can, and those whose descriptors are ready.
func lookAround() {
	if g := takeGate(); g != nil {
		err := g.raw.Read(g.step)
		g.leave(err != nil || g.failed)
	}
	runtime.Gosched() // who was woken with us comes first
}
