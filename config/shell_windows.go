package config

import (
	"os/exec"

	"github.com/nacre-ssh/nacre/internal/winsys"
)

// shellCommand is a command for cmd.exe.
func shellCommand(command string) *exec.Cmd { return winsys.Shell(command) }
