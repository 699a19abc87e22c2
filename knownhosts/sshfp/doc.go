// Package sshfp looks up what the DNS says of a host's keys: SSHFP records
// (RFC 4255, 6594, 7479).
//
// A [Resolver], made by [System] from resolv.conf, asks its name servers for a
// name's [Answer]: the [Record] values, and whether they are authentic.
// [Answer.Judge] holds a host's key against them.
//
//	answer, err := sshfp.System().Lookup(ctx, "host.example.com")
//	verdict := answer.Judge(presented)
//
// Signatures of DNSSEC are not checked here: that is the name server's work, and
// its word (the AD flag) counts only where resolv.conf says "options trust-ad",
// as in glibc. Whoever writes that vouches for the way to the server, too. What
// a verdict means for a connection is for the client to say.
package sshfp
