//go:build unix

package applet

import "syscall"

// windowChanged has the master look at the window's size: it gets the signal that
// this process got.
func windowChanged(master int) {
	if master > 1 {
		syscall.Kill(master, syscall.SIGWINCH)
	}
}

// unshareable: connections are shared on this system.
func (*sshRun) unshareable() (code int, done, alone bool) { return 0, false, false }
