package transport

import (
	"errors"
	"fmt"

	"github.com/nacre-ssh/nacre/wire"
)

// ErrClosed is what a connection answers after Close.
var ErrClosed = errors.New("connection is closed")

// A DisconnectError is the end of a connection by an SSH_MSG_DISCONNECT.
type DisconnectError struct {
	Reason uint32 // RFC 4253, section 11.1
	Text   string // the other side's words when Remote: escape before printing
	Remote bool   // whether the peer sent it
}

func (e *DisconnectError) Error() string {
	if e.Remote {
		return fmt.Sprintf("peer disconnected: %q (reason %d)", e.Text, e.Reason)
	}
	return e.Text
}

// A NegotiationError says that the two sides share no algorithm of a kind.
type NegotiationError struct {
	What         string // "key exchange method", "host key type", "cipher", "MAC", "compression"
	Ours, Theirs []string
	// More are the other kinds that nothing is shared of, in the order of
	// KEXINIT; each direction of a kind counts.
	More []*NegotiationError
}

func (e *NegotiationError) Error() string {
	return fmt.Sprintf("no matching %s found. Their offer: %s", e.What, join(e.Theirs))
}

// A HostKeyError wraps what VerifyHostKey answered.
type HostKeyError struct{ Err error }

func (e *HostKeyError) Error() string { return e.Err.Error() }
func (e *HostKeyError) Unwrap() error { return e.Err }

// An IdentificationError says that what answered does not speak SSH 2.
type IdentificationError struct {
	Line string // what it said instead, at most 255 bytes; escape before printing
}

func (e *IdentificationError) Error() string {
	if e.Line == "" {
		return "the other side closed the connection before it identified itself"
	}
	return fmt.Sprintf("the other side does not speak SSH 2: it said %q", e.Line)
}

// broken is a breach of the protocol by the peer.
func broken(format string, args ...any) *DisconnectError {
	return &DisconnectError{Reason: wire.DisconnectProtocolError, Text: fmt.Sprintf(format, args...)}
}

func kexFailed(format string, args ...any) *DisconnectError {
	return &DisconnectError{Reason: wire.DisconnectKeyExchangeFailed, Text: fmt.Sprintf(format, args...)}
}
