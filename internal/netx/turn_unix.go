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
	put    bool
	failed bool
}

// gates are those that nobody waits at. There are as many as goroutines have
// yielded at the same time.
var gates = sync.Pool{New: func() any { return newGate() }}

func newGate() *gate {
	g := new(gate)
	var err error
	if g.r, g.w, err = os.Pipe(); err != nil {
		return nil // too many open files
	}
	if g.raw, err = g.r.SyscallConn(); err != nil {
		return nil
	}
	g.step = g.try
	return g
}

// try puts the byte in, waits, and takes it out.
func (g *gate) try(fd uintptr) bool {
	var b [1]byte
	if !g.put {
		_, err := g.w.Write(b[:])
		g.put, g.failed = err == nil, err != nil
		return g.failed
	}
	_, err := readFD(fd, b[:])
	g.put = wouldBlock(err)
	return !g.put
}

// lookAround lets those run that can, and those whose descriptors are ready.
func lookAround() {
	if g, _ := gates.Get().(*gate); g != nil {
		if err := g.raw.Read(g.step); err == nil && !g.failed {
			gates.Put(g)
		}
	}
	runtime.Gosched() // who was woken with us comes first
}
