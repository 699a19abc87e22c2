package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/wire"
)

// A session is a channel of type session. Its fields belong to the goroutine
// that serves the channel's requests, until the process has started.
type session struct {
	Session
	c       *conn
	ch      *mux.Channel
	size    int // of Env, in bytes
	asked   bool
	asksFor string // the subsystem
	process Process
	started chan Process
}

// refusedTypes are channel types that exist and are not served (RFC 4254,
// section 7.2; PROTOCOL, section 2).
var refusedTypes = [...]string{
	"forwarded-tcpip", "forwarded-streamlocal@openssh.com", "x11", "auth-agent@openssh.com",
}

// open decides about a channel that the peer wants, and lives as long as it.
func (c *conn) open(in *mux.Incoming) {
	if in.Type == "session" {
		c.openSession(in)
		return
	}
	if c.openForward(in) {
		return
	}
	for _, name := range refusedTypes {
		if name == in.Type {
			c.log.Info(fmt.Sprintf("refused %s for %s: nothing is forwarded", name, c.stage()))
			in.Reject(wire.OpenProhibited, "administratively prohibited")
			return
		}
	}
	c.log.Debug("unknown channel type refused", "type", printable(in.Type))
	in.Reject(wire.OpenUnknownType, "unknown channel type")
}

// enter counts a session in, if there is room for it.
func (c *conn) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions >= c.set.MaxSessions {
		return false
	}
	c.sessions++
	return true
}

func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions--
}

func (c *conn) openSession(in *mux.Incoming) {
	switch {
	case in.NoMoreSessions:
		c.disconnect("Possible attack: attempt to open a session after additional sessions disabled")
		return
	case !c.enter():
		c.log.Info(fmt.Sprintf("no more sessions for %s: MaxSessions is %d", c.stage(), max(c.set.MaxSessions, 0)))
		in.Reject(wire.OpenConnectFailed, "no more sessions")
		return
	}
	defer c.leave()
	s := &session{c: c, started: make(chan Process, 1)}
	s.Login, s.Log = c.login, c.log
	// Requests may be served before Accept has returned.
	ready := make(chan struct{})
	ch, err := in.Accept(nil, mux.Options{Requests: func(r *mux.Request) {
		<-ready
		c.guard(func() { s.request(r) })
	}})
	s.ch = ch
	close(ready)
	if err != nil {
		return
	}
	s.live()
}

// live waits for the process and runs it, or for the end of a channel on which
// nothing was started.
func (s *session) live() {
	select {
	case p := <-s.started:
		s.run(p)
		return
	case <-s.ch.Done():
	}
	select {
	case p := <-s.started:
		s.run(p)
	default:
	}
}

// requests are the requests on a session that are understood (RFC 4254, section
// 6; PROTOCOL). All others are refused.
var requests = [...]struct {
	name  string
	serve func(*session, *wire.Reader) bool
}{
	{"pty-req", (*session).ptyReq},
	{"env", (*session).env},
	{"window-change", (*session).windowChange},
	{"signal", (*session).signal},
	{"break", (*session).sendBreak},
	{"xon-xoff", func(*session, *wire.Reader) bool { return true }},
	{"auth-agent-req@openssh.com", func(s *session, _ *wire.Reader) bool { return s.may(askAgent) }},
	{"x11-req", func(s *session, _ *wire.Reader) bool { return s.may(askX11) }},
}

func (s *session) request(r *mux.Request) {
	rd := wire.NewReader(r.Payload)
	for _, row := range requests {
		if row.name == r.Name {
			r.Reply(row.serve(s, &rd))
			return
		}
	}
	switch r.Name {
	case "shell", "exec", "subsystem":
		s.start(r, &rd)
	default:
		s.Log.Debug("request on a session refused", "request", printable(r.Name))
		r.Reply(false)
	}
}

// may says whether the permit lets the session do something.
func (s *session) may(a ask) bool {
	why := s.c.refuses(s, a)
	if why != "" {
		s.Log.Debug("request on a session refused: " + why)
	}
	return why == ""
}

