package applet

import (
	"context"
	"errors"
	"net"
	"strconv"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/client"
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

// throughNewMaster is throughMaster where ControlPersist has this host's
// connection stay: a process of its own makes it, as for a connection without a
// jump. Both results are nil where that isn't wanted.
func (r *sshRun) throughNewMaster(ctx context.Context, next *sshRun) (net.Conn, error) {
	path := r.conf.ControlPath
	if !r.becomesMaster() || !r.persists() || path == "" || path == "none" || !r.chainEnds() {
		return nil, nil
	}
	r.say(config.LogDebug1, "debug1: starting a master in the background")
	_, word, _, err := door.StartDetached(r.Env, door.Detach{Args: r.hopArgs(next), Env: []string{masterMark + "=1"}, Terminal: true})
	switch {
	case err != nil:
		r.say(config.LogDebug1, "debug1: %v", err)
		return nil, nil
	case word == nil:
		return nil, &hopError{r.place(), "it was not reached"} // the master has said why
	case string(word) != masterReady:
		return nil, nil // it can't share
	}
	c, err := r.dialMaster(ctx, path)
	if err != nil {
		return nil, &hopError{r.place(), door.Sentence(err)}
	}
	nc, err := stdioOver(c, forward.Address{Host: next.conf.HostName, Named: true, Port: next.conf.Port})
	if err != nil {
		c.Close()
		return nil, &hopError{r.place(), term.Printable(err.Error())}
	}
	return nc, nil
}

// chainEnds says whether the way to a host doesn't lead back to it: a process
// that makes the connection to one of its hops could not tell.
func (r *sshRun) chainEnds() bool {
	for len(r.conf.ProxyJump) > 0 {
		hop, err := r.hop()
		if err != nil {
			return false // said when it is tried
		}
		r = hop
	}
	return true
}

// hopArgs is the command line of ssh for this host as a hop, as OpenSSH has it:
// its own configuration, and no forwards but the one to the next host.
func (r *sshRun) hopArgs(next *sshRun) []string {
	args := []string{"ssh"}
	if r.line.file != "" {
		args = append(args, "-F", r.line.file)
	}
	for range r.line.verbose {
		args = append(args, "-v")
	}
	for _, option := range r.line.first {
		args = append(args, "-o", option)
	}
	if r.line.user != "" {
		args = append(args, "-l", r.line.user)
	}
	to := net.JoinHostPort(next.conf.HostName, strconv.Itoa(next.conf.Port))
	return append(args, "-W", to, "--", r.line.host)
}

// share lets others use the connection to a hop while it lives, where its
// configuration says so; nil where it doesn't.
func (r *sshRun) share(ctx context.Context, c *client.Client) (*sshMaster, error) {
	if !r.becomesMaster() {
		return nil, nil
	}
	f := &forwarding{run: r, Forwards: c.Forwards(r.forwardOptions())}
	return r.startMaster(context.WithoutCancel(ctx), c, f, client.SessionOptions{})
}

// endShares takes away the sockets of the hops' connections.
func (r *sshRun) endShares() {
	for _, m := range r.shares {
		m.end()
	}
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
