//go:build unix && !linux

package login

import (
	"os"
	"os/exec"
)

func ownProgram() string {
	name, _ := os.Executable()
	return name
}

func startCommand(cmd *exec.Cmd) error { return cmd.Start() }
