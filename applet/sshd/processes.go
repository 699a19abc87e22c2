package sshd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nacre-ssh/nacre/login"
	"github.com/nacre-ssh/nacre/server"
	"github.com/nacre-ssh/nacre/term"
)

// Processes starts what the sessions of one user ask for, as that user.
type Processes struct {
	User   *login.User
	Runner *login.Runner
	accept login.AcceptEnv
	motd   bool
}

// internalSFTP is the name of the server that lives in the process, as
// Subsystem lines and forced commands have it.
const internalSFTP = "internal-sftp"

// Start is server.Handler's.
func (h *Processes) Start(_ context.Context, s *server.Session) (server.Process, error) {
	if name, _, _ := strings.Cut(s.Command, " "); name == internalSFTP {
		return nil, errors.New("internal-sftp does not exist yet; use Subsystem sftp /usr/lib/openssh/sftp-server")
	}
	env := login.Environment{User: h.User, Client: s.Login.Remote, Server: s.Login.Local, Original: s.Original}
	for _, v := range s.Env {
		name, value, _ := strings.Cut(v, "=")
		if err := env.Set(h.accept, name, value); err != nil {
			s.Log.Debug(err.Error())
		}
	}
	spec := login.Spec{User: h.User, Command: s.Command, Shell: s.Shell, PrintMotd: h.motd}
	if s.PTY != nil {
		pty, err := openTerminal(s.PTY)
		if err != nil {
			return nil, err
		}
		spec.PTY, env.TTY, env.Term = pty, pty.Name, s.PTY.Term
	}
	spec.Env = env.List()
	p, err := h.Runner.Start(spec)
	var closed *login.NoLoginError
	if errors.As(err, &closed) {
		return newNotice(closed.Text), nil
	}
	if err != nil {
		return nil, err
	}
	return &child{p, s.PTY != nil}, nil
}

func openTerminal(want *server.PTY) (*login.PTY, error) {
	pty, err := login.OpenPTY(windowOf(want.Size))
	if err != nil {
		return nil, err
	}
	if err := want.Modes.Apply(pty.Slave); err != nil {
		pty.Close()
		return nil, fmt.Errorf("opening a terminal: %w", err)
	}
	return pty, nil
}

func windowOf(s term.Size) login.Window {
	short := func(n uint32) uint16 { return uint16(min(n, 0xffff)) }
	return login.Window{Cols: short(s.Columns), Rows: short(s.Rows), Width: short(s.Width), Height: short(s.Height)}
}

// child is a process of login as server.Process wants it.
type child struct {
	*login.Process
	pty bool
}

func (c *child) Streams() server.Streams {
	s := server.Streams{Stdin: c.Stdin, Stdout: c.Stdout, Greeting: c.Greeting, Notice: c.Notice}
	if c.Stderr != nil {
		s.Stderr = c.Stderr
	}
	return s
}

func (c *child) Resize(s term.Size) error {
	if !c.pty {
		return errors.New("there is no terminal")
	}
	return c.Process.Resize(windowOf(s))
}

func (c *child) Wait() server.Exit {
	e := c.Process.Wait()
	return server.Exit{Code: e.Code, Signal: e.Signal, Core: e.Core}
}

// notice is a session that only says something on its standard error.
type notice struct{ text []byte }

func newNotice(text []byte) *notice { return &notice{text} }

func (n *notice) Streams() server.Streams {
	return server.Streams{Stdin: discard{}, Stdout: io.NopCloser(strings.NewReader("")), Notice: n.text}
}

func (n *notice) Signal(string) error    { return login.ErrEnded }
func (n *notice) Resize(term.Size) error { return nil }
func (n *notice) Wait() server.Exit      { return server.Exit{Code: login.NoLoginStatus} }
func (n *notice) Close()                 {}

// discard is the input of a process that reads none.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Close() error                { return nil }
