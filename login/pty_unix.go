//go:build unix

package login

import (
	"fmt"
	"os"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// OpenPTY opens a pseudo-terminal of the given size. It belongs to the user that
// this process runs as.
func OpenPTY(w Window) (*PTY, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("opening a terminal: %w", err)
	}
	name := slave.Name()
	// The library left the master in blocking mode, where a read would hold an
	// operating-system thread for as long as the session is quiet.
	waiting, err := pollable(master)
	master.Close()
	if err != nil {
		slave.Close()
		return nil, fmt.Errorf("opening a terminal: %w", err)
	}
	p := &PTY{Master: waiting, Slave: slave, Name: name}
	if err := resize(waiting, w); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// pollable returns a duplicate of f that the runtime's poller waits for.
func pollable(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), syscall.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// resize sets the size through the file's own lock: Fd would make it blocking.
func resize(master *os.File, w Window) error {
	raw, err := master.SyscallConn()
	if err != nil {
		return err
	}
	size := &unix.Winsize{Row: w.Rows, Col: w.Cols, Xpixel: w.Width, Ypixel: w.Height}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size)
	}); err != nil {
		return err
	}
	return failed
}

// Resize sets the size of the process's terminal, which tells its foreground
// processes. Without a terminal it does nothing.
func (p *Process) Resize(w Window) error {
	if p.Stderr != nil {
		return nil
	}
	return resize(p.Stdout, w)
}
