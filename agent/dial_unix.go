//go:build unix

package agent

import (
	"context"
	"io"
	"net"
	"os"
)

// DefaultSocket is the agent that the environment names, or "".
func DefaultSocket() string { return os.Getenv("SSH_AUTH_SOCK") }

// Connect opens a connection to an agent's socket, for the messages of another
// process.
func Connect(ctx context.Context, socket string) (io.ReadWriteCloser, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", socket)
}
