package server

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// lookupTime is how long the name of an address to listen on may take.
const lookupTime = 10 * time.Second

// listenTCP listens for the client (RFC 4254, section 7.1).
func (c *conn) listenTCP(r *mux.GlobalRequest) (bool, []byte) {
	rd := wire.NewReader(r.Payload)
	host, port := rd.String(), rd.Uint32()
	if rd.End() != nil || port > 65535 || port == 0 && !r.WantReply {
		return false, nil
	}
	if !c.set.Forwarding.ListenTCP || c.forwardsNothing() != "" {
		c.log.Debug("Server has disabled port forwarding.")
		return false, nil
	}
	if !c.mayListen(host, int(port)) {
		c.log.Info(fmt.Sprintf("Received request from %s to remote forward to host %s port %d, but the request was denied.", where(c.peer.Remote), printable(host), port))
		return false, nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, lookupTime)
	defer cancel()
	s, err := forward.ListenFor(ctx, c.network(), host, int(port), c.set.Forwarding.GatewayPorts, c.log)
	if err != nil {
		return false, nil
	}
	k := listenKey{host: host, port: uint32(s.Port)}
	if !c.keep(k, s) {
		s.Close()
		return false, nil
	}
	s.Serve(c.start, func(nc net.Conn) { c.passTCP(k, nc) })
	if port != 0 {
		return true, nil
	}
	return true, wire.AppendUint32(nil, k.port)
}

// mayListen asks every list there is. Port 0 is permitted where any port is.
func (c *conn) mayListen(host string, port int) bool {
	if list := c.set.Forwarding.PermitListen; list != nil && !forward.PermitsListen(list, host, port) {
		return false
	}
	for _, list := range c.login.Permit.PermitListen {
		if !forward.PermitsListen(list, host, port) {
			return false
		}
	}
	return true
}

// passTCP gives a connection to the client (RFC 4254, section 7.2).
func (c *conn) passTCP(k listenKey, nc net.Conn) {
	from := addrPort(nc.RemoteAddr())
	b := wire.AppendUint32(wire.AppendString(nil, k.host), k.port)
	b = wire.AppendUint32(wire.AppendString(b, from.Addr().String()), uint32(from.Port()))
	c.passOn("forwarded-tcpip", b, nc)
}

func (c *conn) passOn(typ string, extra []byte, nc net.Conn) {
	ch, err := c.pass(typ, extra)
	if err != nil {
		c.log.Debug("forwarded connection refused: " + printable(err.Error()))
		nc.Close()
		return
	}
	forward.Splice(ch, nc)
}

// cancelTCP ends what listenTCP began.
func (c *conn) cancelTCP(r *mux.GlobalRequest) (bool, []byte) {
	rd := wire.NewReader(r.Payload)
	k := listenKey{host: rd.String(), port: rd.Uint32()}
	return rd.End() == nil && c.forget(k), nil
}

// listenSocket listens on a Unix socket for the client (PROTOCOL, section 2.4).
func (c *conn) listenSocket(r *mux.GlobalRequest) (bool, []byte) {
	rd := wire.NewReader(r.Payload)
	k := listenKey{path: rd.String()}
	if rd.End() != nil || k.path == "" {
		return false, nil
	}
	if !c.set.Forwarding.ListenSockets || c.forwardsNothing() != "" {
		c.log.Debug("Server has disabled streamlocal forwarding.")
		return false, nil
	}
	s, err := forward.ListenSocket(k.path, c.set.Forwarding.Sockets, c.log)
	if err != nil {
		return false, nil
	}
	if c.set.Forwarding.Sockets.Unlink {
		c.forget(k) // the new one has taken its place
	}
	if !c.keep(k, s) {
		s.Close()
		return false, nil
	}
	extra := wire.AppendString(wire.AppendString(nil, k.path), "")
	s.Serve(c.start, func(nc net.Conn) { c.passOn("forwarded-streamlocal@openssh.com", extra, nc) })
	return true, nil
}

// cancelSocket ends what listenSocket began.
func (c *conn) cancelSocket(r *mux.GlobalRequest) (bool, []byte) {
	rd := wire.NewReader(r.Payload)
	k := listenKey{path: rd.String()}
	return rd.End() == nil && c.forget(k), nil
}
