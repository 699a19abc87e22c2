package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"
)

// opensshPipe is where the ssh-agent service of Windows listens.
const opensshPipe = `\\.\pipe\openssh-ssh-agent`

// DefaultSocket is the agent that the environment names, or the pipe of
// Windows' own agent.
func DefaultSocket() string {
	if pipe := os.Getenv("SSH_AUTH_SOCK"); pipe != "" {
		return pipe
	}
	return opensshPipe
}

// Connect opens a connection to an agent's pipe, for the messages of another
// process. It waits where all of a pipe's ends are taken, and lets whoever made
// the pipe know nothing of this user. Close ends a Read. Where there is no pipe
// of Windows' own agent Pageant stands in for it.
func Connect(ctx context.Context, pipe string) (io.ReadWriteCloser, error) {
	if pipe == Pageant {
		return connectPageant(ctx)
	}
	pipe, err := pipeName(pipe)
	if err != nil {
		return nil, err
	}
	conn, err := connectPipe(ctx, pipe)
	if errors.Is(err, fs.ErrNotExist) && strings.EqualFold(pipe, opensshPipe) {
		if other, pageantErr := connectPageant(ctx); pageantErr == nil {
			return other, nil
		}
	}
	return conn, err
}

// pipeName is a pipe's whole name. A configuration file's words lose one of two
// backslashes (argv_split of OpenSSH), and slashes are as good.
func pipeName(name string) (string, error) {
	rest := strings.TrimLeft(strings.ReplaceAll(name, "/", `\`), `\`)
	if len(rest) > len(pipePrefix) && strings.EqualFold(rest[:len(pipePrefix)], pipePrefix) {
		return `\\` + rest, nil
	}
	return "", fmt.Errorf(`'%s' is no pipe: agents are reached at \\.\pipe\NAME here`, name)
}

const pipePrefix = `.\pipe\`

// Pageant is the name that [Dial] takes for Pageant, wherever it answers.
const Pageant = "pageant"

// connectPageant takes the pipe, or the window where there is no pipe.
func connectPageant(ctx context.Context) (io.ReadWriteCloser, error) {
	if pipe, err := PageantPipe(); err == nil {
		if conn, err := connectPipe(ctx, pipe); err == nil {
			return conn, nil
		}
	}
	return dialPageant()
}

func connectPipe(ctx context.Context, pipe string) (io.ReadWriteCloser, error) {
	conn, err := winio.DialPipeAccessImpLevel(ctx, pipe, windows.GENERIC_READ|windows.GENERIC_WRITE, winio.PipeImpLevelAnonymous)
	if err != nil {
		return nil, err // not conn, a nil pointer
	}
	return conn, nil
}
