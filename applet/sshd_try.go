package applet

import "context"

func runTry(_ context.Context, e *Env, _ *sshdLine) int {
	e.Errorf("sshd --try: not there yet")
	return 1
}
