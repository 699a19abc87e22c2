// Package key holds SSH public keys, private keys and signers, one file per key
// type.
//
// Its types are few. A [Public] is what a peer shows or a file lists; it
// verifies. A [Signer] signs, wherever the private key lives. A [Private] is
// the Signer for a key in this process's memory. What differs from one type to
// the next (how a blob is read, how a key is made, how it signs) is a row of
// the table in types.go.
//
//	private, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
//	signature, err := private.Sign(ctx, key.TypeEd25519, data)
//	err = private.Public().Verify(key.TypeEd25519, data, signature)
//
// Nothing here reads a file (that is keyfile), knows a certificate (cert) or
// decides which algorithms are good enough for a connection: "ssh-rsa" with
// SHA-1 verifies here when it is asked for, and whoever negotiates must not ask.
// Sizes are checked before any arithmetic, so that a hostile blob costs nothing.
//
// Below it on the byte's way is wire, above it are transport (host keys), auth
// (user keys) and every store of keys.
package key
