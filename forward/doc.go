// Package forward carries TCP connections and Unix sockets over an SSH
// connection (RFC 4254, section 7; OpenSSH's PROTOCOL, section 2.4).
//
//	local:    socket ─► accept ─► open direct-tcpip ──────────► Splice
//	dynamic:  socket ─► accept ─► SOCKS ─► open direct-tcpip ─► Splice
//	remote:   forwarded-tcpip ─► [SOCKS ─►] dial ─────────────► Splice
//
// Its nouns:
//
//   - an [Address] is one end, a [Spec] both of one forward;
//   - [Forwards] are the client's forwards on one connection: they can be
//     added, listed and cancelled while it lives;
//   - [Sockets] are what one forward listens on, the client's or the server's;
//   - [Splice] joins a channel and a socket until both directions have ended,
//     each by itself: the end of one passes through, and nothing is lost.
//
// SOCKS 4, 4a and 5 are read by a parser without I/O. Names that a SOCKS client
// asks for are resolved at the far end.
//
// The package reads no configuration and prints nothing; its log has OpenSSH's
// words. It does not decide who may forward on a server: package server does,
// with [Permits]. The room before it on the byte's way is mux.
package forward
