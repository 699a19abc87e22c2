// Package keyfile reads and writes keys as people keep them: private key files,
// authorized_keys lines, fingerprints and random art.
//
// A private key file's [Format] is a row of the table in format.go, by which it
// is recognised from its content, read and written: OpenSSH's own
// openssh-key-v1, the PEM forms PKCS#1, SEC1 and PKCS#8, PuTTY's, Dropbear's and
// ssh.com's. A [PublicFormat] is a row of the table in public.go. How an
// openssh-key-v1 file is encrypted is a row of the table in cipher.go. [Load]
// reads a file as ssh does, and refuses one that other users can read; its
// errors are types ([PassphraseError], [PermissionsError], [FormatError],
// [UnsupportedError], and fs.ErrNotExist and fs.ErrPermission through errors.Is),
// because what a person is told to do differs.
//
// An [AuthorizedKey] is one line of authorized_keys or of a .pub file, with its
// options in order. What an option means is for the server.
//
// Nothing here prompts: who asks for a passphrase is handed in. Nothing here
// knows certificates. Below it is key, above it are the agent, the client's
// identities, the server's host keys and ssh-keygen.
package keyfile
