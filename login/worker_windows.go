package login

import (
	"context"
	"errors"
)

type workerSide struct{}

type workerConn struct{}

func (*workerSide) log(text) {}

func (*workerSide) sign(context.Context, *Handed, string, []byte) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// RunWorker is not supported on Windows: one process serves its one user.
func RunWorker(context.Context, func(context.Context, *Handed)) error { return errors.ErrUnsupported }

// PrepareMonitor has nothing to prepare on Windows.
func PrepareMonitor() error { return nil }
