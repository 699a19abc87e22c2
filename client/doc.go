// Package client is the client's side of SSH as a library: one call from a host
// name to a connection that is ready for channels, and sessions on it.
//
//	address ─► Dial ─► transport.Client ─► auth.Client ─► mux ─► Session
//	           tcp     host key asked      methods asked          pty, command
//
// Its nouns: a [Config] says who, with what and how; a [Client] is a connection
// whose user is logged in; a [Session] is a shell, a command or a subsystem on
// it. [ConnectError] says that nobody could be reached; what goes wrong later
// keeps the types of transport, auth and mux.
//
// It reads no configuration and no key file, asks nobody anything and prints
// nothing: whoever calls it brings the trust decision ([Config.HostKey]), the
// identities ([auth.ClientConfig]) and a log. The one thing it may leave behind
// are the lists that a host sent, in the directory [Config.Remember], to save a
// round trip the next time.
//
// Round trips are spent once. After TCP, logging in with a key in memory and
// running a command takes five, four where the remembered lists are right:
//
//	KEXINIT            │ version, KEXINIT     none when guessed
//	key exchange       │ reply, NEWKEYS
//	service, signature │ accept, success
//	channel open       │ confirmation
//	pty, env, exec     │ output, exit status
package client
