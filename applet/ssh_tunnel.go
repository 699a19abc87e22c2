package applet

import (
	"context"
	"errors"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/mux"
)

// tunnel opens the network device that -w or Tunnel asks for, and asks the
// server for its one. It reports whether ssh may go on.
func (f *forwarding) tunnel(c *client.Client) bool {
	conf := f.run.conf
	mode, wanted := map[string]forward.TunnelMode{"point-to-point": forward.PointToPoint, "ethernet": forward.Ethernet}[conf.Tunnel]
	if !wanted {
		return true
	}
	device := conf.TunnelDevice
	f.run.say(config.LogDebug1, "debug1: Requesting tun unit %s in mode %s", device, conf.Tunnel)
	t, err := forward.OpenTunnel(mode, device.Local)
	if err != nil {
		f.run.say(config.LogError, "Tunnel device open failed: %s", door.Sentence(err))
		f.run.say(config.LogError, "Could not request tunnel forwarding.")
		return !conf.ExitOnForwardFailure
	}
	f.run.say(config.LogDebug1, "debug1: Tunnel forwarding using interface %s", t.Name())
	f.device = t.Name()
	wait := t.Ask(c.Mux, device.Remote)
	f.answers = append(f.answers, func(ctx context.Context) bool { return f.tunnelAnswered(wait(ctx)) })
	return true
}

// tunnelAnswered says what became of a tunnel, and reports whether ssh may go on.
func (f *forwarding) tunnelAnswered(err error) bool {
	var refused *mux.OpenError
	switch {
	case err == nil:
		f.run.say(config.LogDebug1, "debug1: The tunnel of %s is established.", f.device)
		return true
	case !errors.As(err, &refused):
		return true // the connection has ended, which is said elsewhere
	}
	f.run.say(config.LogInfo, "%s", forward.OpenFailure(err))
	f.run.say(config.LogError, "Tunnel forwarding failed")
	return !f.run.conf.ExitOnForwardFailure
}
