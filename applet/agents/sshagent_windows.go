package agents

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
)

// startAgent serves at OpenSSH's pipe and wherever Pageant answers, in the
// background unless the command line says otherwise. What can't be had, because
// another agent has it, is told.
func startAgent(ctx context.Context, e *door.Env, l *agentLine) int {
	pipe := l.socket
	if pipe == "" {
		pipe = door.AgentPipe
	}
	d := door.Background(e)
	switch {
	case l.kill:
		return killAgent(e, l)
	case l.tidy > 0:
		e.Errorf("ssh-agent: there are no sockets to delete: a pipe ends with its agent")
		return agentOK
	case len(l.command) > 0:
		return serveCommand(ctx, e, l.command, newKeyring(e, l.hash, l.life), l.logger(e), l.socket)
	case d == nil && !l.debug && !l.foreground:
		pid, code := goAway(e)
		if pid != 0 && (l.sh || l.csh) {
			fmt.Fprint(e.Stdout, l.shellLines(pipe, pid, true))
		} else if pid != 0 {
			fmt.Fprintf(e.Stdout, "Agent pid %d\n", pid)
		}
		return code
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	return servePipes(ctx, e, d, newKeyring(e, l.hash, l.life), l.logger(e), pipe)
}

// goAway starts this program in the background and tells at which pipes it
// serves. The process number is 0 where it doesn't.
func goAway(e *door.Env) (pid, code int) {
	pid, pipes, code, err := door.StartDetached(e, door.Detach{Stdin: e.Stdin, Terminal: true})
	switch {
	case err != nil:
		e.Errorf("%s: going to the background: %v", e.Name, err)
		return 0, agentUsage
	case pipes == nil:
		return 0, code // it has said why
	}
	fmt.Fprint(e.Stderr, string(pipes))
	return pid, agentOK
}

func killAgent(e *door.Env, l *agentLine) int {
	text := e.Getenv("SSH_AGENT_PID")
	pid, err := strconv.Atoi(text)
	if err != nil || pid < 2 {
		e.Errorf("SSH_AGENT_PID not set, cannot kill agent (or end it with: taskkill /F /PID number)")
		return agentUsage
	}
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		e.Errorf("ssh-agent: ending process %d: %s", pid, door.Sentence(err))
		return agentUsage
	}
	if l.sh || l.csh {
		fmt.Fprint(e.Stdout, "unset SSH_AUTH_SOCK;\nunset SSH_AGENT_PID;\n")
	}
	fmt.Fprintf(e.Stdout, "echo Agent pid %d killed;\n", pid)
	return agentOK
}

// servePipes serves a keyring at a pipe and at Pageant's places until ctx ends,
// in the background where d is not nil.
func servePipes(ctx context.Context, e *door.Env, d *door.Detached, keys agent.Keyring, log *slog.Logger, pipes ...string) int {
	if pageant, err := agent.PageantPipe(); err == nil {
		pipes = append(pipes, pageant)
	}
	var served sync.WaitGroup
	var open strings.Builder
	for _, pipe := range pipes {
		listener, err := agent.Listen(pipe)
		if err != nil {
			e.Errorf("%s: %s: %v", e.Name, pipe, err)
			continue
		}
		fmt.Fprintln(&open, pipe)
		served.Go(func() { serveAt(ctx, listener, keys, log) })
	}
	if open.Len() == 0 {
		return agentUsage
	}
	answering := make(chan struct{})
	served.Go(func() {
		if err := agent.ServePageant(ctx, keys, func() { close(answering) }); err != nil {
			e.Errorf("%s: %v", e.Name, err)
			close(answering)
		}
	})
	<-answering
	if d != nil {
		d.Ready([]byte(open.String()), false)
	} else {
		fmt.Fprint(e.Stdout, open.String())
	}
	served.Wait()
	return agentOK
}

// serveCommand is an agent for one command, at a pipe that nobody else is told.
func serveCommand(ctx context.Context, e *door.Env, command []string, keys agent.Keyring, log *slog.Logger, pipe string) int {
	if pipe == "" {
		pipe = `\\.\pipe\nacre-agent-` + rand.Text()
	}
	listener, err := agent.Listen(pipe)
	if err != nil {
		e.Errorf("%s: %v", e.Name, err)
		return agentUsage
	}
	ctx, cancel := context.WithCancel(ctx)
	var served sync.WaitGroup
	defer served.Wait()
	defer cancel()
	served.Go(func() { serveAt(ctx, listener, keys, log) })
	signal.Ignore(os.Interrupt) // ^C is for the command
	run := exec.Command(command[0], command[1:]...)
	run.Stdin, run.Stdout, run.Stderr = e.Stdin, e.Stdout, e.Stderr
	run.Env = append(os.Environ(), "SSH_AUTH_SOCK="+pipe, "SSH_AGENT_PID="+strconv.Itoa(os.Getpid()))
	err = run.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		e.Errorf("%s: %v", command[0], err)
		return agentUsage
	}
	return agentOK
}

func serveAt(ctx context.Context, l net.Listener, keys agent.Keyring, log *slog.Logger) {
	(&agent.Listener{Keyring: keys, Logger: log}).Serve(ctx, l)
}

func (l *agentLine) logger(e *door.Env) *slog.Logger {
	if !l.debug {
		return nil
	}
	return slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
