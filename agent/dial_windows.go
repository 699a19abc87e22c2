package agent

import (
	"context"
	"io"
	"os"
	"syscall"
)

// opensshPipe is where the ssh-agent service of Windows listens.
const opensshPipe = `\\.\pipe\openssh-ssh-agent`

// securityAnonymous (SECURITY_SQOS_PRESENT with SECURITY_ANONYMOUS) keeps
// whoever has made the pipe from acting as this user.
const securityAnonymous = 0x00100000

// DefaultSocket is the agent that the environment names, or the pipe of
// Windows' own agent.
func DefaultSocket() string {
	if pipe := os.Getenv("SSH_AUTH_SOCK"); pipe != "" {
		return pipe
	}
	return opensshPipe
}

// Connect opens a connection to an agent's pipe, for the messages of another
// process. It is open for overlapped I/O, so that Close ends a Read.
func Connect(ctx context.Context, pipe string) (io.ReadWriteCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if pipe == Pageant {
		return connectPageant()
	}
	f, err := os.OpenFile(pipe, os.O_RDWR|syscall.FILE_FLAG_OVERLAPPED|securityAnonymous, 0)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Pageant is the name that [Dial] takes for Pageant, wherever it answers.
const Pageant = "pageant"

// connectPageant takes the pipe, or the window where there is no pipe.
func connectPageant() (io.ReadWriteCloser, error) {
	if pipe, err := PageantPipe(); err == nil {
		f, err := os.OpenFile(pipe, os.O_RDWR|syscall.FILE_FLAG_OVERLAPPED|securityAnonymous, 0)
		if err == nil {
			return f, nil
		}
	}
	return dialPageant()
}
