//go:build unix

package testpeer

import (
	"os/exec"
	"syscall"
)

// ownGroup puts cmd and its children into a process group, so that they can be
// ended together.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends what ownGroup put together.
func killGroup(cmd *exec.Cmd) { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
