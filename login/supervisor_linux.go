package login

import (
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// ownProgram is this very binary, also when the file was replaced meanwhile.
func ownProgram() string {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self
	}
	name, _ := os.Executable()
	return name
}

// startCommand starts a worker with an empty signal mask, whatever this process
// was started with.
func startCommand(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var empty, old unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &empty, &old); err == nil {
		defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	}
	closeOnExec()
	return cmd.Start()
}
