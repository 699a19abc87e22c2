package applet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/control"
	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/term"
)

// shared does what was asked for over a connection that another process has
// (ControlMaster); done is false when this process needs a connection of its own.
func (r *sshRun) shared(ctx context.Context) (code int, done bool) {
	if code, done, alone := r.unshareable(); alone {
		return code, done
	}
	path := r.conf.ControlPath
	switch {
	case path == "" || path == "none":
		if r.line.control != "" {
			r.say(config.LogFatal, "No ControlPath specified for \"-O\" command")
			return sshFailed, true
		}
		return 0, false
	case control.CheckPath(path) != nil:
		r.say(config.LogFatal, "%v", control.CheckPath(path))
		return sshFailed, true
	case r.line.control != "":
		return r.controlCommand(ctx, path), true
	case r.becomesMaster() && os.Getenv(masterMark) != "":
		os.Unsetenv(masterMark)
		r.master = door.Background(r.Env)
		return 0, false
	case r.conf.ControlMaster == "yes" || r.conf.ControlMaster == "ask":
		if r.persists() {
			return r.persist(ctx, path)
		}
		return 0, false
	}
	c := r.findMaster(ctx, path)
	if c == nil {
		if r.becomesMaster() && r.persists() {
			return r.persist(ctx, path)
		}
		return 0, false
	}
	defer c.Close()
	return r.ride(ctx, c, true)
}

func (r *sshRun) becomesMaster() bool { return r.conf.ControlMaster != "no" }

// findMaster connects to a master, nil where there is none. A socket that its
// master has left behind is removed.
func (r *sshRun) findMaster(ctx context.Context, path string) *control.Conn {
	if r.becomesMaster() {
		r.say(config.LogDebug1, "debug1: auto-mux: Trying existing master at '%s'", path)
	}
	c, err := r.dialMaster(ctx, path)
	switch {
	case err == nil:
		return c
	case errors.Is(err, fs.ErrNotExist):
		r.say(config.LogDebug1, "debug1: Control socket \"%s\" does not exist", path)
	case errors.Is(err, syscall.ECONNREFUSED) && r.becomesMaster():
		r.say(config.LogDebug1, "debug1: Stale control socket %s, unlinking", path)
		os.Remove(path)
	default:
		r.say(config.LogError, "Control socket connect(%s): %s", path, door.Sentence(err))
	}
	return nil
}

func (r *sshRun) dialMaster(ctx context.Context, path string) (*control.Conn, error) {
	if d := r.conf.ConnectTimeout; d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	return control.Dial(ctx, path)
}

// controlCommands are what -O asks a master for.
var controlCommands = [...]struct {
	name string
	do   func(*sshRun, *control.Conn) error
}{
	{"check", func(r *sshRun, c *control.Conn) error {
		pid, err := c.Alive()
		if err == nil {
			fmt.Fprintf(r.Stderr, "Master running (pid=%d)\r\n", pid)
		}
		return err
	}},
	{"exit", func(r *sshRun, c *control.Conn) error {
		err := c.Terminate()
		if err == nil && r.conf.LogLevel > config.LogQuiet {
			fmt.Fprint(r.Stderr, "Exit request sent.\r\n")
		}
		return refusal("Master refused termination request", err)
	}},
	{"stop", func(r *sshRun, c *control.Conn) error {
		err := c.StopListening()
		if err == nil && r.conf.LogLevel > config.LogQuiet {
			fmt.Fprint(r.Stderr, "Stop listening request sent.\r\n")
		}
		return refusal("Master refused stop listening request", err)
	}},
	{"forward", func(r *sshRun, c *control.Conn) error {
		if !r.requestForwards(c, true) {
			return errors.New("master forward request failed")
		}
		return nil
	}},
	{"cancel", func(r *sshRun, c *control.Conn) error {
		r.cancelForwards(c)
		return nil
	}},
	{"conninfo", func(r *sshRun, c *control.Conn) error { return r.printInfo(c, "connection") }},
	{"channels", func(r *sshRun, c *control.Conn) error { return r.printInfo(c, "channels") }},
}

// refusal puts OpenSSH's words before a master's reason.
func refusal(words string, err error) error {
	var refused *control.RefusedError
	if errors.As(err, &refused) {
		return fmt.Errorf("%s: %s", words, term.Printable(refused.Reason))
	}
	return err
}

// controlCommand does what -O says and returns the exit code.
func (r *sshRun) controlCommand(ctx context.Context, path string) int {
	c, err := r.dialMaster(ctx, path)
	if err != nil {
		r.say(config.LogFatal, "Control socket connect(%s): %s", path, door.Sentence(err))
		return sshFailed
	}
	defer c.Close()
	if r.line.control == "proxy" {
		return r.rideProxied(ctx, c)
	}
	for _, row := range controlCommands {
		if row.name != r.line.control {
			continue
		}
		if err := row.do(r, c); err != nil {
			r.say(config.LogFatal, "%s", term.Printable(err.Error()))
			return sshFailed
		}
	}
	return 0
}

func (r *sshRun) printInfo(c *control.Conn, what string) error {
	text, err := c.Info(what)
	if err == nil {
		fmt.Fprint(r.Stdout, term.Printable(text))
	}
	return err
}

// wantedForwards are those of the configuration, as a master is asked for them.
func (r *sshRun) wantedForwards(do func(forward.Kind, forward.Spec)) {
	for _, list := range [][]config.Forward{r.conf.LocalForward, r.conf.DynamicForward} {
		for _, f := range list {
			do(forward.Local, specOf(f))
		}
	}
	for _, f := range r.conf.RemoteForward {
		do(forward.Remote, specOf(f))
	}
}

