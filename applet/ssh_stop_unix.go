//go:build unix

package applet

import "syscall"

// stopSelf stops the process group, as a terminal's ^Z does, and returns when
// it goes on.
func stopSelf() { syscall.Kill(0, syscall.SIGTSTP) }
