package applet

import (
	"context"
	"errors"
	"net"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/applet/plain"
	"github.com/nacre-ssh/nacre/telnet"
	"github.com/nacre-ssh/nacre/term"
)

// otherProtocol runs a session that is not SSH; done is false for one that is.
func (p *plinkRun) otherProtocol(ctx context.Context) (code int, done bool) {
	why := ""
	switch p.text("Protocol") {
	case "ssh":
		return 0, false
	case "telnet", "rlogin", "raw":
		return p.plainProtocol(ctx), true
	case "serial":
		why = "Plink doesn't speak to serial lines here: use a terminal program such as picocom, or PuTTY itself"
	case "supdup":
		why = "Plink doesn't support SUPDUP, which needs terminal emulation"
	default:
		why = "Plink doesn't speak the bare ssh-connection protocol here: it has no encryption and no login"
	}
	p.Errorf("%s", why)
	return plinkFailed, true
}

// plainProtocol is Telnet, rlogin and raw TCP. The session's proxy leads there,
// too.
func (p *plinkRun) plainProtocol(ctx context.Context) int {
	s := &plain.Session{
		Protocol: p.text("Protocol"), Host: p.host, Port: p.port(),
		Network: map[int]string{1: "tcp4", 2: "tcp6"}[p.set.Int("AddressFamily", 0)],
		User:    p.text("UserName"), LocalUser: p.text("LocalUserName"),
		Terminal: p.environment().Getenv("TERM"), Speed: p.text("TerminalSpeed"),
		RFCEnviron: p.on("RFCEnviron", false), Passive: p.on("PassiveTelnet", false),
	}
	if s.Speed == "" {
		s.Speed = "38400,38400"
	}
	pairs, err := puttyMap(p.text("Environment"))
	if err != nil {
		return p.fail(err)
	}
	for _, pair := range pairs {
		s.Environ = append(s.Environ, telnet.Variable{Name: pair[0], Value: pair[1]})
	}
	if s.Dial, err = p.plainDial(); err == nil {
		err = p.preConnect()
	}
	if s.Protocol == "rlogin" && s.User == "" && p.usualUser() {
		s.User = p.ssh.conf.User
	}
	if s.Protocol == "rlogin" && s.User == "" && p.line.batch {
		err = plinkNoPrompt
	}
	if err == nil {
		err = plain.Run(ctx, p.Env, s)
	}
	if err != nil {
		return p.fail(plainTrouble(err))
	}
	return 0
}

// plainDial is the session's proxy for a protocol without SSH; nil for TCP.
func (p *plinkRun) plainDial() (func(context.Context, string, string) (net.Conn, error), error) {
	if err := p.prepareRun(); err != nil {
		return nil, err
	}
	way, err := p.way()
	if way == nil || err != nil {
		return nil, err
	}
	return func(ctx context.Context, _, _ string) (net.Conn, error) { return way(ctx) }, nil
}

// plainTrouble is why a connection ended, without the address that net has in
// its errors.
func plainTrouble(err error) error {
	var dial *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return dns
	case errors.As(err, &dial):
		return plinkFatal(door.Sentence(err))
	}
	return plinkFatal(term.Printable(err.Error()))
}
