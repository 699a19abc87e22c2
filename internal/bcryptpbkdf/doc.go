// Package bcryptpbkdf is bcrypt_pbkdf of OpenBSD: the function that makes the
// key of an encrypted private key file in OpenSSH's format (PROTOCOL.key) out of
// its passphrase, a salt and a number of rounds.
//
// It is one function, [Key], on the Blowfish of x/crypto. It doesn't read key
// files and doesn't ask for passphrases: that is package keyfile, the room after
// it. No room is before it.
package bcryptpbkdf
