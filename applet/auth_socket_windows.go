package applet

// authSocket is the agent that the environment names, else the pipe of Windows'
// own.
func (e *Env) authSocket() string {
	if pipe := e.Getenv("SSH_AUTH_SOCK"); pipe != "" {
		return pipe
	}
	return opensshPipe
}
