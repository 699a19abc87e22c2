//go:build unix

package netx

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// SendFile passes a descriptor to the peer of a Unix socket, with one byte of
// data, as OpenSSH's programs do. f stays the caller's.
func SendFile(c *net.UnixConn, f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		_, _, failed = c.WriteMsgUnix([]byte{0}, unix.UnixRights(int(fd)), nil)
	}); err != nil {
		return err
	}
	return failed
}

// ReceiveFile takes a descriptor that SendFile passed, and the byte with it. The
// file is the caller's.
func ReceiveFile(c *net.UnixConn) (*os.File, error) {
	fd, err := receiveFD(c)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "passed"), nil
}

// ReceiveConn is ReceiveFile for a connected socket.
func ReceiveConn(c *net.UnixConn) (net.Conn, error) {
	f, err := ReceiveFile(c)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	nc, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("what was passed is no connection: %w", err)
	}
	return nc, nil
}

func receiveFD(c *net.UnixConn) (int, error) {
	var one [1]byte
	room := make([]byte, unix.CmsgSpace(4*4)) // what comes beyond one is closed, too
	n, used, _, _, err := c.ReadMsgUnix(one[:], room)
	if err != nil {
		return -1, err
	}
	var fds []int
	messages, err := unix.ParseSocketControlMessage(room[:used])
	for i := range messages {
		if more, err := unix.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, more...)
		}
	}
	if err == nil && n == 1 && len(fds) == 1 {
		unix.CloseOnExec(fds[0])
		return fds[0], nil
	}
	for _, fd := range fds {
		unix.Close(fd)
	}
	return -1, errors.New("no descriptor came where one was due")
}

// PeerUID is the user who connected a Unix socket, or listens at its other end.
func PeerUID(c *net.UnixConn) (uid uint32, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { uid, failed = peerUID(int(fd)) }); err != nil {
		return 0, err
	}
	return uid, failed
}

// SocketPair makes two ends of a connection: one for this process, one as a file
// to pass on. Both are the caller's.
func SocketPair() (*net.UnixConn, *os.File, error) {
	syscall.ForkLock.RLock() // no other child inherits them
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	theirs := os.NewFile(uintptr(fds[1]), "socketpair")
	f := os.NewFile(uintptr(fds[0]), "socketpair")
	defer f.Close()
	nc, err := net.FileConn(f)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	ours, ok := nc.(*net.UnixConn)
	if !ok {
		nc.Close()
		theirs.Close()
		return nil, nil, errors.New("a socket pair is of another kind than asked for")
	}
	return ours, theirs, nil
}
