package config

import (
	"os"
	"os/exec"
	"syscall"
)

// shellCommand is a command for cmd.exe, which takes the line as it stands: it
// has quoting rules of its own.
func shellCommand(command string) *exec.Cmd {
	shell := orElse(os.Getenv("ComSpec"), "cmd.exe")
	child := exec.Command(shell)
	child.SysProcAttr = &syscall.SysProcAttr{CmdLine: syscall.EscapeArg(shell) + ` /d /s /c "` + command + `"`}
	return child
}
