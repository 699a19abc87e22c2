package key

import (
	"context"
	"crypto"
)

// Public is an SSH public key. Values are immutable and safe for concurrent
// use.
type Public interface {
	// Type is the key format identifier ("ssh-ed25519", "ssh-rsa",
	// "ecdsa-sha2-nistp256"), RFC 4253, section 6.6.
	Type() string
	// Blob is the wire encoding. The caller must not change it.
	Blob() []byte
	// Algorithms are the signature algorithms that a key of this type can
	// verify, best first ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa").
	Algorithms() []string
	// Bits is the size that people name: modulus or curve.
	Bits() int
	// Crypto is the standard library's form of the key.
	Crypto() crypto.PublicKey
	// Verify checks a whole signature blob (string algorithm, string
	// signature) over data. The blob's algorithm must equal algorithm, which
	// is what the two sides agreed upon, never what the blob says.
	Verify(algorithm string, data, signature []byte) error
}

// Signer signs with a private key wherever it lives: in memory, in an agent, in
// another process.
type Signer interface {
	Public() Public
	// Sign returns a signature blob (string algorithm, string signature) over
	// data. The caller owns it.
	Sign(ctx context.Context, algorithm string, data []byte) ([]byte, error)
}
