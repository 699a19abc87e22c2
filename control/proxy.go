package control

import (
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

// Limits of ours for one client that speaks the connection protocol itself.
const (
	maxProxied       = 256 // channels at a time
	maxProxiedListen = 128 // forwards that listen at the server
)

// proxiedQuirks are what is special about the other end of such a connection.
// Whoever is behind it is not known, so that nothing is said which only some
// understand.
func proxiedQuirks(onlyListens bool) transport.Quirks {
	return transport.Quirks{Name: "shared connection", MaxWindow: 8 << 20, MaxPacket: 32 << 10, OnlyListens: onlyListens}
}

// Client makes the connection one of plain messages of SSH's connection protocol
// (PROTOCOL.mux, section 9): a client.Client like any other, as far as the master
// goes along. No X11 comes over it, and no question about the server's host key;
// with OpenSSH's masters the server's answers to global requests are lost, and
// none but tcpip-forward may be made. The Conn belongs to the Client then.
func (c *Conn) Client(cfg *client.Config) (*client.Client, error) {
	if _, err := c.plainCall(c.request(msgProxy), msgProxyReady); err != nil {
		return nil, err
	}
	return client.Shared(c.nc, proxiedQuirks(!c.greeting.answers), cfg), nil
}

// proxy serves a client that speaks the connection protocol itself, until it
// leaves. Each of its channels becomes one of the master's: numbers are
// translated by their being different channels, and what either side may have
// under way is bounded by the windows of both.
func (s *served) proxy(r *wire.Reader) error {
	if r.End() != nil {
		return errMalformed
	}
	if s.open {
		return s.fail("Multiple sessions not supported")
	}
	s.open = true
	if !s.ask("Allow multiplex proxy connection?") {
		return s.deny()
	}
	if err := s.send(message(msgProxyReady, s.id)); err != nil {
		return err
	}
	p := &proxied{served: s, up: s.m.Client.Mux}
	s.m.count(1)
	defer s.m.count(-1)
	return p.serve(transport.Shared(s.nc, proxiedQuirks(false), &transport.Config{Logger: s.m.Logger}))
}

// A proxied is a client that speaks the connection protocol itself.
type proxied struct {
	*served
	up, down *mux.Mux // to the server, and to the client
	gone     bool     // guarded by the routes
}

func (p *proxied) serve(conn *transport.Conn) error {
	p.down = mux.New(conn, mux.Config{Logger: p.m.Logger, Open: p.open, Global: p.global, MaxChannels: maxProxied})
	defer p.m.routes.leave(p)
	return p.down.Run()
}

// proxiedTypes are the channels that a client may open.
var proxiedTypes = [...]string{"session", "direct-tcpip", "direct-streamlocal@openssh.com", "tun@openssh.com"}

func (p *proxied) open(in *mux.Incoming) {
	for _, name := range proxiedTypes {
		if name == in.Type {
			join(p.ctx, in, p.up, p.allows)
			return
		}
	}
}

// allows says which requests on a session go to the server. Windows that programs
// there open would come to the master with a cookie that it doesn't know.
func (p *proxied) allows(name string) bool {
	switch name {
	case "x11-req":
		return false
	case "auth-agent-req@openssh.com":
		return p.m.Options != nil && p.m.Options(Request{Agent: true}).Agent
	}
	return true
}