// requestForwards asks a master for all forwards, and reports whether they stand
// now. With print, a port that the server chose goes to standard output.
func (r *sshRun) requestForwards(c *control.Conn, print bool) (ok bool) {
	ok = true
	r.wantedForwards(func(kind forward.Kind, s forward.Spec) {
		port, err := c.Forward(kind, s)
		var refused *control.RefusedError
		switch {
		case errors.As(err, &refused) && refused.Denied:
			r.say(config.LogError, "Master refused forwarding request: %s", term.Printable(refused.Reason))
		case err != nil:
			r.say(config.LogError, "forwarding request failed: %s", term.Printable(err.Error()))
		case port != 0:
			r.say(config.LogVerbose, "Allocated port %d for remote forward to %s", port, targetName(s))
			if print {
				fmt.Fprintln(r.Stdout, port)
			}
		}
		ok = ok && err == nil
	})
	return ok
}

func (r *sshRun) cancelForwards(c *control.Conn) {
	failed := false
	r.wantedForwards(func(kind forward.Kind, s forward.Spec) {
		if err := c.Cancel(kind, s); err != nil {
			r.say(config.LogError, "forwarding request failed: %s", term.Printable(err.Error()))
			failed = true
		}
	})
	if failed {
		r.say(config.LogError, "master cancel forward request failed")
	}
}

// ride has a master do what was asked for. done is false when it didn't begin to
// and a connection of this process's own is the way out.
func (r *sshRun) ride(ctx context.Context, c *control.Conn, forwards bool) (code int, done bool) {
	if r.conf.StdioForward != nil {
		return r.rideStdio(c), true
	}
	if forwards && !r.requestForwards(c, false) {
		r.say(config.LogError, "master forward request failed")
		return 0, false
	}
	return r.rideSession(ctx, c)
}

// input is what goes to the program: nothing with StdinNull.
func (r *sshRun) input() (*os.File, error) {
	if !r.conf.StdinNull {
		return r.Stdin, nil
	}
	return os.Open(os.DevNull)
}

func (r *sshRun) rideStdio(c *control.Conn) int {
	in, err := r.input()
	if err == nil {
		err = c.Stdio(addressOf(*r.conf.StdioForward), in, r.Stdout)
	}
	if err == nil {
		err = c.WaitStdio()
	}
	var refused *control.RefusedError
	switch {
	case errors.As(err, &refused) && refused.Denied:
		r.say(config.LogFatal, "Master refused stdio forwarding request: %s", term.Printable(refused.Reason))
	case err != nil:
		r.say(config.LogFatal, "Stdio forwarding request failed: %s", term.Printable(err.Error()))
	default:
		return 0
	}
	return sshFailed
}

// rideSession opens a session at the master and waits for its end.
func (r *sshRun) rideSession(ctx context.Context, c *control.Conn) (code int, done bool) {
	pid, err := c.Alive()
	if err != nil {
		r.say(config.LogError, "master alive request failed: %s", term.Printable(err.Error()))
		return 0, false
	}
	in, err := r.input()
	if err != nil {
		r.say(config.LogFatal, "ssh: %s", door.Sentence(err))
		return sshFailed, true
	}
	tty := r.wantsTTY()
	p, err := c.Session(r.request(tty), in, r.Stdout, r.Stderr)
	var refused *control.RefusedError
	switch {
	case errors.As(err, &refused) && refused.Denied:
		r.say(config.LogError, "Master refused session request: %s", term.Printable(refused.Reason))
		return 0, false
	case err != nil:
		r.say(config.LogError, "session request failed: %s", term.Printable(err.Error()))
		return 0, false
	}
	r.loggedIn()
	code, err = r.sit(ctx, c, p, pid, tty)
	switch number := syscall.Signal(r.killed.Load()); {
	case number != 0:
		r.say(config.LogDebug2, "debug2: Exiting on signal: %s", door.Capital(number.String()))
		code = sshFailed
	case err != nil:
		r.say(config.LogDebug2, "debug2: Control master terminated unexpectedly: %v", err)
		code = sshFailed
	}
	if tty {
		r.say(config.LogInfo, "Shared connection to %s closed.", r.conf.HostName)
	}
	return code, true
}

// sit waits with the terminal raw, and passes on that the window has changed. A
// signal closes the way to the master.
func (r *sshRun) sit(ctx context.Context, c *control.Conn, p *control.Passenger, pid int, tty bool) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var guard *term.Guard
	if tty && term.IsTerminal(r.Stdin) {
		var err error
		if guard, err = term.Raw(r.Stdin); err != nil {
			return 0, err
		}
		r.raw.Store(true)
		cooked := func() { guard.Close(); r.raw.Store(false) }
		defer cooked()
		p.TTYFailed = cooked
		term.WatchSize(ctx, r.Stdin, func(term.Size) { windowChanged(pid) })
	}
	defer r.endOnSignal(c, guard)()
	return p.Wait()
}

// request is the session as a master is asked for it.
func (r *sshRun) request(tty bool) control.Request {
	escape := r.conf.EscapeChar
	if escape == config.EscapeNone {
		escape = -1
	}
	return control.Request{
		TTY: tty, X11: r.conf.ForwardX11, Agent: r.conf.ForwardAgent, Subsystem: r.conf.SessionType == "subsystem",
		Escape: escape, Term: r.TerminalType(), Command: r.command(), Env: r.environment(),
	}
}
