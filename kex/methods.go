package kex

import (
	"crypto"
	"crypto/ecdh"
	_ "crypto/sha1" // the hashes that the rows name
	_ "crypto/sha256"
	_ "crypto/sha512"
	"fmt"
)

// method is one row of the table.
type method struct {
	name      string
	hash      crypto.Hash
	agreement agreement // nil: group exchange, which first agrees on a group
	slow      bool      // Start or a step takes about a millisecond or more
	off       bool      // known, but offered only where the user asks for it
}

// methods is in the order of preference, which is OpenSSH 10's.
var methods = [...]method{
	{name: "mlkem768x25519-sha256", hash: crypto.SHA256, agreement: mlkemX25519{}},
	{name: "sntrup761x25519-sha512", hash: crypto.SHA512, agreement: sntrupX25519{}, slow: true},
	{name: "sntrup761x25519-sha512@openssh.com", hash: crypto.SHA512, agreement: sntrupX25519{}, slow: true},
	{name: "curve25519-sha256", hash: crypto.SHA256, agreement: x25519{}},
	{name: "curve25519-sha256@libssh.org", hash: crypto.SHA256, agreement: x25519{}},
	{name: "ecdh-sha2-nistp256", hash: crypto.SHA256, agreement: nist{ecdh.P256, 256}},
	{name: "ecdh-sha2-nistp384", hash: crypto.SHA384, agreement: nist{ecdh.P384, 384}, slow: true},
	{name: "ecdh-sha2-nistp521", hash: crypto.SHA512, agreement: nist{ecdh.P521, 521}, slow: true},
	{name: "diffie-hellman-group-exchange-sha256", hash: crypto.SHA256, slow: true},
	{name: "diffie-hellman-group16-sha512", hash: crypto.SHA512, agreement: fixedGroup{group16}, slow: true},
	{name: "diffie-hellman-group18-sha512", hash: crypto.SHA512, agreement: fixedGroup{group18}, slow: true},
	{name: "diffie-hellman-group14-sha256", hash: crypto.SHA256, agreement: fixedGroup{group14}, slow: true},
	// SHA-1 is kept for old devices that speak nothing better.
	{name: "diffie-hellman-group14-sha1", hash: crypto.SHA1, agreement: fixedGroup{group14}, slow: true, off: true},
}

func find(name string) (*method, error) {
	for i := range methods {
		if methods[i].name == name {
			return &methods[i], nil
		}
	}
	return nil, fmt.Errorf("%w %q", ErrUnknownMethod, name)
}

// Methods returns the names of all methods, the preferred ones first. The
// caller owns the slice.
func Methods() []string { return names(func(*method) bool { return true }) }

// Default returns the methods that are offered unless the user says otherwise,
// best first. The caller owns the slice.
func Default() []string { return names(func(m *method) bool { return !m.off }) }

func names(want func(*method) bool) []string {
	list := make([]string, 0, len(methods))
	for i := range methods {
		if want(&methods[i]) {
			list = append(list, methods[i].name)
		}
	}
	return list
}

// Slow reports whether Start or a Step of the method, on either side, computes
// for about a millisecond or longer, so that it should run beside a connection's
// reader. Unknown methods are not slow.
func Slow(name string) bool {
	m, err := find(name)
	return err == nil && m.slow
}
