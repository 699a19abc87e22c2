package server

import (
	"context"
	"fmt"
	"sync"

	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// Forwarding says what clients may have forwarded. The zero value refuses all of
// it. What a login's permit restricts comes on top.
type Forwarding struct {
	// OpenTCP and OpenSockets let clients connect from here, ListenTCP and
	// ListenSockets let them listen here.
	OpenTCP, OpenSockets, ListenTCP, ListenSockets bool
	// PermitOpen and PermitListen are host:port, see forward.Permits; nil: any.
	PermitOpen, PermitListen []string
	GatewayPorts             forward.GatewayPorts
	Network                  string // "tcp" (also if empty), "tcp4" or "tcp6"
	Sockets                  forward.SocketOptions
	// Tunnels are the kinds of network devices that clients may connect with
	// theirs, joined by or.
	Tunnels forward.TunnelMode
}

// maxListeners is how much one connection may listen on.
const maxListeners = 256

// listeners are what a connection listens on for its client.
type listeners struct {
	mu    sync.Mutex
	all   map[listenKey]*forward.Sockets
	ended bool
}

// A listenKey is how a client names a listener: its own words, with the port
// that was allocated.
type listenKey struct {
	host string
	port uint32
	path string
}

// forwards are the channel types that connect from here.
var forwards = [...]struct {
	name string
	open func(*conn, *mux.Incoming)
}{
	{"direct-tcpip", (*conn).openTCP},
	{"direct-streamlocal@openssh.com", (*conn).openSocket},
	{forward.TunnelType, (*conn).openTunnel},
}

// openForward serves a channel that is for a forward and reports whether it is.
func (c *conn) openForward(in *mux.Incoming) bool {
	for _, row := range forwards {
		if row.name == in.Type {
			row.open(c, in)
			return true
		}
	}
	return false
}

// forwardsNothing says why the login may forward nothing at all; "" when it may.
func (c *conn) forwardsNothing() string {
	switch p := c.login.Permit; {
	case p == nil:
		return "there is no permit"
	case p.NoPortForward:
		return "the key forwards nothing"
	}
	return ""
}

// parseDirect reads where a client wants to connect to and who asks there: the
// extra of a direct-tcpip or direct-streamlocal channel (RFC 4254, section 7.2;
// PROTOCOL, section 2.4).
func parseDirect(typ string, extra []byte) (to, from forward.Address, ok bool) {
	r := wire.NewReader(extra)
	if typ == "direct-tcpip" {
		to.Host, to.Port = r.String(), int(r.Uint32())
		ok = to.Port <= 65535
	} else {
		to.Path = r.String()
		ok = to.Path != ""
	}
	from.Host, from.Port = r.String(), int(r.Uint32())
	return to, from, r.End() == nil && ok && from.Port <= 65535
}

// openTCP connects to where the client says (RFC 4254, section 7.2).
func (c *conn) openTCP(in *mux.Incoming) {
	to, from, ok := parseDirect(in.Type, in.Extra)
	switch {
	case !ok:
	case !c.set.Forwarding.OpenTCP || c.forwardsNothing() != "":
		c.log.Info(fmt.Sprintf("refused local port forward: originator %s port %d, target %s port %d", printable(from.Host), from.Port, printable(to.Host), to.Port))
	case !c.mayOpen(to.Host, to.Port):
		c.log.Info(fmt.Sprintf("Received request from %s to connect to host %s port %d, but the request was denied.", where(c.peer.Remote), printable(to.Host), to.Port))
	default:
		c.connect(in, to)
		return
	}
	in.Reject(wire.OpenProhibited, "open failed")
}

// mayOpen asks every list there is.
func (c *conn) mayOpen(host string, port int) bool {
	if list := c.set.Forwarding.PermitOpen; list != nil && !forward.Permits(list, host, port) {
		return false
	}
	for _, list := range c.login.Permit.PermitOpen {
		if !forward.Permits(list, host, port) {
			return false
		}
	}
	return true
}

// openSocket connects to a Unix socket (PROTOCOL, section 2.4).
func (c *conn) openSocket(in *mux.Incoming) {
	to, from, ok := parseDirect(in.Type, in.Extra)
	switch {
	case !ok:
	case !c.set.Forwarding.OpenSockets || c.forwardsNothing() != "":
		c.log.Info(fmt.Sprintf("refused streamlocal port forward: originator %s port %d, target %s", printable(from.Host), from.Port, printable(to.Path)))
	default:
		c.connect(in, to)
		return
	}
	in.Reject(wire.OpenProhibited, "open failed")
}

// connect joins a channel with a target. It lives as long as they do.
func (c *conn) connect(in *mux.Incoming, to forward.Address) {
	nc, err := forward.Dial(c.ctx, c.network(), to, c.log)
	if err != nil {
		in.Reject(wire.OpenConnectFailed, err.Error())
		return
	}
	ch, err := in.Accept(nil, mux.Options{})
	if err != nil {
		nc.Close()
		return
	}
	forward.Splice(ch, nc)
}

func (c *conn) network() string {
	if n := c.set.Forwarding.Network; n != "" {
		return n
	}
	return "tcp"
}

// keep remembers a listener, unless there are too many or the connection has
// ended.
func (c *conn) keep(k listenKey, s *forward.Sockets) bool {
	l := &c.listening
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || len(l.all) >= maxListeners || l.all[k] != nil {
		return false
	}
	if l.all == nil {
		l.all = make(map[listenKey]*forward.Sockets)
	}
	l.all[k] = s
	return true
}

// forget closes a listener and reports whether there was one.
func (c *conn) forget(k listenKey) bool {
	c.listening.mu.Lock()
	s := c.listening.all[k]
	delete(c.listening.all, k)
	c.listening.mu.Unlock()
	if s != nil {
		s.Close()
	}
	return s != nil
}

// stopListening closes all listeners for good.
func (c *conn) stopListening() {
	c.listening.mu.Lock()
	all := c.listening.all
	c.listening.all, c.listening.ended = nil, true
	c.listening.mu.Unlock()
	for _, s := range all {
		s.Close()
	}
}

// pass opens a channel for a connection that a listener has accepted.
func (c *conn) pass(typ string, extra []byte) (*mux.Channel, error) {
	return c.mux.OpenChannel(context.Background(), typ, extra, mux.Options{})
}
