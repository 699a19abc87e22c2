package applet

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/transport"
)

// explain implements [manner]: Dropbear's words.
func (d *dbRun) explain(err error) string { return d.exited(d.reason(err)) }

func (d *dbRun) exited(why string) string {
	return "Connection to " + d.at.String() + " exited: " + why
}

func (d *dbRun) reason(err error) string {
	var says dbSays
	var dns *net.DNSError
	var connect *client.ConnectError
	var negotiation *transport.NegotiationError
	var refused *auth.Error
	var gone *transport.DisconnectError
	var open *mux.OpenError
	switch {
	case errors.As(err, &says):
		return string(says)
	case errors.As(err, &dns):
		return fmt.Sprintf("Connect failed: Error resolving '%s' port '%d'. %s", d.at.host, d.at.port, dnsReason(dns))
	case errors.As(err, &connect):
		return "Connect failed: " + door.Sentence(connect.Err)
	case errors.As(err, &negotiation):
		return "No matching algo " + term.Printable(negotiation.Error())
	case errors.As(err, &refused):
		return "No auth methods could be used."
	case errors.As(err, &gone) && gone.Remote:
		return "Disconnect received"
	case errors.As(err, &gone):
		return term.Printable(gone.Text)
	case errors.As(err, &open):
		return "open failed: " + term.Printable(open.Text)
	case errors.Is(err, mux.ErrDead):
		return "Keepalive timeout"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "Remote closed the connection"
	}
	return term.Printable(err.Error())
}

func dnsReason(dns *net.DNSError) string {
	if dns.IsNotFound {
		return "Name or service not known"
	}
	return "Temporary failure in name resolution"
}

// dbSignalled is the exit code for a program that a signal ended.
const dbSignalled = 128

// ended implements [manner].
func (d *dbRun) ended(c *client.Client, exit client.Exit, err error) int {
	gone := c.Err()
	if errors.Is(gone, transport.ErrClosed) {
		return sshFailed // it was this side, which has said why
	}
	code := exit.Status
	switch {
	case gone != nil && err != nil:
		d.ssh.say(config.LogInfo, "%s", d.explain(gone))
		return sshFailed
	case errors.Is(err, client.ErrNoExit):
		code = 0 // as Dropbear: it is taken for a clean end
	case err != nil:
		d.ssh.say(config.LogInfo, "%s", d.explain(err))
		return sshFailed
	case exit.Signal != "":
		d.ssh.say(config.LogInfo, "the remote command was ended by signal %s", term.Printable(exit.Signal))
		code = dbSignalled
	}
	d.exit = &code
	return code
}

// dress has ssh's sentences begin as Dropbear's do.
func (d *dbRun) dress(text string) string {
	text = d.Name + ": " + withoutMark(text)
	if strings.Contains(text, " exited: ") {
		text = "\n" + text
	}
	return text
}
