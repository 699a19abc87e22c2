//go:build unix

package agents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
)

// startAgent does what the command line asks for.
func startAgent(ctx context.Context, e *door.Env, l *agentLine) int {
	if d := door.Background(e); d != nil {
		return serveAgent(ctx, e, l, d)
	}
	switch {
	case l.kill:
		return killAgent(e, l)
	case l.tidy > 0:
		home, err := os.UserHomeDir()
		if err != nil {
			e.Errorf("Couldn't determine home directory\r")
			return agentFatal
		}
		tidySockets(filepath.Join(home, ".ssh", "agent"), l.tidy > 1)
		fmt.Fprintln(e.Stdout, "Deleted stale agent sockets in ~/.ssh/agent")
		return agentOK
	case l.debug || l.foreground:
		overwriting(e)
		return serveAgent(ctx, e, l, nil)
	}
	pid, socket, code, err := door.StartDetached(e, door.Detach{Env: []string{overwrite + e.Getenv("GODEBUG")}})
	if err != nil {
		e.Errorf("ssh-agent: going to the background: %v", err)
		return agentUsage
	}
	if socket == nil {
		return code
	}
	if len(l.command) > 0 {
		return becomeCommand(e, l.command, string(socket), pid)
	}
	fmt.Fprint(e.Stdout, l.shellLines(string(socket), pid, true))
	return agentOK
}

// overwrite has the collector overwrite what it frees: it is where keys were.
const overwrite = "GODEBUG=clobberfree=1,"

// overwriting sees to it that this process began with overwrite: it begins
// again, as itself, where it didn't.
func overwriting(e *door.Env) {
	if strings.HasPrefix("GODEBUG="+e.Getenv("GODEBUG"), overwrite) {
		return
	}
	program, err := os.Executable()
	if err != nil {
		return
	}
	_ = syscall.Exec(program, os.Args, append(os.Environ(), overwrite+e.Getenv("GODEBUG")))
}

// becomeCommand runs the command in this process's place, so that it has the
// process number that was started.
func becomeCommand(e *door.Env, command []string, socket string, pid int) int {
	os.Setenv("SSH_AUTH_SOCK", socket)
	os.Setenv("SSH_AGENT_PID", strconv.Itoa(pid))
	program, err := exec.LookPath(command[0])
	if err == nil {
		err = syscall.Exec(program, command, os.Environ())
	}
	e.Errorf("%s: %s", command[0], execSentence(err))
	return agentUsage
}

func execSentence(err error) string {
	if errors.Is(err, exec.ErrNotFound) {
		err = syscall.ENOENT
	}
	return door.Sentence(err)
}

func killAgent(e *door.Env, l *agentLine) int {
	text := e.Getenv("SSH_AGENT_PID")
	if text == "" {
		e.Errorf("SSH_AGENT_PID not set, cannot kill agent")
		return agentUsage
	}
	pid, err := strconv.Atoi(text)
	if err != nil || pid < 2 {
		e.Errorf("SSH_AGENT_PID=\"%s\", which is not a good PID: %s", text, notAPID(pid, err))
		return agentUsage
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		e.Errorf("kill: %s", door.Sentence(err))
		return agentUsage
	}
	unset := "unset %s;\n"
	if l.csh {
		unset = "unsetenv %s;\n"
	}
	fmt.Fprintf(e.Stdout, unset+unset+"echo Agent pid %d killed;\n", "SSH_AUTH_SOCK", "SSH_AGENT_PID", pid)
	return agentOK
}

func notAPID(pid int, err error) string {
	switch {
	case errors.Is(err, strconv.ErrRange):
		return "too large"
	case err == nil && pid < 2:
		return "too small"
	}
	return "invalid"
}

// serveAgent is the agent. It ends on a signal, or when the command ends that it
// was started for.
func serveAgent(ctx context.Context, e *door.Env, l *agentLine, d *door.Detached) int {
	signals := make(chan os.Signal, 4)
	list := []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1}
	if d == nil {
		list = append(list, syscall.SIGINT)
	} else {
		signal.Ignore(syscall.SIGINT)
	}
	signal.Notify(signals, list...)
	signal.Ignore(syscall.SIGPIPE)
	os.Setenv("GODEBUG", strings.TrimPrefix("GODEBUG="+e.Getenv("GODEBUG"), overwrite)) // not for SSH_ASKPASS
	parent := os.Getppid()
	if err := agent.Harden(); err != nil {
		e.Errorf("ssh-agent: %v", err)
		return agentUsage
	}
	started := os.Getpid()
	if d != nil {
		started = parent
	}
	socket, err := l.openSocket(e, started)
	if err != nil {
		e.Errorf("ssh-agent: %v", err)
		return agentUsage
	}
	defer socket.remove()
	keys := newKeyring(e, l.hash, l.life)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if d != nil {
		d.Ready([]byte(socket.path), false)
	} else {
		fmt.Fprint(e.Stdout, l.shellLines(socket.path, os.Getpid(), false))
	}
	if len(l.command) > 0 {
		go func() {
			awaitEnd(ctx, parent)
			cancel()
		}()
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		(&agent.Listener{Keyring: keys, Logger: l.logger(e)}).Serve(ctx, socket)
	}()
	untilSignal(ctx, signals, keys)
	cancel()
	<-served
	return agentKilled
}

// untilSignal waits for the end. SIGUSR1 drops the keys.
func untilSignal(ctx context.Context, signals <-chan os.Signal, keys *agent.Memory) {
	for {
		select {
		case s := <-signals:
			if s != syscall.SIGUSR1 {
				return
			}
			keys.Drop()
		case <-ctx.Done():
			return
		}
	}
}

// parentInterval is how often the parent is looked for where the system tells
// nobody that it has ended.
const parentInterval = time.Second

// pollParent waits until this process has another parent.
func pollParent(ctx context.Context, parent int) {
	ticker := time.NewTicker(parentInterval)
	defer ticker.Stop()
	for os.Getppid() == parent {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (l *agentLine) logger(e *door.Env) *slog.Logger {
	if !l.debug {
		return nil
	}
	return slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
