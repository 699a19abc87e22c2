//go:build !linux || race

package netx

import (
	"errors"
	"net"
	"syscall"
)

// The race detector knows nothing of calls that the runtime isn't told of.

func callsOf(syscall.RawConn) calls { return plainCalls }

// A vector is sent where there is a call of its own for it.
type vector struct{}

func (*vector) send(uintptr, net.Buffers) (int, error) { return 0, errors.ErrUnsupported }
