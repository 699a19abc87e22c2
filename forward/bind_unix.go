//go:build unix && !linux

package forward

import (
	"io/fs"
	"net"
	"sync"
	"syscall"
)

var masking sync.Mutex

// bindSocket listens on a Unix socket that is made with a mode. The umask is
// the process's; files that others make meanwhile get the stricter of two.
func bindSocket(path string, mode fs.FileMode) (*net.UnixListener, error) {
	masking.Lock()
	defer masking.Unlock()
	old := syscall.Umask(int(0o777 &^ mode.Perm()))
	defer syscall.Umask(old)
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}
