package sshd

import (
	"io/fs"

	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/server"
)

// forwardingPolicy is what the configuration says about forwarding, on its way
// to the worker.
type forwardingPolicy struct {
	openTCP, openSockets, listenTCP, listenSockets bool
	onlyOpen, onlyListen                           bool // the lists count, if only to permit nothing
	permitOpen, permitListen                       []string
	gatewayPorts, socketMode                       uint32
	socketUnlink                                   bool
	network                                        string
	tunnels                                        uint32
}

func newForwardingPolicy(c *config.Server) forwardingPolicy {
	f, networks := c.Forwarding, map[string]string{"inet": "tcp4", "inet6": "tcp6"}
	gateways := map[string]forward.GatewayPorts{
		config.GatewayPortsNo: forward.GatewayNo, config.GatewayPortsYes: forward.GatewayYes, config.GatewayPortsSpecified: forward.GatewayClient,
	}
	allows := func(set, one config.Forwarding) bool {
		return !f.Disable && (set == config.ForwardingYes || set == one)
	}
	return forwardingPolicy{
		openTCP:     allows(f.AllowTCP, config.ForwardingLocalOnly),
		listenTCP:   allows(f.AllowTCP, config.ForwardingRemoteOnly),
		openSockets: allows(f.AllowSockets, config.ForwardingLocalOnly), listenSockets: allows(f.AllowSockets, config.ForwardingRemoteOnly),
		onlyOpen: f.PermitOpen != nil, onlyListen: f.PermitListen != nil,
		permitOpen: f.PermitOpen, permitListen: f.PermitListen,
		gatewayPorts: uint32(gateways[f.GatewayPorts]), socketMode: uint32(0o777 &^ f.SocketMask), socketUnlink: f.SocketUnlink,
		network: networks[c.AddressFamily], tunnels: tunnelModes(f),
	}
}

// tunnelModes are the kinds of network devices that PermitTunnel permits.
func tunnelModes(f config.ServerForwarding) uint32 {
	modes := map[string]forward.TunnelMode{
		"yes": forward.PointToPoint | forward.Ethernet, "point-to-point": forward.PointToPoint, "ethernet": forward.Ethernet,
	}
	if f.Disable {
		return 0
	}
	return uint32(modes[f.Tunnel])
}

// code writes or reads the policy.
func (f *forwardingPolicy) code(p *policyCodec) {
	for _, v := range []*bool{
		&f.openTCP, &f.openSockets, &f.listenTCP, &f.listenSockets, &f.onlyOpen, &f.onlyListen, &f.socketUnlink,
	} {
		p.bool(v)
	}
	p.uint32(&f.gatewayPorts)
	p.uint32(&f.socketMode)
	p.uint32(&f.tunnels)
	p.string(&f.network)
	p.strings(&f.permitOpen)
	p.strings(&f.permitListen)
}

// forwarding is the policy for package server.
func (f *forwardingPolicy) forwarding() server.Forwarding {
	list := func(only bool, entries []string) []string {
		if !only {
			return nil
		}
		return append([]string{}, entries...)
	}
	return server.Forwarding{
		OpenTCP: f.openTCP, OpenSockets: f.openSockets, ListenTCP: f.listenTCP, ListenSockets: f.listenSockets,
		PermitOpen: list(f.onlyOpen, f.permitOpen), PermitListen: list(f.onlyListen, f.permitListen),
		GatewayPorts: forward.GatewayPorts(f.gatewayPorts), Network: f.network, Tunnels: forward.TunnelMode(f.tunnels),
		Sockets: forward.SocketOptions{Mode: fs.FileMode(f.socketMode).Perm(), Unlink: f.socketUnlink},
	}
}
