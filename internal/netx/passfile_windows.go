package netx

import (
	"errors"
	"net"
	"os"
)

// SendFile is not to be had: sockets of this system carry no descriptors.
func SendFile(*net.UnixConn, *os.File) error { return errors.ErrUnsupported }

// ReceiveFile is not to be had.
func ReceiveFile(*net.UnixConn) (*os.File, error) { return nil, errors.ErrUnsupported }

// PeerUID is not to be had: this system has other names for users.
func PeerUID(*net.UnixConn) (uint32, error) { return 0, errors.ErrUnsupported }

// SocketPair is not to be had.
func SocketPair() (*net.UnixConn, *os.File, error) { return nil, nil, errors.ErrUnsupported }
