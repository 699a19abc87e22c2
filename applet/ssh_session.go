package applet

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/pattern"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/transport"
)

// session runs what was asked for on a connection and returns the exit code.
func (r *sshRun) session(ctx context.Context, c *client.Client) int {
	defer c.Close()
	r.began = time.Now()
	r.updateHostKeys(c)
	agentForwarded, display := r.forwardAgent(ctx, c), r.forwardX11(ctx, c)
	f := r.forwards(ctx, c)
	if f == nil {
		return sshFailed
	}
	r.localCommand(f.device)
	shared, err := r.startMaster(ctx, c, f, client.SessionOptions{Agent: agentForwarded, X11: display})
	if err != nil {
		r.say(config.LogFatal, "%v", err)
		return sshFailed
	}
	defer shared.end()
	switch {
	case r.master != nil:
		return r.stay(ctx, shared, f)
	case r.conf.StdioForward != nil:
		return r.stdio(ctx, c, f)
	case r.conf.SessionType == "none":
		return r.serveForwards(ctx, c, f)
	}
	tty := r.wantsTTY()
	opts := r.sessionOptions(tty)
	opts.Agent, opts.X11 = agentForwarded, display
	opts.X11Refused = func() { r.say(config.LogInfo, "X11 forwarding request failed on channel 0") }
	if r.manner != nil {
		r.manner.prepare(&opts)
	}
	s, err := c.OpenSession(ctx, opts)
	if err == nil && !f.settle(ctx) { // its answers came before the session's
		return sshFailed
	}
	if err == nil {
		r.say(config.LogDebug1, "debug1: Entering interactive session.")
		err = r.start(s)
	}
	if err != nil {
		r.say(config.LogError, "%s", r.explain(err))
		return sshFailed
	}
	if !r.becomesMaster() {
		r.say(config.LogDebug1, "debug1: Requesting no-more-sessions@openssh.com")
		if err := c.NoMoreSessions(); err != nil {
			r.say(config.LogDebug1, "debug1: %v", err)
		}
	}
	r.loggedIn()
	return r.attend(ctx, c, s, f, tty)
}

// command is what to run: the command line's, else the configuration's.
func (r *sshRun) command() string {
	if r.line.command != "" {
		return r.line.command
	}
	return r.conf.RemoteCommand
}

// start starts the program and says so.
func (r *sshRun) start(s *client.Session) error {
	command := r.command()
	switch {
	case r.conf.SessionType == "subsystem":
		r.say(config.LogDebug1, "debug1: Sending subsystem: %s", command)
		return s.Subsystem(command)
	case command != "":
		r.say(config.LogDebug1, "debug1: Sending command: %s", command)
		return s.Exec(command)
	}
	r.say(config.LogDebug1, "debug1: Starting a shell.")
	return s.Shell()
}

// wantsTTY decides about a terminal as ssh does.
func (r *sshRun) wantsTTY() bool {
	var want bool
	switch r.conf.RequestTTY {
	case config.TTYForce:
		return true
	case config.TTYYes:
		want = true
	case config.TTYNo:
	default:
		want = r.command() == ""
	}
	if want && (!term.IsTerminal(r.Stdin) || r.conf.StdinNull) {
		r.say(config.LogInfo, "Pseudo-terminal will not be allocated because stdin is not a terminal.")
		return false
	}
	return want
}

func (r *sshRun) sessionOptions(tty bool) client.SessionOptions {
	o := client.SessionOptions{Env: r.environment()}
	if !tty {
		return o
	}
	o.PTY = &client.PTY{Term: r.TerminalType()}
	if size, err := term.GetSize(r.Stdin); err == nil {
		o.PTY.Window = client.Window(size)
	}
	if modes, err := term.ReadModes(r.Stdin); err == nil {
		o.PTY.Modes = modes.Append(nil)
	}
	o.PTYRefused = func() { r.say(config.LogError, "PTY allocation request failed on channel 0") }
	return o
}

// environment is what SendEnv and SetEnv choose.
func (r *sshRun) environment() []string {
	var pairs []string
	for _, pair := range os.Environ() {
		name, _, ok := strings.Cut(pair, "=")
		if ok && name != "" && pattern.Any(name, r.conf.SendEnv...) {
			pairs = append(pairs, pair)
		}
	}
	return append(pairs, r.conf.SetEnv...)
}

