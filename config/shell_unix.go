//go:build unix

package config

import (
	"os"
	"os/exec"
)

// shellCommand is a command for the user's shell.
func shellCommand(command string) *exec.Cmd {
	return exec.Command(orElse(os.Getenv("SHELL"), "/bin/sh"), "-c", command)
}
