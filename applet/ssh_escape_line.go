package applet

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/term"
)

// commandLine reads a command at the terminal and carries it out.
func (e *escaper) commandLine(byte) bool {
	if !e.run.conf.EnableEscapeCommandline {
		e.run.print("commandline disabled")
		return true
	}
	e.guard.Suspend()
	e.run.raw.Store(false)
	defer func() {
		e.guard.Resume()
		e.run.raw.Store(true)
	}()
	line, err := term.Ask(context.Background(), "\r\nssh> ")
	if err == nil {
		e.command(strings.TrimPrefix(line, "-"))
	}
	return true
}

const commandHelp = `Commands:
      -L[bind_address:]port:host:hostport    Request local forward
      -R[bind_address:]port:host:hostport    Request remote forward
      -D[bind_address:]port                  Request dynamic forward
      -KL[bind_address:]port                 Cancel local forward
      -KR[bind_address:]port                 Cancel remote forward
      -KD[bind_address:]port                 Cancel dynamic forward`

// command carries one command out; it has lost its dash.
func (e *escaper) command(line string) {
	rest, remove := strings.CutPrefix(line, "K")
	switch {
	case line == "":
	case strings.ContainsAny(line[:1], "hH?"):
		e.run.print(commandHelp)
	case rest == "" || !strings.ContainsAny(rest[:1], "LRD"):
		e.run.print("Invalid command.")
	case remove:
		e.run.print(e.cancel(rest[0], strings.TrimSpace(rest[1:])))
	default:
		e.run.print(e.add(rest[0], strings.TrimSpace(rest[1:])))
	}
}

// forwardKind is the kind behind a letter.
func forwardKind(letter byte) config.ForwardKind {
	switch letter {
	case 'R':
		return config.ForwardRemote
	case 'D':
		return config.ForwardDynamic
	}
	return config.ForwardLocal
}

// add sets up a forward and says how that went, in ssh's words.
func (e *escaper) add(letter byte, text string) string {
	w, err := config.ParseForward(text, forwardKind(letter), os.LookupEnv)
	switch {
	case err != nil && letter == 'R':
		return "Bad remote forwarding specification."
	case err != nil:
		return "Bad local forwarding specification."
	case letter != 'R':
		if e.forwards.Local(context.Background(), specOf(w)) != nil {
			return "Port forwarding failed."
		}
		return "Forwarding port."
	}
	spec := specOf(w)
	wait, err := e.forwards.AskRemote(spec)
	if err != nil {
		return "Port forwarding failed."
	}
	port, err := wait(context.Background())
	switch {
	case errors.Is(err, forward.ErrRefused):
		return "Port forwarding failed: the server refused to listen."
	case err != nil:
		return "Port forwarding failed."
	case spec.Listen.Path == "" && spec.Listen.Port == 0:
		e.run.say(config.LogInfo, "Allocated port %d for remote forward to %s", port, targetName(spec))
	}
	return "Forwarding port."
}

// cancel ends a forward and says how that went, in ssh's words.
func (e *escaper) cancel(letter byte, text string) string {
	w, err := config.ParseForward(text, config.ForwardDynamic, os.LookupEnv)
	if err != nil {
		return "Bad forwarding close specification."
	}
	at := addressOf(w.Listen)
	if letter == 'R' {
		err = e.forwards.CancelRemote(at)
	} else {
		err = e.forwards.CancelLocal(at, letter == 'D')
	}
	if err != nil {
		return "Unknown port forwarding."
	}
	return "Canceled forwarding."
}
