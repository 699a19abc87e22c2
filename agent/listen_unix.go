//go:build linux || darwin || freebsd

package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/internal/netx"
)

// Listen makes a socket, mode 0600 whatever the directory is. It doesn't replace
// what is there.
func Listen(path string) (net.Listener, error) {
	var l *net.UnixListener
	err := underMask(func() (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make the agent's socket: %w", err)
	}
	return l, nil
}

// underMask does something while new files are for this user alone. The mask is
// the process's; nothing else makes files while an agent starts.
func underMask(do func() error) error {
	old := syscall.Umask(0o177)
	defer syscall.Umask(old)
	return do()
}

// PrivateDir makes a directory of mode 0700, or checks one that is there: it
// must be this user's, a directory itself, and closed to others.
func PrivateDir(path string) error {
	if err := os.Mkdir(path, 0o700); err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", path)
	case !ok || int(stat.Uid) != os.Geteuid():
		return fmt.Errorf("%s is another user's", path)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s is open to others; run: chmod 700 %s", path, getopt.Quoted(path))
	}
	return nil
}

// Stale reports whether a socket has nobody behind it.
func Stale(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket || len(path) >= maxPath {
		return false
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	if unix.SetNonblock(fd, true) != nil {
		return false
	}
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: filepath.Clean(path)})
	return errors.Is(err, unix.ECONNREFUSED)
}

// maxPath is what a socket's address has room for on the narrowest system.
const maxPath = 104

// checkPeer refuses other users' processes, but the superuser's.
func checkPeer(conn net.Conn) error {
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return nil
	}
	uid, err := netx.PeerUID(c)
	if err != nil {
		return fmt.Errorf("ask who it is: %w", err)
	}
	if uid != 0 && int(uid) != os.Getuid() {
		return fmt.Errorf("user %d asks, and this is user %d's agent", uid, os.Getuid())
	}
	return nil
}
