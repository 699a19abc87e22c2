// Package control shares one connection among processes: OpenSSH's ControlMaster
// protocol (PROTOCOL.mux), both sides of it and compatible with OpenSSH's both
// ways.
//
//	ssh ─► Dial ─► Conn.Session ═ descriptors ═► Master ─► client.Session ─► server
//	               Conn.Forward ───────────────► Master ─► forward.Forwards
//
// Its nouns: a [Master] has the connection and serves others on a Unix socket
// that [Listen] makes; a [Conn] is a client's way to a master. A client that
// opens a session passes its standard streams and waits for the exit status: the
// master moves the bytes. Or it speaks SSH's connection protocol itself
// ([Conn.Client]) over channels that the master opens for it.
//
// A socket is made with mode 0600 in a directory that others can't change, and
// both sides check whose process is at the other end. Messages have caps; one
// that isn't understood is refused, one that is malformed ends that client and
// nothing else.
//
// It starts no master in the background and decides nothing about ControlPath
// and ControlPersist: who calls it does. It prints nothing. The rooms below are
// client for sessions, forward for ports and mux for channels.
package control
