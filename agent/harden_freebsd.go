package agent

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// madvNoCore is MADV_NOCORE of sys/mman.h.
const madvNoCore = 8

// hide keeps memory out of core files.
func hide(b []byte) { _ = unix.Madvise(b, madvNoCore) }

// Of sys/wait.h and sys/procctl.h.
const (
	pPID                = 0
	procTraceCtl        = 7
	procTraceCtlDisable = 2
)

// Harden keeps other processes of the user from reading this one's memory, and
// the system from leaving a core file of it.
func Harden() error {
	off := int32(procTraceCtlDisable)
	_, _, number := unix.Syscall6(unix.SYS_PROCCTL, pPID, uintptr(os.Getpid()), procTraceCtl, uintptr(unsafe.Pointer(&off)), 0, 0)
	if number != 0 {
		return fmt.Errorf("hide the process's memory: %w", number)
	}
	return noCore()
}
