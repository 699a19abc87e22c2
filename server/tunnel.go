package server

import (
	"fmt"

	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// openTunnel connects a network device here with one of the client's (PROTOCOL,
// section 2.3). It lives as long as they do. The system decides whether the user
// may have the device.
func (c *conn) openTunnel(in *mux.Incoming) {
	mode, unit, ok := forward.ParseTunnel(in.Extra)
	if !ok {
		in.Reject(wire.OpenConnectFailed, "open failed")
		return
	}
	unit, why := c.mayTunnel(mode, unit)
	if why != "" {
		c.log.Info("refused tunnel device for " + c.stage() + ": " + why)
		in.Reject(wire.OpenProhibited, "open failed")
		return
	}
	t, err := forward.OpenTunnel(mode, unit)
	if err != nil {
		c.log.Info("Failed to open the tunnel device for " + c.stage() + ": " + err.Error())
		in.Reject(wire.OpenConnectFailed, "open failed")
		return
	}
	c.log.Debug("Tunnel forwarding using interface " + t.Name())
	t.Serve(in)
}

// mayTunnel says which device a client gets that wants one, or why it gets none.
// A key may be for one device alone.
func (c *conn) mayTunnel(mode forward.TunnelMode, unit int) (allowed int, why string) {
	p := c.login.Permit
	switch {
	case c.set.Forwarding.Tunnels&mode == 0:
		return 0, "PermitTunnel"
	case p == nil:
		return 0, "there is no permit"
	case p.NoTunnel:
		return 0, "the key gives no tunnel"
	}
	for _, only := range p.Tunnels {
		if unit != forward.AnyUnit && unit != only {
			return 0, fmt.Sprintf("the key is for device %d", only)
		}
		unit = only
	}
	return unit, ""
}
