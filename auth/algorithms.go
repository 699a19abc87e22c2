package auth

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

const (
	algSSHRSA = "ssh-rsa" // RSA with SHA-1, RFC 4253, section 6.6

	// defaultRequiredRSASize is in bits, as OpenSSH has it.
	defaultRequiredRSASize = 1024
)

// DefaultAlgorithms are the signature algorithms that both sides take when
// PubkeyAcceptedAlgorithms is empty, best first. The caller owns the list.
// RSA with SHA-1 is not among them. Certificates come first; a server reads them
// where its ParseKey does.
func DefaultAlgorithms() []string {
	return append(cert.Algorithms(),
		"ssh-ed25519",
		"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
		"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
		"rsa-sha2-512", "rsa-sha2-256",
	)
}

func acceptedAlgorithms(configured []string) []string {
	if len(configured) > 0 {
		return configured
	}
	return DefaultAlgorithms()
}

// tooSmall tells an RSA key below the required size, in bits, 0 for the default.
func tooSmall(k key.Public, required int) bool {
	if required == 0 {
		required = defaultRequiredRSASize
	}
	_, isRSA := k.Crypto().(*rsa.PublicKey)
	return isRSA && k.Bits() < required
}

// signatureAlgorithms are the algorithms that the policy allows for k, in the
// policy's order.
func signatureAlgorithms(policy []string, k key.Public) []string {
	mine := k.Algorithms()
	var both []string
	for _, a := range policy {
		if slices.Contains(mine, a) {
			both = append(both, a)
		}
	}
	return both
}

// peerTakes looks algorithm up in a server-sig-algs list, which names plain
// algorithms for certificates too.
func peerTakes(list, algorithm string) bool {
	plain := cert.Plain(algorithm)
	for name := range strings.SplitSeq(list, ",") {
		if name == algorithm || name == plain {
			return true
		}
	}
	return false
}

func usesSHA1(algorithm string) bool {
	return cert.Plain(algorithm) == algSSHRSA
}

// fingerprint is that of the key; a certificate has its key's.
func fingerprint(k key.Public) string {
	sum := sha256.Sum256(cert.PlainKey(k).Blob())
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// appendPublicKeyRequest appends a publickey request up to its signature
// (RFC 4252, section 7; with hostKey, PROTOCOL, section 3.1). What is signed is
// the session identifier as a string and then exactly this.
func appendPublicKeyRequest(b []byte, user, method string, signed bool, algorithm string, blob, hostKey []byte) []byte {
	b = appendRequest(b, user, method)
	b = wire.AppendBool(b, signed)
	b = wire.AppendString(b, algorithm)
	b = wire.AppendString(b, blob)
	if method == methodHostbound {
		b = wire.AppendString(b, hostKey)
	}
	return b
}

// appendRequest appends the fields that all requests share (RFC 4252, section 5).
func appendRequest(b []byte, user, method string) []byte {
	b = append(b, wire.MsgUserauthRequest)
	b = wire.AppendString(b, user)
	b = wire.AppendString(b, serviceConnection)
	return wire.AppendString(b, method)
}
