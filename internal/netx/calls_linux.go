//go:build !race

package netx

import (
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A read or a write of a socket never waits when it is told not to, whatever
// others do to the socket's flags. So the runtime isn't told of it either: during
// a call that it knows of, it wakes a thread every 20 µs to see whether the call
// has become a long one, and when bulk data moves, some call always is under way.

var socketCalls = calls{read: socketRead, write: socketWrite, vector: true}

// callsOf are those for what a connection has for a descriptor.
func callsOf(raw syscall.RawConn) calls {
	c := plainCalls
	raw.Control(func(fd uintptr) { // a closed one says so at the first call
		if _, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TYPE); err == nil {
			c = socketCalls
		}
	})
	return c
}

func socketRead(fd uintptr, b []byte) (int, error) {
	return transfer(unix.SYS_RECVFROM, fd, b)
}

func socketWrite(fd uintptr, b []byte) (int, error) {
	return transfer(unix.SYS_SENDTO, fd, b)
}

// noWait are the flags of calls for sockets.
const noWait = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL

func transfer(call, fd uintptr, b []byte) (int, error) {
	errno := unix.EINTR
	var n uintptr
	for errno == unix.EINTR {
		n, _, errno = unix.RawSyscall6(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), noWait, 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// A vector is how the system is told of several buffers. It isn't on a stack,
// which could move.
type vector struct {
	head  unix.Msghdr
	parts [maxParts]unix.Iovec
}

// maxParts is how many buffers leave at once.
const maxParts = 32

// send writes what fits of the first buffers and returns how many bytes that were.
func (v *vector) send(fd uintptr, bufs net.Buffers) (int, error) {
	n := 0
	for _, b := range bufs[:min(len(bufs), maxParts)] {
		if len(b) > 0 {
			v.parts[n].Base = unsafe.SliceData(b)
			v.parts[n].SetLen(len(b))
			n++
		}
	}
	v.head.Iov = &v.parts[0]
	v.head.SetIovlen(n)
	errno := unix.EINTR
	var sent uintptr
	for errno == unix.EINTR {
		sent, _, errno = unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&v.head)), noWait)
	}
	clear(v.parts[:n])
	if errno != 0 {
		return 0, errno
	}
	return int(sent), nil
}
