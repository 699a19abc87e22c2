//go:build unix

package applet

// authSocket is the agent that the environment names.
func (e *Env) authSocket() string { return e.Getenv("SSH_AUTH_SOCK") }
