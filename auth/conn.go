package auth

import (
	"context"
	"fmt"

	"github.com/nacre-ssh/nacre/wire"
)

// Conn is a connection after its first key exchange. The package calls it from
// one goroutine. One that also has
//
//	Post(payload []byte) error
//
// which copies a message and sends it no later than the next Send or wait in
// Next, gets by it what the next message should share a write with: the service
// request and its answer, and the banner.
type Conn interface {
	// SessionID is the exchange hash of the first key exchange.
	SessionID() []byte
	// HostKey is the blob of the server's host key of the first key exchange.
	HostKey() []byte
	// Next returns the next message that is not the transport's own. It is
	// valid until the next call.
	Next() ([]byte, error)
	// Send sends one message, which it copies.
	Send(payload []byte) error
	// PeerExt returns what the peer said under name in its EXT_INFO (RFC 8308).
	PeerExt(name string) ([]byte, bool)
}

// Names on the wire.
const (
	serviceUserauth   = "ssh-userauth"   // RFC 4252, section 4
	serviceConnection = "ssh-connection" // RFC 4254, section 1

	methodNone        = "none"                                // RFC 4252, section 5.2
	methodPublicKey   = "publickey"                           // RFC 4252, section 7
	methodHostbound   = "publickey-hostbound-v00@openssh.com" // PROTOCOL, section 3.1
	methodPassword    = "password"                            // RFC 4252, section 8
	methodInteractive = "keyboard-interactive"                // RFC 4256

	extServerSigAlgs = "server-sig-algs"                 // RFC 8308, section 3.1
	extHostbound     = "publickey-hostbound@openssh.com" // PROTOCOL, section 3.1
)

// receive waits for a message. When ctx has ended, its cause is the error,
// whatever the connection says of its own closing.
func receive(ctx context.Context, conn Conn) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	msg, err := conn.Next()
	if err != nil {
		return nil, lost(ctx, err)
	}
	if len(msg) == 0 {
		return nil, &ProtocolError{wire.DisconnectProtocolError, "empty message during authentication"}
	}
	return msg, nil
}

func send(ctx context.Context, conn Conn, payload []byte) error {
	if err := conn.Send(payload); err != nil {
		return lost(ctx, err)
	}
	return nil
}

// post sends a message that another follows.
func post(ctx context.Context, conn Conn, payload []byte) error {
	p, ok := conn.(interface{ Post(payload []byte) error })
	if !ok {
		return send(ctx, conn, payload)
	}
	if err := p.Post(payload); err != nil {
		return lost(ctx, err)
	}
	return nil
}

func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	return fmt.Errorf("connection lost during authentication: %w", err)
}

func ended(ctx context.Context) error {
	return fmt.Errorf("authentication was given up: %w", context.Cause(ctx))
}
