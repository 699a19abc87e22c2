package transport

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/nacre-ssh/nacre/kex"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/packet"
)

// Version is the software version of the identification line.
const Version = "nacre_0.1"

// Config says how a connection is to be made. The zero value is usable by a
// client that sets VerifyHostKey and a server that sets HostKeys. A Config may
// serve many connections at once and must not change meanwhile.
type Config struct {
	Version    string // software version; "" is [Version]
	Algorithms Algorithms

	// Rekeying: after so many bytes or so long, in either direction. 0 leaves
	// the cipher's own limit, which also caps RekeyBytes.
	RekeyBytes    uint64
	RekeyInterval time.Duration

	// RequireStrictKex refuses ciphers that Terrapin affects
	// (CVE-2023-48795) with a peer that lacks strict key exchange.
	RequireStrictKex bool

	Logger *slog.Logger // nil: silent
	Rand   io.Reader    // nil: crypto/rand

	// VerifyHostKey decides whether the server's key is the right one
	// (client). The server has proved possession by then. An error ends the
	// connection. nil refuses every key.
	VerifyHostKey func(ctx context.Context, k key.Public) error
	// Remembered are the lists that this host sent the last time (client). If
	// they allow a safe guess, the first key-exchange packet leaves at once.
	Remembered *PeerLists

	// HostKeys are the server's keys, at most one of a type is used.
	HostKeys []key.Signer
	// UserKeyAlgorithms are the signature algorithms that the server takes for
	// user authentication, announced to the client (RFC 8308, section 3.1).
	UserKeyAlgorithms []string
	// Moduli are the server's groups for diffie-hellman-group-exchange; nil
	// takes the built-in ones.
	Moduli kex.Moduli

	// Go starts a goroutine of the connection's; nil is the go statement. A
	// server that outlives its connections has one here that recovers.
	Go func(func())

	// Exportable keeps the keys in memory so that [Conn.Export] works.
	Exportable bool
}

// Algorithms are preference lists, best first. An empty list is the default.
type Algorithms struct {
	Kex         []string
	HostKeys    []string
	Ciphers     []string
	MACs        []string
	Compression []string
}

// DefaultHostKeys lists the host key algorithms offered unless told otherwise.
func DefaultHostKeys() []string {
	return []string{
		key.TypeEd25519, key.TypeECDSA256, key.TypeECDSA384, key.TypeECDSA521,
		key.AlgRSASHA512, key.AlgRSASHA256,
	}
}

// DefaultUserKeys lists the signature algorithms announced for user
// authentication unless told otherwise.
func DefaultUserKeys() []string {
	return []string{
		key.TypeEd25519, key.TypeSKEd25519, key.TypeECDSA256, key.TypeECDSA384, key.TypeECDSA521,
		key.TypeSKECDSA, key.AlgRSASHA512, key.AlgRSASHA256,
	}
}

// withDefaults fills in the empty lists. Servers offer delayed compression,
// since it costs nothing until a client asks for it.
func (a Algorithms) withDefaults(server bool) Algorithms {
	if len(a.Kex) == 0 {
		a.Kex = kex.Default()
	}
	if len(a.HostKeys) == 0 {
		a.HostKeys = DefaultHostKeys()
	}
	if len(a.Ciphers) == 0 {
		a.Ciphers = packet.DefaultCiphers()
	}
	if len(a.MACs) == 0 {
		a.MACs = packet.DefaultMACs()
	}
	if len(a.Compression) == 0 {
		a.Compression = []string{packet.CompressNone}
		if server {
			a.Compression = append(a.Compression, packet.CompressDelayed)
		}
	}
	return a
}
