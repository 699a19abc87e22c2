package knownhosts

import (
	"errors"
	"os"
)

// locked opens a file, does something with it while nobody else of ours does,
// and closes it. Where files can't be locked (some network file systems) it is
// done without.
func locked(path string, flag int, do func(f *os.File) error) error {
	f, unlock, err := openLocked(path, flag)
	if err != nil {
		return err
	}
	defer unlock()
	err = do(f)
	if closeErr := f.Close(); err == nil && !errors.Is(closeErr, os.ErrClosed) {
		err = closeErr
	}
	return err
}
