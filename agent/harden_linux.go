package agent

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// hide keeps memory out of core files and of children.
func hide(b []byte) {
	_ = unix.Madvise(b, unix.MADV_DONTDUMP)
	_ = unix.Madvise(b, unix.MADV_DONTFORK)
}

// Harden keeps other processes of the user from reading this one's memory, and
// the system from leaving a core file of it.
func Harden() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide the process's memory: %w", err)
	}
	return noCore()
}
