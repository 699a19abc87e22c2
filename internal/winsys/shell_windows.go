package winsys

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/windows"
)

// Shell is a line for cmd.exe, ready to start. The line is passed as it stands:
// cmd.exe has quoting rules of its own. A leading "exec", which lines written
// for a Unix shell have, means nothing here and is left out.
func Shell(line string) *exec.Cmd {
	if rest, ok := strings.CutPrefix(line, "exec "); ok {
		line = rest
	}
	run := exec.Command(commandProcessor())
	run.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd /d /s /c "` + line + `"`}
	return run
}

// commandProcessor is the user's, else the system's own by its full name: one
// that is found on the way is not asked.
func commandProcessor() string {
	if program := os.Getenv("ComSpec"); filepath.IsAbs(program) {
		return program
	}
	dir, err := windows.GetSystemDirectory()
	if err != nil {
		return "cmd.exe"
	}
	return filepath.Join(dir, "cmd.exe")
}