// attend connects a running program with this one's streams until it has ended.
func (r *sshRun) attend(ctx context.Context, c *client.Client, s *client.Session, f *forwarding, tty bool) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer term.Rescue()
	local := tty && term.IsTerminal(r.Stdin)
	var guard *term.Guard
	if local {
		g, err := term.Raw(r.Stdin)
		if err != nil {
			r.say(config.LogError, "ssh: %v", err)
			return sshFailed
		}
		guard = g
		r.raw.Store(true)
		defer func() { guard.Close(); r.raw.Store(false) }()
		term.WatchSize(ctx, r.Stdin, func(size term.Size) { s.Resize(client.Window(size)) })
	}
	if r.manner == nil {
		defer r.endOnSignal(c, guard)()
	}
	in := bulkInput(r.Stdin)
	defer in.Close()
	switch {
	case r.conf.StdinNull:
		s.CloseWrite()
	case local && r.conf.EscapeChar != config.EscapeNone:
		e := &escaper{run: r, conn: c, session: s, forwards: f, guard: guard, char: byte(r.conf.EscapeChar), quit: cancel}
		go e.copy(in)
	default:
		go r.feed(s, in)
	}
	out := r.collect(s)
	exit, err := s.Wait(ctx)
	in.Close()            // what is typed from here on is for the next reader
	if ctx.Err() != nil { // ~.
		guard.Close()
		r.raw.Store(false)
		r.say(config.LogInfo, "Connection to %s closed.", r.conf.HostName)
		return sshFailed
	}
	if r.killed.Load() == 0 { // else nobody may be left who takes the output
		out.Wait()
	}
	if guard != nil {
		guard.Close()
		r.raw.Store(false)
	}
	if err == nil {
		c.Mux.AwaitIdle(ctx) // forwarded connections keep ssh, as they always did
	}
	r.update.settle(c)
	r.transferred(c, r.began)
	code := r.finish(c, exit, err, out, tty)
	if r.killed.Load() == 0 && out.lost() {
		r.say(config.LogError, "ssh: writing the output: %s (the rest of it is lost)", door.Sentence(out.stdout))
		return sshFailed
	}
	return code
}

// feed sends standard input.
func (r *sshRun) feed(s *client.Session, from io.Reader) {
	defer term.Rescue()
	if _, err := s.ReadFrom(from); err != nil && !errors.Is(err, os.ErrClosed) {
		r.say(config.LogDebug1, "debug1: Standard input: %v", err)
	}
	s.CloseWrite()
}

// finish turns the session's end into an exit code.
func (r *sshRun) finish(c *client.Client, exit client.Exit, err error, out *sessionOutput, tty bool) int {
	var refused *client.RefusedError
	switch {
	case r.manner != nil:
		return r.manner.ended(c, exit, err)
	case r.killed.Load() != 0:
		return r.endedBy(syscall.Signal(r.killed.Load()))
	case errors.As(err, &refused):
		r.say(config.LogError, "%s", r.explain(err))
		return sshFailed
	case err != nil:
		if gone := c.Err(); gone != nil {
			r.lost(gone)
		} else {
			r.say(config.LogDebug1, "debug1: %v.", door.Capital(err.Error()))
		}
		return sshFailed
	}
	if tty {
		r.say(config.LogInfo, "Connection to %s closed.", r.conf.HostName)
	}
	if exit.Signal == "PIPE" && out.refused() {
		r.say(config.LogDebug1, "debug1: The program ended as nobody takes its output.")
		return sshFailed
	}
	if exit.Signal != "" {
		core := ""
		if exit.CoreDumped {
			core = " (core dumped)"
		}
		r.say(config.LogInfo, "ssh: the remote command was ended by signal %s%s", term.Printable(exit.Signal), core)
		return sshFailed
	}
	r.say(config.LogDebug1, "debug1: Exit status %d", exit.Status)
	return exit.Status
}

// lost tells why a connection ended before its time.
func (r *sshRun) lost(err error) {
	if errors.Is(err, transport.ErrClosed) {
		return // it was this side, on somebody's word
	}
	if r.manner == nil && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		r.say(config.LogError, "Connection to %s closed by remote host.", r.conf.HostName)
		return
	}
	r.say(config.LogError, "%s", r.explain(err))
}
