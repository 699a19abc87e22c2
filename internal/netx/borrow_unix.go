//go:build unix

package netx

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// An inherited descriptor shares its state with the shell that it came from, and
// with whoever reads there next. So it is never made non-blocking, and a read
// never waits in it: it would take a key that is meant for the shell once a
// session has ended.

// Borrow makes a reader of an inherited input. Close ends a Read that waits, and
// leaves f open; no byte is taken from f after it has returned.
func Borrow(f *os.File) io.ReadCloser {
	if own := reopen(f, unix.O_RDONLY); own != nil {
		return own
	}
	r, w, err := os.Pipe()
	if err != nil {
		return io.NopCloser(f)
	}
	return &patient{f: f, wake: r, waker: w, turn: make(chan struct{}, 1)}
}

// Reopen opens an inherited pipe or terminal for writing once more, as a file
// description of our own that doesn't block; nil where that can't be done, as
// with a socket or without /proc.
func Reopen(f *os.File) *os.File { return reopen(f, unix.O_WRONLY) }

// A patient waits in poll(2) and reads what is there.
type patient struct {
	f           *os.File
	wake, waker *os.File
	turn        chan struct{} // held while a byte may be taken
	closed      atomic.Bool
	once        sync.Once
}

// lastRead is how long Close waits for a read that poll(2) has promised, and
// that another process was quicker with.
const lastRead = 50 * time.Millisecond

// Read returns io.EOF at the end of the file and once it is closed.
func (p *patient) Read(b []byte) (n int, err error) {
	raw, err := p.f.SyscallConn()
	if err != nil {
		return 0, err
	}
	for {
		again := false
		if cerr := raw.Control(func(fd uintptr) { n, again, err = p.attempt(int(fd), b) }); cerr != nil {
			return 0, cerr
		}
		if !again {
			return n, err
		}
	}
}

// attempt waits and reads once.
func (p *patient) attempt(fd int, b []byte) (n int, again bool, err error) {
	switch err := p.wait(fd); {
	case err == unix.EINTR:
		return 0, true, nil
	case err != nil:
		return 0, false, err
	}
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	if p.closed.Load() {
		return 0, false, io.EOF
	}
	n, err = unix.Read(fd, b)
	switch {
	case err == unix.EAGAIN, err == unix.EINTR:
		return 0, true, nil
	case err != nil:
		return 0, false, err
	case n == 0:
		return 0, false, io.EOF
	}
	return n, false, nil
}

// wait returns when there may be something to read, or the reader is closed.
func (p *patient) wait(fd int) error {
	raw, err := p.wake.SyscallConn()
	if err != nil {
		return err
	}
	cerr := raw.Control(func(wake uintptr) {
		_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}, -1)
	})
	if cerr != nil {
		return cerr
	}
	return err
}

// Close ends a Read that waits.
func (p *patient) Close() error {
	p.once.Do(func() {
		p.closed.Store(true)
		p.waker.Close()
		select {
		case p.turn <- struct{}{}:
			<-p.turn
		case <-time.After(lastRead):
		}
	})
	return nil
}
