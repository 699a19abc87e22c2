package applet

import "runtime"

// terminalType is what programs on the other side are told that they draw on. A
// Windows console names itself nowhere; it is an xterm since Windows 10.
func (e *Env) terminalType() string {
	if name := e.Getenv("TERM"); name != "" || runtime.GOOS != "windows" {
		return name
	}
	return "xterm-256color"
}
