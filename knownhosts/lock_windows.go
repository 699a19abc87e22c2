package knownhosts

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/windows"
)

// openLocked holds a mutex that is named after the file: Windows would not let
// a file be replaced while its lock keeps it open.
func openLocked(path string, flag int) (f *os.File, unlock func(), err error) {
	unlock = lockName(path)
	f, err = os.OpenFile(path, flag, 0o600)
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return f, unlock, nil
}

// lockName waits for the mutex. It belongs to a thread, which the goroutine
// keeps until it gives it back.
func lockName(path string) (unlock func()) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	sum := sha256.Sum256([]byte(strings.ToLower(path)))
	name, err := windows.UTF16PtrFromString(fmt.Sprintf(`Local\nacre-known-hosts-%x`, sum[:16]))
	if err != nil {
		return func() {}
	}
	mutex, _ := windows.CreateMutex(nil, false, name) // that there is one already is an error with a handle
	if mutex == 0 {
		return func() {}
	}
	runtime.LockOSThread()
	_, _ = windows.WaitForSingleObject(mutex, windows.INFINITE)
	return func() {
		_ = windows.ReleaseMutex(mutex)
		_ = windows.CloseHandle(mutex)
		runtime.UnlockOSThread()
	}
}

// doneReading comes before a file is replaced, which must not be open then.
func doneReading(f *os.File) { f.Close() }
