//go:build unix && !linux

package login

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// AsUser runs f with the rights of u. This system has no file-system identity
// of a thread, so root does it for root alone; when this process is not root, f
// runs with the rights there are.
func AsUser(u *User, f func() error) error {
	if os.Geteuid() == 0 && !u.root() {
		return fmt.Errorf("reading files as %s: %w: start the server as that user", u.Name, errors.ErrUnsupported)
	}
	return f()
}

func openReading(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
}
