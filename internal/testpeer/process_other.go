//go:build !unix

package testpeer

import "os/exec"

// ownGroup has no equivalent here: a child of cmd may outlive it.
func ownGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) { cmd.Process.Kill() }
