// Package sftp moves files over a session's subsystem "sftp": version 3 of the
// protocol (draft-ietf-secsh-filexfer-02) with the extensions that OpenSSH's
// PROTOCOL, section 4, adds.
//
// A [Client] asks one thing at a time and may be used from any goroutine. What
// the server refuses is a *[StatusError].
//
//	c, err := sftp.NewClient(session)
//	text, err := c.ReadFile(".ssh/authorized_keys", 1<<20)
//
// This is the part that small files need: whole files are read, and replaced in
// one step. It doesn't pipeline, walk directories or serve. Below it is wire;
// the session it speaks on belongs to client.
package sftp
