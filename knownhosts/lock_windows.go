package knownhosts

import (
	"os"

	"golang.org/x/sys/windows"
)

// openLocked holds the lock of a file beside the one that is meant: Windows
// would not let that one be replaced while it is open.
func openLocked(path string, flag int) (f *os.File, unlock func(), err error) {
	unlock = func() {}
	if beside, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600); err == nil {
		unlock = func() { beside.Close() }
		_ = windows.LockFileEx(windows.Handle(beside.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, new(windows.Overlapped))
	}
	f, err = os.OpenFile(path, flag, 0o600)
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return f, unlock, nil
}

// doneReading comes before a file is replaced, which must not be open then.
func doneReading(f *os.File) { f.Close() }
