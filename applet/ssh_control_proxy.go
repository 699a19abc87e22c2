package applet

import (
	"context"

	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/control"
)

// rideProxied is -O proxy.
func (r *sshRun) rideProxied(_ context.Context, c *control.Conn) int {
	r.say(config.LogFatal, "-O proxy is not supported yet")
	return sshFailed
}
