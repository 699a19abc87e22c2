package netx

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// reopen opens a pipe or a terminal again, without blocking; nil where that
// can't be done, as with a socket or without /proc.
func reopen(f *os.File, mode int) *os.File {
	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeCharDevice) == 0 {
		return nil
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	var own *os.File
	raw.Control(func(fd uintptr) {
		path := "/proc/self/fd/" + strconv.Itoa(int(fd))
		if n, err := unix.Open(path, mode|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0); err == nil {
			own = os.NewFile(uintptr(n), f.Name())
		}
	})
	return own
}
