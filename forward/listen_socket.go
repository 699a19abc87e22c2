package forward

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
)

// SocketOptions say how a Unix socket is made (ssh_config(5),
// StreamLocalBindMask and StreamLocalBindUnlink).
type SocketOptions struct {
	// Mode are the permissions; the zero value stands for 0600.
	Mode fs.FileMode
	// Unlink removes what is in the way.
	Unlink bool
}

// ListenSocket listens on a Unix socket. An error is ErrListen, and the log says
// what is behind it.
func ListenSocket(path string, o SocketOptions, log *slog.Logger) (*Sockets, error) {
	if len(path) > maxPath || path == "" {
		log.Error(fmt.Sprintf("unix_listener: path \"%s\" too long for Unix domain socket", path))
		return nil, ErrListen
	}
	path = socketPath(path)
	if o.Unlink {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Error(fmt.Sprintf("unlink(%s): %s", path, reason(err)))
		}
	}
	if o.Mode == 0 {
		o.Mode = 0o600
	}
	l, err := bindSocket(path, o.Mode)
	if err != nil {
		log.Error(fmt.Sprintf("unix_listener: cannot bind to path %s: %s", path, reason(err)))
		return nil, ErrListen
	}
	l.SetUnlinkOnClose(false) // Close looks first whether it is still ours
	s := &Sockets{list: []net.Listener{l}, path: path, over: make(chan struct{})}
	if made, err := os.Lstat(path); err == nil {
		s.made = made
	}
	log.Debug(fmt.Sprintf("Local forwarding listening on path %s.", path))
	return s, nil
}
