// Package knownhosts remembers which keys hosts have shown, in the files that
// OpenSSH keeps (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
//
// A [DB] is a list of files. [DB.Check] judges a key that a host has just
// presented: nil for a key that is known, else an [UnknownError] (first contact:
// ask), an [OtherTypeError] (ask), a [ChangedError] (refuse loudly) or a
// [RevokedError] (refuse); [DB.CheckAuthority] judges who signed its
// certificate. Before that, [DB.Algorithms] puts the algorithms first that can be
// judged, so that a host with several keys shows one that is known. [Add],
// [Remove], [Replace] and [Hash] change one file, [Rewrite] and [Scan] are what
// ssh-keygen's options are made of.
//
//	db := knownhosts.Open(user, system)
//	err := db.Check("example.com", 22, nil, presented)
//
// Nothing is kept in memory: each question reads the files in one pass, a line
// at a time, and decodes only the lines whose names match. So a file can be of
// any size, and is never stale.
//
// What a certificate says is not read here. Nobody is asked anything here. Below
// it are key and keyfile, above it is the client.
package knownhosts
