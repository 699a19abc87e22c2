package applet

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"

	"github.com/nacre-ssh/nacre/agent"
)

// opensshPipe is where ssh looks for an agent on Windows.
const opensshPipe = `\\.\pipe\openssh-ssh-agent`

// startAgent serves in the foreground, at OpenSSH's pipe and wherever Pageant
// answers. What can't be had, because another agent has it, is told.
func startAgent(ctx context.Context, e *Env, l *agentLine) int {
	if l.kill || l.tidy > 0 || len(l.command) > 0 {
		e.Errorf("ssh-agent: that is not for Windows: end the agent's process, and use the pipe %s", opensshPipe)
		return agentUsage
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	pipe := l.socket
	if pipe == "" {
		pipe = opensshPipe
	}
	return servePipes(ctx, e, newKeyring(e, l.hash, l.life), l.logger(e), pipe)
}

// servePipes serves a keyring at a pipe and at Pageant's places until ctx ends.
func servePipes(ctx context.Context, e *Env, keys agent.Keyring, log *slog.Logger, pipes ...string) int {
	if pageant, err := agent.PageantPipe(); err == nil {
		pipes = append(pipes, pageant)
	}
	var served sync.WaitGroup
	var open []string
	for _, pipe := range pipes {
		listener, err := agent.Listen(pipe)
		if err != nil {
			e.Errorf("%s: %s: %v", e.Name, pipe, err)
			continue
		}
		open = append(open, pipe)
		served.Go(func() { serveAt(ctx, listener, keys, log) })
	}
	if len(open) == 0 {
		return agentUsage
	}
	served.Go(func() {
		if err := agent.ServePageant(ctx, keys, nil); err != nil {
			e.Errorf("%s: %v", e.Name, err)
		}
	})
	for _, pipe := range open {
		fmt.Fprintln(e.Stdout, pipe)
	}
	served.Wait()
	return agentOK
}

func serveAt(ctx context.Context, l net.Listener, keys agent.Keyring, log *slog.Logger) {
	(&agent.Listener{Keyring: keys, Logger: log}).Serve(ctx, l)
}

func (l *agentLine) logger(e *Env) *slog.Logger {
	if !l.debug {
		return nil
	}
	return slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
