//go:build unix

package sshd

import (
	"os"
	"syscall"

	"github.com/nacre-ssh/nacre/applet/door"
)

// detach starts the process in the background and returns its fate as an exit
// code; in that process it returns the way to its parent.
func detach(e *door.Env) (*door.Detached, int) {
	if d := door.Background(e); d != nil {
		return d, 0
	}
	_, word, code, err := door.StartDetached(e, door.Detach{})
	if err != nil {
		e.Errorf("sshd: going to the background: %v; use -D to stay in the foreground", err)
		return nil, sshdFatal
	}
	if word != nil {
		return nil, sshdOK
	}
	return nil, code
}

// endSignals are the signals that the server listens to.
func endSignals() []os.Signal {
	return []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP}
}

func isHangup(s os.Signal) bool { return s == syscall.SIGHUP }
