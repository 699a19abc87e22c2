package login

import (
	"errors"
	"syscall"
)

// worker does not exist on Windows: one process holds all connections.
type worker struct {
	key, user string
	pid       int
	logs      bucket
	unlogged  int
	signers   chan struct{}
}

func (s *Supervisor) spawn(Context) (*worker, error)  { return nil, errors.ErrUnsupported }
func (w *worker) send([]byte, syscall.Conn) error     { return errors.ErrUnsupported }
func (w *worker) answer(*signed)                      {}
func (w *worker) read(func(byte, []byte) error) error { return errors.ErrUnsupported }
func (w *worker) hangup()                             {}
func (w *worker) kill()                               {}
func (w *worker) wait() string                        { return "" }
