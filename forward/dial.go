package forward

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
)

// A DialError says why a target can't be reached, in the system's words.
type DialError struct {
	Target Address
	Err    error
}

func (e *DialError) Error() string { return reason(e.Err) }

// Unwrap returns what the system said.
func (e *DialError) Unwrap() error { return e.Err }

// Dial connects to where a forward leads. network is "tcp", "tcp4" or "tcp6". An
// error is a *DialError, and the log has it too.
func Dial(ctx context.Context, network string, to Address, log *slog.Logger) (net.Conn, error) {
	if err := to.check(); err != nil {
		return nil, &DialError{to, err}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	var d net.Dialer
	var nc net.Conn
	var err error
	if to.Path != "" {
		nc, err = d.DialContext(ctx, "unix", socketPath(to.Path))
	} else {
		d.SetMultipathTCP(false)
		nc, err = d.DialContext(ctx, network, net.JoinHostPort(to.Host, strconv.Itoa(to.Port)))
	}
	if err == nil {
		return nc, nil
	}
	failed := &DialError{to, err}
	host, port := to.names("")
	log.Error(fmt.Sprintf("connect to %s port %d failed: %s", host, port, failed))
	return nil, failed
}
