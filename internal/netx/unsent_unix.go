//go:build linux || darwin

package netx

import (
	"net"

	"golang.org/x/sys/unix"
)

// LimitUnsent has the system take no more than about n bytes that it can't send
// yet: what waits, waits with us, where something urgent may still overtake it.
// It is of no consequence for other connections than TCP's.
func LimitUnsent(nc net.Conn, n int) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { // best effort
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, tcpNotSentLowAt, n)
	})
}
