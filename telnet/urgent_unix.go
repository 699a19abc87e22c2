//go:build unix

package telnet

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// An input reads a connection and knows where its urgent data is. TCP has one
// urgent byte at a time; here it stays in its place among the others, which is
// the only way not to lose it when the next one comes.
type input struct {
	nc  net.Conn
	raw syscall.RawConn // nil where the connection is no TCP of this machine
	// mark says after a read that its first byte is the urgent one.
	mark bool
}

func newInput(nc net.Conn) *input {
	in := &input{nc: nc}
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return in
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return in
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_OOBINLINE, 1)
	})
	if err == nil && set == nil {
		in.raw = raw
	}
	return in
}

// read is a Read that also says whether an urgent byte is in p or still to
// come. It never reads past the place before an urgent byte.
func (in *input) read(p []byte) (n int, urgent bool, err error) {
	if in.raw == nil || len(p) == 0 {
		n, err = in.nc.Read(p)
		return n, false, err
	}
	var failed error
	err = in.raw.Read(func(fd uintptr) bool {
		n, urgent, failed = in.try(int(fd), p)
		return failed != unix.EAGAIN
	})
	switch {
	case err != nil:
		return 0, false, err
	case failed != nil:
		return 0, false, &net.OpError{Op: "read", Net: "tcp", Source: in.nc.LocalAddr(), Addr: in.nc.RemoteAddr(), Err: os.NewSyscallError("read", failed)}
	case n == 0:
		return 0, urgent, io.EOF
	}
	return n, urgent, nil
}

// try reads what is there. Looking comes first: once there are bytes, what is
// urgent among them is known.
func (in *input) try(fd int, p []byte) (n int, urgent bool, err error) {
	n, err = retry(func() (int, error) {
		n, _, err := unix.Recvfrom(fd, p, unix.MSG_PEEK)
		return n, err
	})
	if err != nil || n == 0 {
		return 0, false, err
	}
	ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}
	_, err = retry(func() (int, error) { return unix.Poll(ready, 0) })
	urgent = err == nil && ready[0].Revents&unix.POLLPRI != 0
	at, err := unix.IoctlGetInt(fd, unix.SIOCATMARK)
	in.mark = err == nil && at != 0 && urgent
	n, err = retry(func() (int, error) { return unix.Read(fd, p[:n]) })
	return n, urgent, err
}

// retry repeats a system call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// sendUrgent sends one byte as TCP's urgent data, or in line where there is no
// such thing.
func sendUrgent(nc net.Conn, b byte) error {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		_, err := nc.Write([]byte{b})
		return err
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		_, failed = unix.SendmsgN(int(fd), []byte{b}, nil, nil, unix.MSG_OOB)
		return failed != unix.EAGAIN && failed != unix.EINTR
	})
	if err != nil {
		return err
	}
	return os.NewSyscallError("sendmsg", failed)
}
