package login

import (
	"errors"
	"io"
	"os"
)

// Start is not supported on Windows yet.
func (r *Runner) Start(s Spec) (*Process, error) {
	if s.PTY != nil {
		s.PTY.Close()
	}
	return nil, errors.ErrUnsupported
}

// Signal is not supported on Windows.
func (p *Process) Signal(string) error { return errors.ErrUnsupported }

// OpenPTY is not supported on Windows yet.
func OpenPTY(Window) (*PTY, error) { return nil, errors.ErrUnsupported }

// Resize is not supported on Windows yet.
func (p *Process) Resize(Window) error { return errors.ErrUnsupported }

// IsEnd says whether an error of reading a process's output only means that
// there is no more.
func IsEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) }
