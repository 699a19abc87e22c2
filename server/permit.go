package server

import "github.com/nacre-ssh/nacre/auth"

// An ask is one thing that a session may do or not.
type ask int

const (
	askPTY ask = iota
	askSignal
	askAgent
	askX11
)

// apply is the one place where a permit decides about a session. It puts the
// forced command in the place of what the client asked for.
func (s *Session) apply(p *auth.Permit) {
	if p == nil || p.ForceCommand == "" {
		return
	}
	s.Original, s.Command = s.Command, p.ForceCommand
	s.Shell, s.Subsystem, s.forced = false, "", true
}

// refuses says why a session may not do something; "" when it may.
func (c *conn) refuses(s *session, a ask) string {
	p := c.login.Permit
	if p == nil {
		return "there is no permit"
	}
	switch {
	case a == askPTY && c.set.NoPTY:
		return "the server gives no terminals"
	case a == askPTY && p.NoPTY:
		return "the key gives no terminal"
	case a == askSignal && (s.forced || s.Subsystem != ""):
		return "a forced command or a subsystem takes no signals"
	case a == askAgent || a == askX11:
		return "nothing is forwarded"
	}
	return ""
}
