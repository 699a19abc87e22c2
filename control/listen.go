package control

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// systemPath is the longest path of a socket that the system takes, in bytes.
func systemPath() int {
	if runtime.GOOS == "linux" || runtime.GOOS == "windows" {
		return 107
	}
	return 103
}

// maxPath is the longest path to make a socket at: with room for the name that it
// has at first.
func maxPath() int { return systemPath() - suffixLength - 1 }

// CheckPath refuses a path that no socket can have.
func CheckPath(path string) error { return checkLength(path, systemPath()) }

func checkLength(path string, most int) error {
	if len(path) > most {
		return fmt.Errorf("ControlPath too long ('%s' has %d bytes, %d may be: %%C makes a short one)", path, len(path), most)
	}
	return nil
}

// suffixLength is as in OpenSSH: people choose their ControlPath by it.
const suffixLength = 16

// ErrExists says that there is a socket already.
var ErrExists = errors.New("it exists already")

// ErrUnsafe is for a directory in which others could take the socket's place.
var ErrUnsafe = errors.New("others can change the directory")

// A Listener is a master's socket. Close removes it.
type Listener struct {
	*net.UnixListener
	path string
	once sync.Once
}

// Listen makes a socket at path, for this user alone. It comes into being ready:
// who finds it can connect. ErrExists is for a path
// that is taken, ErrUnsafe for a directory that others can change.
func Listen(path string) (*Listener, error) {
	if err := checkLength(path, maxPath()); err != nil {
		return nil, err
	}
	if err := checkDirectory(filepath.Dir(path)); err != nil {
		return nil, err
	}
	path = local(path)
	first := path + "." + rand.Text()[:suffixLength]
	l, err := listenPrivately(first)
	if err != nil {
		return nil, fmt.Errorf("making the socket %s: %w", path, plain(err))
	}
	l.SetUnlinkOnClose(false)
	err = os.Link(first, path)
	if rmErr := os.Remove(first); err == nil {
		err = rmErr
	}
	if err != nil {
		l.Close()
		if errors.Is(err, fs.ErrExist) {
			return nil, ErrExists
		}
		return nil, fmt.Errorf("making the socket %s: %w", path, plain(err))
	}
	return &Listener{UnixListener: l, path: path}, nil
}

// local is a path as package net takes it, for which "@" begins another kind of
// name.
func local(path string) string {
	if strings.HasPrefix(path, "@") {
		return "./" + path
	}
	return path
}

// plain is an error of the system without the names that package os puts around
// it.
func plain(err error) error {
	var link *os.LinkError
	var op *net.OpError
	var call *os.SyscallError
	var file *fs.PathError
	switch {
	case errors.As(err, &file):
		return file.Err
	case errors.As(err, &link):
		return link.Err
	case errors.As(err, &call):
		return call.Err
	case errors.As(err, &op):
		return op.Err
	}
	return err
}

// Close stops listening and removes the socket.
func (l *Listener) Close() error {
	l.once.Do(func() { os.Remove(l.path) })
	return l.UnixListener.Close()
}
