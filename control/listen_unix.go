//go:build unix

package control

import (
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// umasks keeps two goroutines from restoring each other's umask.
var umasks sync.Mutex

// listenPrivately makes the socket with mode 0600 from its first moment.
func listenPrivately(path string) (*net.UnixListener, error) {
	umasks.Lock()
	defer umasks.Unlock()
	old := syscall.Umask(0o177)
	defer syscall.Umask(old)
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}

// checkDirectory refuses one in which others could put a socket of theirs in the
// place of ours.
func checkDirectory(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("making a socket in the directory %s: %w", dir, plain(err))
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() {
		return fmt.Errorf("%s is no directory", dir)
	}
	shared := info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0
	if shared || owner.Uid != 0 && int64(owner.Uid) != int64(os.Geteuid()) {
		return fmt.Errorf("%w %s, where the socket would be (choose one of your own, or chmod 700 it)", ErrUnsafe, dir)
	}
	return nil
}