func (s *session) ptyReq(r *wire.Reader) bool {
	name, size := r.String(), readSize(r)
	modes, err := term.ParseModes(r.Bytes())
	if r.End() != nil || err != nil || len(name) > maxTerm || s.PTY != nil || s.asked || !s.may(askPTY) {
		return false
	}
	s.PTY = &PTY{Term: name, Size: size, Modes: modes}
	return true
}

func readSize(r *wire.Reader) term.Size {
	return term.Size{Columns: r.Uint32(), Rows: r.Uint32(), Width: r.Uint32(), Height: r.Uint32()}
}

func (s *session) env(r *wire.Reader) bool {
	name, value := r.String(), r.String()
	switch {
	case r.End() != nil || s.asked || strings.ContainsAny(name, "=\x00") || strings.Contains(value, "\x00"):
		return false
	case s.c.set.AcceptEnv == nil || !s.c.set.AcceptEnv(name):
		s.Log.Debug("environment variable is not accepted", "name", printable(name))
		return false
	}
	s.size += len(name) + len(value) + 2
	if len(s.Env) >= maxVariables || s.size > maxEnvironment {
		return false
	}
	s.Env = append(s.Env, name+"="+value)
	return true
}

func (s *session) windowChange(r *wire.Reader) bool {
	size := readSize(r)
	if r.End() != nil || s.PTY == nil {
		return false
	}
	if s.process == nil {
		s.PTY.Size = size
		return true
	}
	return s.process.Resize(size) == nil
}

func (s *session) signal(r *wire.Reader) bool {
	name := r.String()
	if r.End() != nil || s.process == nil || !s.may(askSignal) {
		return false
	}
	if err := s.process.Signal(name); err != nil {
		s.Log.Debug("signal was not sent: "+err.Error(), "signal", printable(name))
		return false
	}
	return true
}

// sendBreak answers a break (RFC 4335). A pseudo-terminal has no line on which
// there could be one, so there is nothing to do where one is there.
func (s *session) sendBreak(r *wire.Reader) bool {
	r.Uint32() // milliseconds
	return r.End() == nil && s.PTY != nil
}

// start starts the session's process; a session starts once.
func (s *session) start(r *mux.Request, rd *wire.Reader) {
	if s.asked || !s.readCommand(r.Name, rd) {
		r.Reply(false)
		return
	}
	s.asked = true
	s.apply(s.Login.Permit)
	s.Log.Log(context.Background(), LevelVerbose, s.startLine())
	if s.c.set.Handler == nil {
		r.Reply(false)
		return
	}
	if s.PTY != nil {
		s.ch.SetInteractive()
	}
	s.ch.SetLabel(s.label(r.Name))
	session := s.Session // the handler's
	p, err := s.c.set.Handler.Start(s.c.ctx, &session)
	if err != nil {
		s.Log.Error("session of " + s.c.stage() + " could not be started: " + printable(err.Error()))
		r.Reply(false)
		return
	}
	s.process = p
	r.Reply(true)
	s.started <- p
}

// readCommand reads what is to be run from the request.
func (s *session) readCommand(request string, r *wire.Reader) bool {
	switch request {
	case "shell":
		s.Shell = true
	case "exec":
		s.Command = r.String()
	case "subsystem":
		name := r.String()
		command, ok := s.c.set.Subsystems[name]
		if !ok {
			s.Log.Error("subsystem request for " + printable(name) + " by " + s.c.stage() + " failed, subsystem not found")
			return false
		}
		s.Subsystem, s.Command, s.asksFor = name, command, name
	}
	return r.End() == nil && !strings.Contains(s.Command, "\x00")
}

// label is what timeouts call a session that was asked for with a request.
func (s *session) label(request string) string {
	label := map[string]string{"shell": "shell", "exec": "command", "subsystem": "subsystem:" + s.asksFor}
	return "session:" + label[request]
}

func (s *session) startLine() string {
	what := "command"
	switch {
	case s.forced:
		what = "forced-command (key-option) '" + printable(s.Command) + "'"
	case s.Shell:
		what = "shell"
	case s.Subsystem != "":
		what = "subsystem '" + printable(s.Subsystem) + "'"
	}
	return "Starting session: " + what + " for " + printable(s.Login.User) + " from " + where(s.Login.Remote)
}
