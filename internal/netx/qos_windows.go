package netx

import (
	"errors"
	"syscall"
)

// SetRawQoS is not supported: Windows gives packets a class by policy alone and
// ignores what a program sets.
func SetRawQoS(syscall.RawConn, int) error { return errors.ErrUnsupported }
