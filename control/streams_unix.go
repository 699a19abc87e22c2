//go:build unix

package control

import (
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// A client's descriptors share their state with the shell that it came from, and
// with whoever reads there next. So they are never made non-blocking, and a read
// never waits in them: it would take a key that is meant for the shell once the
// session has ended.

// borrow makes a reader of a client's input. Close ends a Read that waits, and
// leaves the file open.
func borrow(f *os.File) io.ReadCloser {
	if own := reopen(f, unix.O_RDONLY); own != nil {
		return own
	}
	r, w, err := os.Pipe()
	if err != nil {
		return io.NopCloser(f)
	}
	return &patient{f: f, wake: r, waker: w}
}

// writable makes a writer of a client's output, with no descriptor to see where
// a write could wait: the connection's reader must not.
func writable(f *os.File) io.Writer {
	if own := reopen(f, unix.O_WRONLY); own != nil {
		return own
	}
	return slow{f}
}

// slow hides a file's descriptor.
type slow struct{ io.Writer }

// A patient waits in poll(2) and reads what is there.
type patient struct {
	f           *os.File
	wake, waker *os.File
	once        sync.Once
}

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
	woken := -1
	if raw, rerr := p.wake.SyscallConn(); rerr == nil {
		raw.Control(func(w uintptr) {
			list := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(w), Events: unix.POLLIN}}
			if _, err = unix.Poll(list, -1); err == nil {
				woken = int(list[1].Revents)
			}
		})
	}
	switch {
	case err == unix.EINTR:
		return 0, true, nil
	case err != nil:
		return 0, false, err
	case woken != 0:
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

// Close ends a Read that waits.
func (p *patient) Close() error {
	p.once.Do(func() { p.waker.Close() })
	return nil
}
