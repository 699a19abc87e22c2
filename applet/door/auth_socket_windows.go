package door

// AgentPipe is where ssh looks for an agent on Windows.
const AgentPipe = `\\.\pipe\openssh-ssh-agent`

// AuthSocket is the agent that the environment names, else the pipe of Windows'
// own.
func (e *Env) AuthSocket() string {
	if pipe := e.Getenv("SSH_AUTH_SOCK"); pipe != "" {
		return pipe
	}
	return AgentPipe
}
