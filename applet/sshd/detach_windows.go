package sshd

import (
	"os"

	"github.com/nacre-ssh/nacre/applet/door"
)

func detach(e *door.Env) (*door.Detached, int) {
	e.Errorf("sshd: it can't go to the background here; use -D")
	return nil, sshdUsage
}

// endSignals are the signals that the server listens to.
func endSignals() []os.Signal { return []os.Signal{os.Interrupt} }

func isHangup(os.Signal) bool { return false }
