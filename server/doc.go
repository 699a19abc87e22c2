// Package server is the server side of SSH for Go programs: it accepts
// connections, has them authenticated, and serves the sessions on them.
//
//	net.Listener ─► Gate ─► transport ─► auth ─┬─► mux ─► session ─► Handler ─► Process
//	                                           └─► HandOver ─► another process: Resume
//
// Its nouns:
//
//   - [Server] runs connections by a [Config], which may be replaced while it
//     serves.
//   - [Login] is who is at the other end and what the permit leaves them.
//   - [Session] is what was asked for on one channel: a shell, a command or a
//     subsystem, with or without a terminal. [Handler] starts it, and the
//     [Process] it returns is what the session's streams belong to.
//   - [Handover] is an authenticated connection on its way to a process of its
//     user, where [Server.Resume] carries on with it.
//
// One function applies a permit to what a session asks for (permit.go). Whatever
// is not known is refused: channel types, requests, global requests. Ports and
// Unix sockets are forwarded as [Forwarding] and the permit say (forward.go).
//
// A connection costs a goroutine and the state of its keys; handshake and
// authentication run in a goroutine that ends, so that an idle connection waits
// on a small stack. Every goroutine of a connection starts through one function
// that recovers: a panic ends that connection.
//
// The log has the words of OpenSSH's sshd, which other programs read.
//
// What it does not do: it knows no users, files or processes of an operating
// system (package login does), and reads no configuration file. The rooms below
// it are transport, auth, mux and term.
package server
