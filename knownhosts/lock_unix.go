//go:build unix

package knownhosts

import (
	"os"

	"golang.org/x/sys/unix"
)

// openLocked waits for the lock of the file that has the name then: whoever held
// it may have put another file in its place. The lock ends with the file.
func openLocked(path string, flag int) (f *os.File, unlock func(), err error) {
	for {
		f, err := os.OpenFile(path, flag, 0o600)
		if err != nil {
			return nil, nil, err
		}
		for unix.Flock(int(f.Fd()), unix.LOCK_EX) == unix.EINTR {
		}
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, nil, err
		}
		if now, err := os.Stat(path); err == nil && os.SameFile(mine, now) {
			return f, func() {}, nil
		}
		f.Close()
	}
}

// doneReading comes before a file is replaced.
func doneReading(*os.File) {}
