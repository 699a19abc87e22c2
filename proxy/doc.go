// Package proxy reaches a host by way of another that is no SSH server: an HTTP
// proxy (CONNECT), a SOCKS 4, 4a or 5 proxy, or a program whose standard input
// and output are the connection (ssh_config's ProxyCommand).
//
//	Target ─► Proxy.Dial ─► net.Conn to the proxy, past its last reply byte
//	       └► Command.Dial ─► net.Conn over pipes, or a passed descriptor
//
// Its nouns: a [Target] is who shall be reached; a [Proxy] is one server in
// between, made from a URL by [ParseURL] or from the command line of a helper
// program by [FromCommand]; a [Command] is such a program. [RefusedError] is a
// proxy's no, [AuthError] its no to a user.
//
// A reply is read to its last byte and not one further, so nothing of what the
// target says first is lost. Everything that a proxy sends has a cap, and what
// isn't understood is refused.
//
// It asks nobody for a password ([Dialer.Ask] does) and reads no configuration.
// On the byte's way it stands below transport: what it returns is what
// client.New takes.
package proxy
