// Package key holds SSH public keys, private keys and signers, one file per key
// type.
package key
