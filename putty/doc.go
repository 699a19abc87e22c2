// Package putty reads and writes what PuTTY remembers: which keys hosts have,
// which authorities may certify them, and its sessions as lists of settings.
//
// A [Store] is where: [Files] below a directory, as PuTTY has them on Unix, or
// the Windows registry ([OpenRegistry]), or a [Reg], the text of a .reg file in
// memory. All three hold the same: a [Record] is a session or a [HostCA], a
// [HostKey] is a line of the host-key cache.
//
//	store := putty.DefaultFiles(os.Getenv, home)
//	k, err := putty.NewHostKey("example.com", 22, presented)
//	err = store.PutHostKeys(k)
//
// [ImportKnownHosts] and [ExportKnownHosts] carry host keys and authorities over
// from and to OpenSSH's known_hosts. A [Fingerprint] has PuTTY's form. A [Validity] is the expression that says for
// which hosts an authority speaks.
//
// What a session's settings mean is not known here: they are kept as they are,
// those that nobody knows included. Formats: PuTTY 0.84's unix/storage.c,
// windows/storage.c, utils/host_ca*.c and utils/cert-expr.c, read for behaviour.
package putty
