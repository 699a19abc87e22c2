package applet

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// pipeSize is what pipes are asked to hold, in bytes: fewer changes between the
// processes at their ends. It is what an unprivileged user may have.
const pipeSize = 1 << 20

// bulkInput prepares standard input for bulk.
func bulkInput(f *os.File) io.Reader {
	enlarge(f)
	return f
}

// bulkOutput is how to write to an inherited stream. The connection's reader may
// write only what can't wait, so a pipe or a terminal is opened once more, as a
// file description of our own that doesn't block: O_NONBLOCK on the inherited
// one would change it under every process that shares it.
func bulkOutput(f *os.File) io.Writer {
	if direct(f) {
		return f
	}
	enlarge(f)
	if own := reopen(f, unix.O_WRONLY); own != nil {
		return own
	}
	return slowWriter{f}
}

// reopen opens a pipe or a terminal again, without blocking; nil where that
// can't be done, as with a socket or without /proc.
func reopen(f *os.File, mode int) *os.File {
	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeCharDevice) == 0 {
		return nil
	}
	var own *os.File
	withDescriptor(f, func(fd int) {
		path := "/proc/self/fd/" + strconv.Itoa(fd)
		if n, err := unix.Open(path, mode|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0); err == nil {
			own = os.NewFile(uintptr(n), f.Name())
		}
	})
	return own
}

func enlarge(f *os.File) {
	withDescriptor(f, func(fd int) {
		if size, err := unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0); err == nil && size < pipeSize {
			unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize) // best effort
		}
	})
}

func withDescriptor(f *os.File, do func(fd int)) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { do(int(fd)) })
}
