package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
	"github.com/nacre-ssh/nacre/x11"
)

// SessionOptions are what goes before a session's program. The zero value is a
// session without a terminal.
type SessionOptions struct {
	PTY *PTY
	// Env are variables, NAME=value. A server drops those it doesn't accept
	// without a word.
	Env []string
	// Agent asks the server to give programs a way to the agent that
	// [Client.ForwardAgent] serves.
	Agent bool
	// X11 asks the server to give programs a way to the display that
	// [Client.ForwardX11] serves; X11Refused is called when it does not. Both
	// may be nil.
	X11        *x11.Forward
	X11Refused func()
	// PTYRefused is called when the server gives no terminal; the session goes
	// on without one. May be nil.
	PTYRefused func()
	// Request is called for the server's requests that a Session doesn't know,
	// one at a time. May be nil.
	Request func(*mux.Request)
}

// A PTY asks for a terminal (RFC 4254, section 6.2).
type PTY struct {
	Term string // $TERM
	Window
	Modes []byte // encoded as in RFC 4254, section 8; nil: none
}

// A Window is a terminal's size; pixels are 0 when they aren't known.
type Window struct{ Columns, Rows, Width, Height uint32 }

// append is the order that pty-req and window-change share.
func (w Window) append(b []byte) []byte {
	for _, n := range []uint32{w.Columns, w.Rows, w.Width, w.Height} {
		b = wire.AppendUint32(b, n)
	}
	return b
}

// A Session is a shell, a command or a subsystem on the server (RFC 4254,
// section 6). Shell, Exec or Subsystem starts it, once; nothing of that is
// waited for, so that data can follow at once. Its methods may be called from
// any goroutine.
//
// Data is written with Write or ReadFrom, ended with CloseWrite, and read with
// Read or WriteTo; what the program writes to its standard error is Stderr. Both
// must be read or given away, or the program stops when the window is full.
type Session struct {
	*mux.Channel
	mux  *mux.Mux
	opts SessionOptions
	// typist, if not nil, sends what is typed.
	typist *typist

	mu      sync.Mutex
	exit    Exit
	refused error // of the request that starts the program
	asked   chan struct{}
	started bool
}

// An Exit is how a program ended: with a status, or by a signal.
type Exit struct {
	Status     int
	Signal     string // without "SIG"; "" for a status
	CoreDumped bool
	Message    string // the server's words about a signal: escape before printing
	known      bool
}

// ErrNoExit says that a session ended and nobody told how.
var ErrNoExit = errors.New("the session ended without an exit status")

// A RefusedError says that the server doesn't start what was asked for.
type RefusedError struct{ Request string } // "shell", "exec", "subsystem"

func (e *RefusedError) Error() string { return "the server refused the " + e.Request + " request" }

// OpenSession opens a channel for a session and asks for what its options say.
func (c *Client) OpenSession(ctx context.Context, opts SessionOptions) (*Session, error) {
	s := &Session{mux: c.Mux, opts: opts, asked: make(chan struct{})}
	ch, err := c.Mux.OpenChannel(ctx, "session", nil, mux.Options{Requests: s.request, Interactive: opts.PTY != nil})
	if err != nil {
		return nil, err
	}
	s.Channel = ch
	s.typist = c.typist(s)
	c.log.Debug(fmt.Sprintf("channel %d: new session [client-session]", ch.Info().ID))
	if err := s.prepare(); err != nil {
		ch.Close()
		return nil, err
	}
	return s, nil
}

// prepare asks for the terminal and the variables.
func (s *Session) prepare() error {
	if s.opts.Agent {
		if err := s.ask("auth-agent-req@openssh.com", nil); err != nil {
			return err
		}
	}
	if s.opts.X11 != nil {
		if err := s.askX11(); err != nil {
			return err
		}
	}
	if p := s.opts.PTY; p != nil {
		b := wire.AppendString(nil, p.Term)
		b = p.Window.append(b)
		modes := p.Modes
		if modes == nil {
			modes = []byte{0} // TTY_OP_END
		}
		wait, err := s.Ask("pty-req", true, wire.AppendString(b, modes))
		if err != nil {
			return err
		}
		go func() {
			if ok, err := wait(context.Background()); err == nil && !ok && s.opts.PTYRefused != nil {
				s.opts.PTYRefused()
			}
		}()
	}
	for _, pair := range s.opts.Env {
		name, value := cutEnv(pair)
		if err := s.ask("env", wire.AppendString(wire.AppendString(nil, name), value)); err != nil {
			return err
		}
	}
	return nil
}

