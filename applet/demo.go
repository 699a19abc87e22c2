package applet

import "context"

func runDemo(_ context.Context, e *Env) int {
	e.Errorf("nacre demo: the server is not there yet")
	return 1
}
