package applet

import (
	"context"
	"errors"
	"log/slog"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/control"
	"github.com/nacre-ssh/nacre/term"
)

// rideProxied is -O proxy: what was asked for, done by this process over a
// connection that another one has.
func (r *sshRun) rideProxied(ctx context.Context, c *control.Conn) int {
	cl, err := c.Client(&client.Config{Logger: slog.New(&r.speaker)})
	var refused *control.RefusedError
	switch {
	case errors.As(err, &refused):
		r.say(config.LogFatal, "master returned error: %s", term.Printable(refused.Reason))
		return sshFailed
	case err != nil:
		r.say(config.LogFatal, "%s", term.Printable(err.Error()))
		return sshFailed
	}
	r.policy, r.update = newHostPolicy(r), newHostKeyUpdate()
	if r.conf.ForwardX11 {
		r.say(config.LogDebug1, "debug1: X11 is not forwarded over a shared connection's -O proxy.")
		r.conf.ForwardX11 = false
	}
	r.conf.ControlMaster = "no"
	return r.session(ctx, cl)
}