func cutEnv(pair string) (name, value string) {
	for i := 0; i < len(pair); i++ {
		if pair[i] == '=' {
			return pair[:i], pair[i+1:]
		}
	}
	return pair, ""
}

func (s *Session) ask(name string, payload []byte) error {
	_, err := s.Ask(name, false, payload)
	return err
}

// Shell starts the user's shell.
func (s *Session) Shell() error { return s.start("shell", "session:shell", nil) }

// Exec starts a command, which the server's shell reads.
func (s *Session) Exec(command string) error {
	return s.start("exec", "session:command", wire.AppendString(nil, command))
}

// Subsystem starts a subsystem, such as "sftp".
func (s *Session) Subsystem(name string) error {
	return s.start("subsystem", "session:subsystem:"+name, wire.AppendString(nil, name))
}

func (s *Session) start(request, label string, payload []byte) error {
	s.mu.Lock()
	again := s.started
	s.started = true
	s.mu.Unlock()
	if again {
		return errors.New("a session starts one program")
	}
	wait, err := s.Ask(request, true, payload)
	if err != nil {
		return err
	}
	s.SetLabel(label)
	go s.follow(request, wait)
	return nil
}

// follow closes a session whose program was refused.
func (s *Session) follow(request string, wait func(context.Context) (bool, error)) {
	defer close(s.asked)
	ok, err := wait(context.Background())
	if err != nil || ok {
		return // the end of the channel tells
	}
	s.mu.Lock()
	s.refused = &RefusedError{request}
	s.mu.Unlock()
	s.Close()
}

// request takes what the server says about the program (RFC 4254, section 6.10).
func (s *Session) request(r *mux.Request) {
	switch r.Name {
	case "exit-status":
		p := wire.NewReader(r.Payload)
		status := p.Uint32()
		if p.End() == nil {
			s.ended(Exit{Status: int(status), known: true})
			r.Reply(true)
		}
	case "exit-signal":
		p := wire.NewReader(r.Payload)
		e := Exit{Signal: p.String(), CoreDumped: p.Bool(), Message: p.String(), known: true}
		p.Bytes() // language tag
		if p.End() == nil {
			s.ended(e)
			r.Reply(true)
		}
	default:
		if s.opts.Request != nil {
			s.opts.Request(r)
		}
	}
}

func (s *Session) ended(e Exit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.exit.known { // the first word counts
		s.exit = e
	}
}

// Wait waits until the server has closed the session and returns how its program
// ended. It doesn't wait for data that was not read yet. Errors are
// *[RefusedError], [ErrNoExit], what ended the connection, or ctx's.
func (s *Session) Wait(ctx context.Context) (Exit, error) {
	s.mu.Lock()
	started := s.started
	s.mu.Unlock()
	if started {
		select {
		case <-s.asked:
		case <-ctx.Done():
			return Exit{}, ctx.Err()
		}
	}
	select {
	case <-s.Done():
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.refused != nil:
		return Exit{}, s.refused
	case s.exit.known:
		return s.exit, nil
	}
	if err := s.mux.Err(); err != nil && !errors.Is(err, io.EOF) {
		return Exit{}, fmt.Errorf("%w: %w", ErrNoExit, err)
	}
	return Exit{}, ErrNoExit
}

// Resize tells the program that its terminal has another size.
func (s *Session) Resize(w Window) error { return s.ask("window-change", w.append(nil)) }

// Signal sends the program a signal, by its name without "SIG" (RFC 4254,
// section 6.9).
func (s *Session) Signal(name string) error {
	return s.ask("signal", wire.AppendString(nil, name))
}

// Break sends a break of so many milliseconds (RFC 4335).
func (s *Session) Break(milliseconds uint32) error {
	return s.ask("break", wire.AppendUint32(nil, milliseconds))
}
