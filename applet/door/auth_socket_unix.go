//go:build unix

package door

// AuthSocket is the agent that the environment names.
func (e *Env) AuthSocket() string { return e.Getenv("SSH_AUTH_SOCK") }
