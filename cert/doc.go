// Package cert holds what is signed about keys: OpenSSH certificates
// (PROTOCOL.certkeys), lists of what was revoked (PROTOCOL.krl) and signatures
// over files (PROTOCOL.sshsig).
//
// Its nouns:
//
//   - [Certificate] is a key.Public, so that it goes wherever a key goes; a
//     [Signer] is a certificate with the private key behind it. [Sign] issues
//     one, with any key.Signer as the authority.
//   - [Verify] is the one place where a certificate is judged. It returns a
//     [Grant], what the certificate leaves its holder, and nothing else of a
//     certificate may be believed before.
//   - [KRL] says of keys and certificates whether they were revoked.
//   - [Signature] is made over a message for a namespace; [AllowedSigners]
//     knows who may have made it.
//
// A certificate that [Parse] returned has the signature of the authority that it
// names. Who that authority is says nothing: anybody can be one.
//
//	c, err := cert.Parse(blob)
//	grant, err := cert.Verify(c, cert.Use{
//		Kind: cert.User, Principal: "alice", Now: time.Now(), Source: addr,
//		Authority: trusted,
//	})
//
// Nothing here reads a file by name, and nothing here is an X.509 certificate.
// Below it are key and keyfile; above it transport and auth read keys with it,
// and the programs verify.
package cert
