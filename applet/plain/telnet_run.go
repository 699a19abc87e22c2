package plain

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/telnet"
	"github.com/nacre-ssh/nacre/term"
)

// A plainConn is a connection as its protocol sees it.
type plainConn interface {
	io.ReadWriteCloser
	Resize(columns, rows uint16) error
	EndOfInput() error
	Mode() telnet.Mode
}

// A plainRun carries bytes between a person or a pipe and a plainConn.
type plainRun struct {
	e      *door.Env
	c      plainConn
	in     *typedInput
	screen *plainScreen
	keys   *typist
	guard  *term.Guard // nil where standard input is no terminal, and with cooked
	cooked bool        // the terminal stays as it is: the system edits lines

	// escape is called when the escape character was typed; it returns true when
	// the session is over. Nil: nothing that is typed has a meaning here.
	escape func() (over bool)
	// quiet is how long the other side may be silent after the end of a piped
	// input; 0 waits for its end.
	quiet time.Duration
	heard atomic.Int64 // when it last said something, in Unix nanoseconds
}

// errLeft says that the user ended the session.
var errLeft = errors.New("left")

func newPlainRun(e *door.Env, c plainConn) *plainRun {
	r := &plainRun{e: e, c: c, in: &typedInput{file: e.Stdin}}
	r.screen = &plainScreen{out: e.Stdout, end: "\n", lines: func() bool { return (r.guard != nil || r.escape != nil) && c.Mode().Echo }}
	r.keys = newTypist(c, r.screen)
	return r
}

// run carries until one side ends: nil is the other side's end in order, errLeft
// the user's.
func (r *plainRun) run(ctx context.Context) error {
	defer term.Rescue()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if term.IsTerminal(r.e.Stdin) {
		if err := r.sit(ctx); err != nil {
			return err
		}
	}
	if r.guard != nil {
		defer r.guard.Close()
	}
	over := make(chan error, 1)
	go func() {
		defer term.Rescue()
		over <- r.receive()
	}()
	return r.carry(over)
}

// sit prepares the terminal.
func (r *plainRun) sit(ctx context.Context) (err error) {
	window := r.e.Stdin
	if term.IsTerminal(r.e.Stdout) {
		window = r.e.Stdout
	}
	term.WatchSize(ctx, window, func(s term.Size) {
		r.c.Resize(uint16(min(s.Columns, 0xffff)), uint16(min(s.Rows, 0xffff))) // a lost connection is told by receive
	})
	if !r.cooked {
		r.guard, err = term.Raw(r.e.Stdin)
		r.screen.end, r.keys.person = "\r\n", true
	}
	return err
}

func (r *plainRun) carry(over <-chan error) error {
	for {
		select {
		case err := <-over:
			return err
		case typed := <-r.in.next():
			if err := r.take(typed, over); err != nil {
				return onlyOver(err)
			}
			if typed.err != nil {
				return r.ended(over)
			}
		}
	}
}

// errOver is the other side's end in order, as an error inside.
var errOver = errors.New("over")

func onlyOver(err error) error {
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

// take sends what was typed, up to the escape character if there is one.
func (r *plainRun) take(typed chunk, over <-chan error) error {
	rest, act, err := r.send(typed.bytes)
	if err != nil {
		// A connection that can't be written to has a reason to tell.
		if e := <-over; e != nil {
			return e
		}
		return errOver
	}
	r.in.unread(rest)
	if act == keyLeave || act == keyCommand && r.escape() {
		return errLeft
	}
	if act == keyStop {
		r.stop()
	}
	return nil
}

// stop stops this program, where a shell can wake it.
func (r *plainRun) stop() {
	if r.guard != nil {
		r.guard.Stop()
	}
}

func (r *plainRun) send(b []byte) (rest []byte, act keyAction, err error) {
	if r.guard == nil && r.escape == nil {
		_, err = r.c.Write(b)
		return nil, keyNothing, err
	}
	return r.keys.typed(b)
}

// ended is the end of the input. A terminal that is gone ends the session, a
// pipe that ended may still want the answer.
func (r *plainRun) ended(over <-chan error) error {
	if r.guard != nil {
		return errLeft
	}
	if r.quiet == 0 {
		if err := r.c.EndOfInput(); err != nil {
			return err
		}
		return <-over
	}
	r.heard.Store(time.Now().UnixNano())
	for {
		left := r.quiet - time.Since(time.Unix(0, r.heard.Load()))
		if left <= 0 {
			return nil
		}
		select {
		case err := <-over:
			return err
		case <-time.After(left):
		}
	}
}

// receive shows what comes, to the end.
func (r *plainRun) receive() error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.c.Read(buf)
		r.heard.Store(time.Now().UnixNano())
		if n > 0 {
			if _, err := r.screen.Write(buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// away gives the terminal back while do runs: for commands, for other programs.
// What the other side says meanwhile waits.
func (r *plainRun) away(do func()) {
	r.screen.mu.Lock()
	defer r.screen.mu.Unlock()
	if r.guard != nil {
		_ = r.guard.Suspend() // worse than raw is only not to get there
		defer r.guard.Resume()
	}
	do()
}
