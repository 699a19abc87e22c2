package agents

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/term"
)

// pageantSocket is where an agent is without SSH_AUTH_SOCK.
const pageantSocket = agent.Pageant

// start makes this the agent where no client's action is asked for: Pageant's
// program for Windows has no lifetime options.
func (r *pageantRun) start() error {
	if r.life == 'X' || r.life == 'T' {
		return errors.New("-X and -T are not for Windows: without a lifetime option it runs until you log out")
	}
	asks := false
	for _, a := range r.actions {
		asks = asks || a.what != 'k' && a.what != 'K'
	}
	if !asks && r.life == 0 {
		r.life = 'p'
	}
	return nil
}

// serve answers at Pageant's places, and at OpenSSH's pipe where that is free: in
// the background, once the keys are loaded, unless the options say otherwise.
func (r *pageantRun) serve(ctx context.Context) int {
	d := door.Background(r.Env)
	if d == nil && r.life == 'p' {
		pid, code := goAway(r.Env)
		if pid != 0 {
			fmt.Fprintf(r.Stdout, "Agent pid %d\n", pid)
		}
		return code
	}
	keys := &agent.Deferred{Memory: newKeyring(r.Env, r.hash.Hash, 0)}
	keys.Passphrase = func(ctx context.Context, comment string, _ bool) ([]byte, error) {
		return r.ask(ctx, "Enter passphrase to decrypt key '"+term.Printable(comment)+"'")
	}
	for _, a := range r.actions {
		if err := r.addFile(ctx, a.arg, a.what == 'K', keys.Add, keys.AddFile); err != nil {
			r.fail(a.arg, err)
		}
	}
	if r.failed {
		return 1
	}
	l := &agentLine{debug: r.life == 'd' || r.verbose}
	if r.life == 'e' {
		return serveCommand(ctx, r.Env, r.command, keys, l.logger(r.Env), "")
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	return servePipes(ctx, r.Env, d, keys, l.logger(r.Env), door.AgentPipe)
}
