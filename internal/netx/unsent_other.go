//go:build !linux && !darwin

package netx

import "net"

// LimitUnsent does nothing: this system takes as much as its buffer holds.
func LimitUnsent(net.Conn, int) {}
