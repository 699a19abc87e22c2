package forward

import (
	"io/fs"
	"net"
	"runtime"

	"golang.org/x/sys/unix"
)

// bindSocket listens on a Unix socket that is made with a mode. A umask
// belongs to the whole process, where other goroutines make files and start
// programs; so a thread of its own takes leave of the others' first, and ends.
func bindSocket(path string, mode fs.FileMode) (*net.UnixListener, error) {
	type result struct {
		l   *net.UnixListener
		err error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			done <- result{nil, err}
			return
		}
		unix.Umask(int(0o777 &^ mode.Perm()))
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		done <- result{l, err}
	}()
	r := <-done
	return r.l, r.err
}
