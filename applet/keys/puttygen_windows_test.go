package keys

import "os/exec"

func withoutTerminal(*exec.Cmd) {}
