package term

import (
	"fmt"
	"os"
	"slices"
	"sync"

	xterm "golang.org/x/term"
)

// A Guard holds a terminal in raw mode. Close gives the terminal back as it was;
// so do [RestoreAll], [Rescue] and a signal that ends the process. All methods
// may be called from any goroutine, and Close as often as one likes. Made by
// Raw; the zero value is closed.
type Guard struct {
	mu    sync.Mutex
	file  *os.File
	state *xterm.State    // how it was; nil when closed
	shown func()          // gives back what shows the output, where that is apart; else nil
	stop  func()          // ends the signal watch
	ends  func(os.Signal) // is called instead of ending; nil: the signal ends the process

	stops chan chan struct{} // asks the watch to stop the process
}

// guards are the open ones, for the ways out that know no Guard.
var guards struct {
	sync.Mutex
	open []*Guard
}

// Raw switches a terminal to raw mode: every key reaches the reader at once,
// nothing is echoed, ^C is a byte.
func Raw(f *os.File) (*Guard, error) {
	g := &Guard{file: f, stops: make(chan chan struct{})}
	if err := g.enter(); err != nil {
		return nil, fmt.Errorf("switching the terminal to raw mode: %w", err)
	}
	guards.Lock()
	guards.open = append(guards.open, g)
	guards.Unlock()
	g.stop = g.watch()
	return g, nil
}

// enter makes the terminal raw and keeps how it was.
func (g *Guard) enter() (err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e := control(g.file, func(fd int) { g.state, err = xterm.MakeRaw(fd) }); e != nil {
		return e
	}
	if err == nil {
		g.shown = rawOutput()
	}
	return err
}

// EndWith has a signal that would end the process call a function instead, once
// the terminal is given back.
func (g *Guard) EndWith(f func(os.Signal)) {
	g.mu.Lock()
	g.ends = f
	g.mu.Unlock()
}

// end calls that function, if there is one.
func (g *Guard) end(s os.Signal) (called bool) {
	g.mu.Lock()
	f := g.ends
	g.mu.Unlock()
	if f != nil {
		f(s)
	}
	return f != nil
}

// Suspend gives the terminal back for a while, such as for a prompt or a stop;
// Resume makes it raw again.
func (g *Guard) Suspend() error { return g.leave() }

// Resume makes the terminal raw again after Suspend. On a closed guard it does
// nothing.
func (g *Guard) Resume() error {
	guards.Lock()
	open := slices.Contains(guards.open, g)
	guards.Unlock()
	if !open {
		return nil
	}
	return g.enter()
}

func (g *Guard) leave() (err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == nil {
		return nil
	}
	if g.shown != nil {
		g.shown()
	}
	state := g.state
	g.state = nil
	if e := control(g.file, func(fd int) { err = xterm.Restore(fd, state) }); e != nil {
		return e
	}
	return err
}

// Close gives the terminal back.
func (g *Guard) Close() error {
	guards.Lock()
	at := slices.Index(guards.open, g)
	if at >= 0 {
		guards.open = slices.Delete(guards.open, at, at+1)
	}
	guards.Unlock()
	if at >= 0 && g.stop != nil {
		g.stop()
	}
	return g.leave()
}

// RestoreAll gives back every terminal that a Guard holds. A program calls it
// before os.Exit, which runs no deferred Close.
func RestoreAll() {
	guards.Lock()
	open := slices.Clone(guards.open)
	guards.Unlock()
	for _, g := range open {
		_ = g.leave() // on the way out there is nobody to tell
	}
}

// Rescue is deferred at the start of a goroutine: when that panics, terminals
// are given back before the panic goes on, so that its text can be read.
//
//	go func() {
//		defer term.Rescue()
//		...
//	}()
func Rescue() {
	if reason := recover(); reason != nil {
		RestoreAll()
		panic(reason)
	}
}
