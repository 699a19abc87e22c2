// Package auth is user authentication, both sides of it: RFC 4252 with the
// methods none, publickey (and publickey-hostbound-v00@openssh.com), password
// and keyboard-interactive (RFC 4256), one file per method and side.
//
// Its nouns:
//
//   - [Conn] is the encrypted connection underneath, three verbs and three
//     facts; transport's connection is one.
//   - [Client] tries [ClientMethod] values in order until the server is
//     content. [None], [PublicKeys], [Password] and [KeyboardInteractive] make
//     them.
//   - [Server] asks a [Policy] for the [Account] of the user who knocks, and
//     the account for a [Permit] at each step.
//   - [Permit] is what a login may do. It is a plain value: the permits of
//     several steps merge into one, and the most restrictive wins.
//   - [Event] is one step of either conversation, for -v and for the log.
//
// Both sides are blocking conversations in the goroutine of the caller; they
// start no goroutine and keep no buffer. A context ends waits of their own;
// a wait for the peer ends when the caller closes the connection, and the error
// then names the context's cause.
//
// The round trips are spent once: the client's service request and its first
// attempt leave together.
//
//	client                                server
//	SERVICE_REQUEST ssh-userauth ───────►
//	USERAUTH_REQUEST first attempt ─────►
//	                             ◄─────── SERVICE_ACCEPT
//	                             ◄─────── USERAUTH_BANNER, if any
//	                             ◄─────── SUCCESS, FAILURE or a method's own 60
//
// What it does not do: it reads no files and knows no operating system users
// (login does, behind Policy), it doesn't parse certificates (cert does, behind
// ServerConfig.ParseKey), prints nothing and escapes nothing: banner, prompts
// and instructions are the peer's bytes, and whoever prints them escapes them.
// It doesn't disconnect either: a [ProtocolError] carries the reason that the
// caller sends.
//
// The room before it is transport; the room after it is mux.
package auth
