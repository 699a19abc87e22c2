// Package transport is the SSH transport protocol of RFC 4253 for one
// connection: identification, key exchange and rekeying, extension info,
// disconnects, and the two directions of sealed packets.
//
//	conn ─► netx.Source ─► packet.Opener ─► Next ─► auth, then mux
//	             slab          in place       │ kex, pings, disconnects stay here
//	conn ◄─ writev ◄─ packet.Sealer ◄─ lanes ◄┴─ Send, Post, Commit
//
// A [Conn] has one reader, the goroutine that calls [Conn.Next]; it never waits
// for a write. Writers are the callers: whoever finds the queue idle seals and
// writes, the others leave their packets in one of three lanes (key exchange,
// control, bulk) and go.
//
// What a message means beyond number 49 is for the rooms above: auth has the
// conversation that follows the first key exchange, mux everything after it. The
// package makes no trust decision: it verifies that the host holds the key it
// shows and asks [Config.VerifyHostKey] whether that key is the right one.
package transport
