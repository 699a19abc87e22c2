package netx

import (
	"net"
	"syscall"
)

// SetQoS gives the packets of a connection a class of service, as [SetRawQoS]
// does. A connection without a socket of its own is left alone.
func SetQoS(nc net.Conn, class int) error {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil // of what it wraps, none is a socket
	}
	return SetRawQoS(raw, class)
}
