package applet

import "os"

func detach(e *Env) (*detached, int) {
	e.Errorf("sshd: it can't go to the background here; use -D")
	return nil, sshdUsage
}

// endSignals are the signals that the server listens to.
func endSignals() []os.Signal { return []os.Signal{os.Interrupt} }

func isHangup(os.Signal) bool { return false }
