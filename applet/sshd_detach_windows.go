package applet

import "os"

// detached is never made: there is no background to go to.
type detached struct{}

func (*detached) ready(bool) {}

func detach(e *Env) (*detached, int) {
	e.Errorf("sshd: it can't go to the background here; use -D")
	return nil, sshdUsage
}

// endSignals are the signals that the server listens to.
func endSignals() []os.Signal { return []os.Signal{os.Interrupt} }

func isHangup(os.Signal) bool { return false }
