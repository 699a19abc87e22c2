// Package knownhosts remembers which keys hosts have shown, in the files that
// OpenSSH keeps (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
//
// A [DB] is a list of files. [DB.Check] judges a key that a host has just
// presented: nil for a key that is known, else an [UnknownError] (first contact:
// ask), a [ChangedError] (refuse loudly) or a [RevokedError] (refuse). Before
// that, [DB.Algorithms] puts the algorithms of known keys first, so that a host
// with several keys shows one that can be judged. [Add] and [Remove] change one
// file.
//
//	db := knownhosts.Open(user, system)
//	err := db.Check("example.com", 22, nil, presented)
//
// Nothing is kept in memory: each question reads the files in one pass, a line
// at a time, and decodes only the lines whose names match. So a file can be of
// any size, and is never stale.
//
// Certificates are not matched here; lines with @cert-authority are given out by
// [DB.Lookup] for the room that does. Nobody is asked anything here. Below it are
// key and keyfile, above it is the client.
package knownhosts
