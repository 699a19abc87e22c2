package applet

import (
	"context"
	"errors"
	"net"

	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/control"
	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/internal/netx"
	"github.com/nacre-ssh/nacre/term"
)

// throughMaster connects to the next host over a connection to this one that
// another process shares; nil where there is none.
func (r *sshRun) throughMaster(ctx context.Context, next *sshRun) net.Conn {
	path := r.conf.ControlPath
	if path == "" || path == "none" || r.conf.ControlMaster == "yes" || r.conf.ControlMaster == "ask" {
		return nil
	}
	c := r.findMaster(ctx, path)
	if c == nil {
		return nil
	}
	nc, err := stdioOver(c, forward.Address{Host: next.conf.HostName, Named: true, Port: next.conf.Port})
	if err != nil {
		c.Close()
		r.say(config.LogDebug1, "debug1: The shared connection doesn't lead on: %s", term.Printable(err.Error()))
		return nil
	}
	return nc
}

// stdioOver is a stdio forward as a connection. It owns c unless it fails.
func stdioOver(c *control.Conn, to forward.Address) (net.Conn, error) {
	ours, theirs, err := netx.SocketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	if err := c.Stdio(to, theirs, theirs); err != nil {
		ours.Close()
		return nil, err
	}
	return &masterConn{ours, c}, nil
}

// masterConn is a connection that a master carries.
type masterConn struct {
	*net.UnixConn
	control *control.Conn
}

func (c *masterConn) Close() error {
	return errors.Join(c.UnixConn.Close(), c.control.Close())
}
