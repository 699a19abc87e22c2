package transport

import (
	"math"
	"net"

	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/wire"
)

// Shared makes a Conn of a process's way to a connection that another process
// has (OpenSSH's PROTOCOL.mux, section 9): the connection protocol alone, with no
// key exchange, no keys and no words of the transport's. What the peer is like is
// for the caller to say. The Conn owns nc. SessionID and HostKey are nil.
func Shared(nc net.Conn, q Quirks, cfg *Config) *Conn {
	c := makeConn(nc, cfg, false)
	c.shared, c.quirks = true, q
	c.in.open, c.out.seal = packet.NewSharedOpener(), packet.NewSharedSealer()
	c.limitIn, c.out.limit = math.MaxUint64, math.MaxUint64
	c.authed.Store(true)
	return c
}

// sharedAllows refuses what has no business on a shared connection: it would
// reach the other process's connection to the server.
func sharedAllows(msg byte) error {
	if msg >= wire.MsgGlobalRequest && msg < wire.MsgPing || msg == wire.MsgIgnore || msg == wire.MsgDebug || msg == wire.MsgDisconnect {
		return nil
	}
	return broken("message %d on a shared connection", msg)
}
