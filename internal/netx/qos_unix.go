//go:build unix

package netx

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// SetRawQoS gives the packets of a socket a class of service: the byte of the IP
// header, IP_TOS or IPV6_TCLASS, with the class in its upper six bits (RFC 2474).
// What is no IP socket, such as a pipe or a Unix socket, has no packets and is
// left alone.
func SetRawQoS(raw syscall.RawConn, class int) error {
	var failed error
	err := raw.Control(func(fd uintptr) { failed = setQoS(int(fd), class) })
	return errors.Join(err, failed)
}

func setQoS(fd, class int) error {
	name, err := unix.Getsockname(fd)
	if err != nil {
		return nil // no socket
	}
	level, option := unix.IPPROTO_IP, unix.IP_TOS
	switch at := name.(type) {
	case *unix.SockaddrInet4:
	case *unix.SockaddrInet6:
		if !mapped(at.Addr) {
			level, option = unix.IPPROTO_IPV6, unix.IPV6_TCLASS
		}
	default:
		return nil
	}
	if err := unix.SetsockoptInt(fd, level, option, class); err != nil {
		return fmt.Errorf("setting the class of service 0x%02x: %w", class, err)
	}
	return nil
}

// mapped says whether an address is an IPv4 one in IPv6's clothes (RFC 4291,
// section 2.5.5.2): its packets are IPv4's.
func mapped(a [16]byte) bool {
	return [12]byte(a[:12]) == [12]byte{10: 0xff, 11: 0xff}
}
