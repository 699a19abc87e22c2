package forward

import (
	"io/fs"
	"net"
)

// bindSocket listens on a Unix socket. Windows gives it the directory's access
// list; there is no mask.
func bindSocket(path string, _ fs.FileMode) (*net.UnixListener, error) {
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}
