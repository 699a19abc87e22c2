package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"syscall"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

// The lines here have sshd's words, because fail2ban and its like read them.

// where is an address as sshd writes it.
func where(a netip.AddrPort) string {
	if !a.IsValid() {
		return "UNKNOWN port 65535"
	}
	return fmt.Sprintf("%s port %d", a.Addr().Unmap(), a.Port())
}

// authEvent logs one step of authentication.
func (c *conn) authEvent(e auth.Event) {
	switch e.Kind {
	case auth.EventAccept:
		c.log.Debug(fmt.Sprintf("Postponed publickey for %s%s from %s ssh2: %s", c.invalid(), printable(e.User), where(c.peer.Remote), keyName(e.Key)))
	case auth.EventSuccess:
		c.attempt(slog.LevelInfo, "Accepted", e)
	case auth.EventContinue:
		c.attempt(slog.LevelInfo, "Partial", e)
	case auth.EventRefuse:
		c.refusedAttempt(e)
	}
}

// refusedAttempt is louder for passwords, for users who don't exist, and after
// half of the attempts.
func (c *conn) refusedAttempt(e auth.Event) {
	level := LevelVerbose
	tries := c.set.MaxAuthTries
	if tries == 0 {
		tries = 6
	}
	if !c.who.known() || c.who.failed >= tries/2 || e.Method == "password" {
		level = slog.LevelInfo
	}
	c.attempt(level, "Failed", e)
	if e.Err != nil {
		c.log.Debug("refused: "+printable(e.Err.Error()), "method", e.Method)
	}
	if e.Method != "none" {
		c.who.failed++
	}
}

func (c *conn) attempt(level slog.Level, verdict string, e auth.Event) {
	line := fmt.Sprintf("%s %s for %s%s from %s ssh2", verdict, e.Method, c.invalid(), printable(e.User), where(c.peer.Remote))
	if e.Key != nil {
		line += ": " + keyName(e.Key)
	}
	c.log.Log(context.Background(), level, line)
}

func (c *conn) invalid() string {
	if c.who.known() {
		return ""
	}
	return "invalid user "
}

func keyName(k key.Public) string {
	name := cert.ShortName(k.Type()) + " " + keyfile.FingerprintSHA256(cert.PlainKey(k))
	if c, ok := k.(*cert.Certificate); ok {
		name += fmt.Sprintf(" ID %s (serial %d) CA %s", printable(c.KeyID), c.Serial, keyName(c.Authority))
	}
	return name
}

// printable keeps what a peer said from driving a terminal or forging a line.
func printable(s string) string { return term.Printable(s) }

// stage is what sshd calls the peer of a connection at this point.
func (c *conn) stage() string {
	at := where(c.peer.Remote)
	switch {
	case c.login != nil:
		return "user " + printable(c.login.User) + " " + at
	case c.who == nil || c.who.user == "":
		return at
	case c.who.known():
		return "authenticating user " + printable(c.who.user) + " " + at
	}
	return "invalid user " + printable(c.who.user) + " " + at
}

// refused logs why a connection ended before it was authenticated.
func (c *conn) refused(ctx context.Context, err error) {
	const preauth = " [preauth]"
	var broke *auth.ProtocolError
	var negotiation *transport.NegotiationError
	var identification *transport.IdentificationError
	switch {
	case errors.Is(context.Cause(ctx), errGrace):
		c.log.Info("Timeout before authentication for " + where(c.peer.Remote))
	case ctx.Err() != nil:
		c.log.Info("Connection of " + c.stage() + " is closed: the server is shutting down" + preauth)
	case errors.As(err, &broke):
		if strings.HasPrefix(broke.Text, "Too many authentication failures") {
			c.log.Error(fmt.Sprintf("maximum authentication attempts exceeded for %s%s from %s ssh2%s", c.invalid(), printable(c.who.user), where(c.peer.Remote), preauth))
		}
		c.log.Info("Disconnecting " + c.stage() + ": " + printable(broke.Text) + preauth)
	case errors.As(err, &negotiation):
		c.log.Info("Unable to negotiate with " + where(c.peer.Remote) + ": " + printable(negotiation.Error()) + preauth)
	case errors.As(err, &identification):
		c.notSSH(identification)
	default:
		c.gone(err, preauth)
	}
}

func (c *conn) notSSH(e *transport.IdentificationError) {
	if e.Line == "" {
		c.log.Info("Connection closed by " + where(c.peer.Remote))
		return
	}
	c.log.Info("banner exchange: Connection from " + where(c.peer.Remote) + ": invalid format")
}

// ended logs why an authenticated connection ended.
func (c *conn) ended(err error) { c.gone(err, "") }

func (c *conn) gone(err error, suffix string) {
	var disconnect *transport.DisconnectError
	switch {
	case errors.As(err, &disconnect) && disconnect.Remote:
		c.log.Info(fmt.Sprintf("Received disconnect from %s:%d: %s%s", where(c.peer.Remote), disconnect.Reason, printable(disconnect.Text), suffix))
		c.log.Info("Disconnected from " + c.stage() + suffix)
	case errors.As(err, &disconnect):
		c.log.Info("Disconnecting " + c.stage() + ": " + printable(disconnect.Text) + suffix)
	case errors.Is(err, mux.ErrUnused):
		c.log.Info("terminating inactive connection from " + c.stage())
	case errors.Is(err, transport.ErrClosed):
		c.log.Log(context.Background(), LevelVerbose, "Closing connection to "+where(c.peer.Remote))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		c.log.Info("Connection closed by " + c.stage() + suffix)
	case errors.Is(err, syscall.ECONNRESET):
		c.log.Info("Connection reset by " + c.stage() + suffix)
	default:
		c.log.Info("Connection of " + c.stage() + " ended: " + printable(err.Error()) + suffix)
	}
}

// disconnect ends an authenticated connection with a reason that the peer is
// told.
func (c *conn) disconnect(text string) {
	c.log.Info("Disconnecting " + c.stage() + ": " + text)
	c.tc.Disconnect(wire.DisconnectProtocolError, text)
}
