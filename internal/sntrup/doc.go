// Package sntrup is Streamlined NTRU Prime with the parameter set sntrup761:
// the post-quantum half of the key exchange sntrup761x25519-sha512, which
// OpenSSH has offered first from 8.5 to 9.9.
//
// It is a key encapsulation mechanism of three functions: [GenerateKey],
// [Encapsulate] and [Decapsulate]. Keys, ciphertexts and shared keys are plain
// byte strings of fixed sizes, encoded as in OpenSSH and in
// draft-josefsson-ntruprime-streamlined.
//
//	pub, priv, err := sntrup.GenerateKey(rand.Reader)   // client
//	ct, shared, err := sntrup.Encapsulate(rand.Reader, pub) // server
//	shared, err := sntrup.Decapsulate(priv, ct)         // client
//
// A ciphertext that was tampered with does not make Decapsulate fail: it
// yields a key that nobody else knows (implicit rejection), so the two sides
// part at the first thing they check with it.
//
// No branch and no memory address depends on a secret. The two exceptions are
// public by design: how often key generation drew a polynomial that had no
// inverse, and the divisions in the decoders, whose input travels in clear.
//
// The package does not combine the key with X25519 and does not hash the
// exchange: that is package kex, the room after it. No room is before it.
package sntrup
