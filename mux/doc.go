// Package mux is the SSH connection protocol of RFC 4254: channels with their
// windows, channel requests and global requests over one transport.Conn.
//
//	transport.Next ─► Run ─┬─ data ──► Sink (pushed, in place) or queue ─► Read
//	                       ├─ adjust ► Write, ReadFrom wait for credit
//	                       ├─ request ► the channel's handler, in order
//	                       └─ open ──► Config.Open
//
// A [Mux] is driven by the goroutine that calls [Mux.Run]; it never blocks on a
// channel's consumer. What the peer can make grow is capped, and breaching a cap
// ends the connection. A [Channel] is read by pulling (Read) or, without a copy
// and a change of goroutine, by giving it a [Sink].
//
// The package does not know what channels are for: sessions, forwardings and
// agents are made of it by the rooms above (client, server, forward). The room
// before it is transport, for the time before it auth.
package mux
