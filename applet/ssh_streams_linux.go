package applet

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is what pipes are asked to hold, in bytes: fewer changes between the
// processes at their ends. It is what an unprivileged user may have.
const pipeSize = 1 << 20

// enlarge has a pipe hold more.
func enlarge(f *os.File) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		if size, err := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0); err == nil && size < pipeSize {
			unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) // best effort
		}
	})
}
