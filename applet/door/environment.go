package door

import (
	"os"
	"path/filepath"
	"runtime"
)

// Xauthority is the file of X cookies: Xsecurity(7).
func (e *Env) Xauthority() string {
	if file := e.Getenv("XAUTHORITY"); file != "" {
		return file
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".Xauthority")
}

// TerminalType is what programs on the other side are told that they draw on. A
// Windows console names itself nowhere; it is an xterm since Windows 10.
func (e *Env) TerminalType() string {
	if name := e.Getenv("TERM"); name != "" || runtime.GOOS != "windows" {
		return name
	}
	return "xterm-256color"
}
