package auth

import (
	"errors"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/wire"
)

// Error says that the server refused everything the client had to offer.
type Error struct {
	User, Host string
	// Tried are the methods that were tried, each once, in order.
	Tried []string
	// Remaining are the methods that the server would still take.
	Remaining []string
}

// Error is the sentence that ssh prints.
func (e *Error) Error() string {
	who := e.User
	if e.Host != "" {
		who += "@" + e.Host
	}
	if len(e.Remaining) == 0 {
		return who + ": Permission denied."
	}
	return who + ": Permission denied (" + strings.Join(e.Remaining, ",") + ")."
}

// ProtocolError ends the connection: the caller disconnects with Reason and
// Text, which holds nothing that the peer must not know. It comes from a peer
// that broke the protocol, or that failed too often.
type ProtocolError struct {
	Reason uint32 // RFC 4253, section 11.1
	Text   string
}

func (e *ProtocolError) Error() string { return e.Text }

// ErrSkip is what a prompt returns to give up its method and go on with the
// next one. Any other error of a prompt ends the authentication.
var ErrSkip = errors.New("authentication method is skipped")

func protocolError(text string) error {
	return &ProtocolError{Reason: wire.DisconnectProtocolError, Text: text}
}

func unexpected(kind byte) error {
	return protocolError("message " + strconv.Itoa(int(kind)) + " is not allowed at this point of authentication")
}

func malformed(what string, err error) error {
	return protocolError(what + ": " + err.Error())
}
