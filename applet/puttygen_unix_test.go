//go:build unix

package applet

import (
	"os/exec"
	"syscall"
)

// withoutTerminal lets a program not find the terminal that the tests may run
// at.
func withoutTerminal(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
