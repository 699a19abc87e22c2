package applet

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/transport"
)

// errHostKey says that the host's key was refused, and that the person has been
// told why.
//
//lint:ignore ST1005 this is what ssh prints, to the letter
var errHostKey = errors.New("Host key verification failed.")

// hints say what to try where a connection could not be made.
func hint(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return " (nothing listens there: check the port, or whether the server runs)"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return " (check the address and this machine's network)"
	case errors.Is(err, client.ErrTimeout), errors.Is(err, syscall.ETIMEDOUT):
		return " (the host is down, or a firewall drops the packets)"
	}
	return ""
}

// explain says in ssh's words why a connection failed.
func (r *sshRun) explain(err error) string {
	var connect *client.ConnectError
	var dns *net.DNSError
	var negotiation *transport.NegotiationError
	var identification *transport.IdentificationError
	var refused *auth.Error
	var breach *auth.ProtocolError
	var gone *transport.DisconnectError
	var open *mux.OpenError
	var request *client.RefusedError
	var dead *mux.DeadError
	switch {
	case r.manner != nil:
		return r.manner.explain(err)
	case errors.As(err, &dns):
		return r.unresolved(dns)
	case errors.As(err, &connect):
		return fmt.Sprintf("ssh: connect to host %s port %d: %s%s", connect.Host, connect.Port, door.Sentence(connect.Err), hint(connect.Err))
	case errors.Is(err, errHostKey):
		return errHostKey.Error()
	case errors.As(err, &negotiation):
		return fmt.Sprintf("Unable to negotiate with %s: %s%s", r.peer, term.Printable(negotiation.Error()), allow(negotiation))
	case errors.As(err, &identification):
		return r.noServer(identification)
	case errors.As(err, &refused):
		return refused.Error()
	case errors.As(err, &breach):
		return fmt.Sprintf("ssh: %s breaks the protocol: %s", r.peer, term.Printable(breach.Text))
	case errors.As(err, &gone) && gone.Remote:
		return fmt.Sprintf("Received disconnect from %s:%d: %s\nDisconnected from %s", r.peer, gone.Reason, term.Printable(gone.Text), r.peer)
	case errors.As(err, &gone):
		return fmt.Sprintf("ssh: connection to %s given up: %s", r.peer, term.Printable(gone.Text))
	case errors.As(err, &open):
		return fmt.Sprintf("channel 0: open failed: %s", term.Printable(open.Text))
	case errors.As(err, &request):
		return fmt.Sprintf("%s request failed on channel 0", request.Request)
	case errors.As(err, &dead):
		return fmt.Sprintf("Timeout, server %s not responding. It has been silent for %v.", r.conf.HostName, dead.Silence)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Sprintf("Connection closed by %s", r.peer)
	}
	return "ssh: " + term.Printable(err.Error())
}

// noServer says that nothing at the other end speaks SSH.
func (r *sshRun) noServer(err *transport.IdentificationError) string {
	if line, lerr := r.conf.ProxyCommandLine(); lerr == nil && r.conf.ProxyCommand != "" {
		return fmt.Sprintf("ssh: the ProxyCommand: %v (to see what it does, run: %s)", err, term.Printable(line))
	}
	return fmt.Sprintf("ssh: %s: %v (is this the port of an SSH server?)", r.peer, err)
}

func (r *sshRun) unresolved(dns *net.DNSError) string {
	why := "Name or service not known (check its spelling, or give HostName in the configuration)"
	if !dns.IsNotFound {
		why = "Temporary failure in name resolution (try again, or check this machine's name servers)"
	}
	return fmt.Sprintf("ssh: Could not resolve hostname %s: %s", r.conf.HostName, why)
}

// allow says how to take an algorithm that both sides have and this one keeps
// off.
func allow(e *transport.NegotiationError) string {
	for _, kind := range negotiable() {
		if kind.what != e.What {
			continue
		}
		for _, name := range e.Theirs {
			if slices.Contains(kind.all, name) {
				return fmt.Sprintf(" (-o %s=+%s would take one of them)", kind.option, name)
			}
		}
	}
	return ""
}
