package applet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/proxy"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/transport"
)

// explain implements [manner]: PuTTY's words, after "FATAL ERROR: " where it
// says that. "" is for what was said already.
func (p *plinkRun) explain(err error) string {
	var dns *net.DNSError
	switch {
	case errors.Is(err, errAbandoned), errors.Is(err, term.ErrInterrupted), errors.Is(err, context.Canceled):
		return ""
	case errors.As(err, &dns):
		return "Unable to open connection:\n" + dnsReason(dns)
	}
	return "FATAL ERROR: " + p.reason(err)
}

func (p *plinkRun) reason(err error) string {
	var fatal plinkFatal
	var connect *client.ConnectError
	var negotiation *transport.NegotiationError
	var refused *auth.Error
	var breach *auth.ProtocolError
	var gone *transport.DisconnectError
	var open *mux.OpenError
	var request *client.RefusedError
	switch {
	case errors.As(err, &fatal):
		return string(fatal)
	case isProxyError(err):
		return "Proxy error: " + term.Printable(err.Error())
	case errors.As(err, &connect):
		return door.Sentence(connect.Err)
	case errors.As(err, &negotiation):
		what := strings.NewReplacer("method", "algorithm", "host key type", "host key algorithm").Replace(negotiation.What)
		return fmt.Sprintf("Couldn't agree a %s (available: %s)", what, term.Printable(strings.Join(negotiation.Theirs, ",")))
	case errors.As(err, &refused):
		return fmt.Sprintf("No supported authentication methods available (server sent: %s)", term.Printable(strings.Join(refused.Remaining, ",")))
	case errors.As(err, &breach):
		return term.Printable(breach.Text)
	case errors.As(err, &gone) && gone.Remote:
		return fmt.Sprintf("Remote side sent disconnect message\ntype %d (%s):\n\"%s\"", gone.Reason, disconnectName(gone.Reason), term.Printable(gone.Text))
	case errors.As(err, &gone):
		return term.Printable(gone.Text)
	case errors.As(err, &open):
		return fmt.Sprintf("Server refused to open main channel: %s [%s]", openFailureName(open.Reason), term.Printable(open.Text))
	case errors.As(err, &request):
		return "Server refused to start a shell/command"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "Remote side unexpectedly closed network connection"
	case errors.Is(err, mux.ErrDead):
		return "the server doesn't answer any more"
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return door.Sentence(number)
	}
	return term.Printable(err.Error())
}

func isProxyError(err error) bool {
	var refused *proxy.RefusedError
	var login *proxy.AuthError
	var broken *proxy.BrokenError
	return errors.As(err, &refused) || errors.As(err, &login) || errors.As(err, &broken)
}

// disconnectName is a reason of RFC 4253, section 11.1, in PuTTY's words.
func disconnectName(reason uint32) string {
	names := [...]string{
		"", "host not allowed to connect", "protocol error", "key exchange failed", "reserved", "MAC error", "compression error",
		"service not available", "protocol version not supported", "host key not verifiable", "connection lost", "by application",
		"too many connections", "auth cancelled by user", "no more auth methods available", "illegal user name",
	}
	if int(reason) < len(names) && reason > 0 {
		return names[reason]
	}
	return "unknown"
}

// openFailureName is a reason of RFC 4254, section 5.1, in PuTTY's words.
func openFailureName(reason uint32) string {
	names := [...]string{"", "Administratively prohibited", "Connect failed", "Unknown channel type", "Resource shortage"}
	if int(reason) < len(names) && reason > 0 {
		return names[reason]
	}
	return "Unknown reason"
}

// plinkSignalled is the exit code for a program that a signal ended.
const plinkSignalled = 128

// ended implements [manner].
func (p *plinkRun) ended(c *client.Client, exit client.Exit, err error) int {
	var refused *client.RefusedError
	switch {
	case errors.As(err, &refused):
		p.ssh.say(config.LogFatal, "%s", p.explain(err))
		return sshFailed
	case err != nil:
		if gone := c.Err(); gone != nil && !errors.Is(gone, transport.ErrClosed) {
			p.ssh.say(config.LogFatal, "%s", p.explain(gone))
		} else {
			p.Errorf("Remote process exit code unavailable")
		}
		return sshFailed
	}
	code := exit.Status
	if exit.Signal != "" {
		code = plinkSignalled
		p.ssh.say(config.LogDebug1, "Session exited on signal \"SIG%s\"", term.Printable(exit.Signal))
	} else {
		p.ssh.say(config.LogDebug1, "Session sent command exit status %d", code)
	}
	p.exit = &code
	return code
}

// prepare implements [manner].
func (p *plinkRun) prepare(o *client.SessionOptions) {
	o.X11Refused = func() { p.ssh.say(config.LogDebug1, "X11 forwarding refused") }
	if o.PTY == nil {
		return
	}
	o.PTYRefused = func() { p.ssh.say(config.LogDebug1, "Server refused to allocate pty") }
	if o.PTY.Columns == 0 {
		o.PTY.Columns, o.PTY.Rows = uint32(max(p.set.Int("TermWidth", 80), 1)), uint32(max(p.set.Int("TermHeight", 24), 1))
	}
}

// withoutMark is a sentence of ssh's as plink and dbclient say it: levels have no
// marks.
func withoutMark(text string) string {
	for _, mark := range [...]string{"debug1: ", "debug2: ", "debug3: ", "ssh: "} {
		text = strings.TrimPrefix(text, mark)
	}
	return text
}
