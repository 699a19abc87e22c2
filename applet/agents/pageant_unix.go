//go:build unix

package agents

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/x11"
)

// pageantSocket is where an agent is without SSH_AUTH_SOCK: nowhere.
const pageantSocket = ""

// start checks what the options need of the system.
func (r *pageantRun) start() error {
	if r.life == 'X' && r.Getenv("DISPLAY") == "" {
		return errors.New("no DISPLAY for -X mode")
	}
	if r.shell == 0 && strings.HasSuffix(r.Getenv("SHELL"), "csh") {
		r.shell = 'c'
	}
	return nil
}

// serve is the agent: here, or in the background with its name printed.
func (r *pageantRun) serve(ctx context.Context) int {
	if d := door.Background(r.Env); d != nil {
		return r.attend(ctx, d)
	}
	if r.life == 'd' || r.life == 'f' {
		overwriting(r.Env)
		return r.attend(ctx, nil)
	}
	pid, socket, code, err := door.StartDetached(r.Env, door.Detach{
		Stdin: r.Stdin, Terminal: true, Env: []string{overwrite + r.Getenv("GODEBUG")},
	})
	if err != nil {
		r.Errorf("pageant: going to the background: %v", err)
		return 1
	}
	if socket == nil {
		return code
	}
	if r.life == 'e' {
		return becomeCommand(r.Env, r.command, string(socket), pid)
	}
	r.printPlace(string(socket), pid)
	return 0
}

func (r *pageantRun) printPlace(socket string, pid int) {
	format := "SSH_AUTH_SOCK=%s; export SSH_AUTH_SOCK;\nSSH_AGENT_PID=%d; export SSH_AGENT_PID;\n"
	if r.shell == 'c' {
		format = "setenv SSH_AUTH_SOCK %s;\nsetenv SSH_AGENT_PID %d;\n"
	}
	fmt.Fprintf(r.Stdout, format, socket, pid)
}

// keyring makes the keyring and loads the keys that are named.
func (r *pageantRun) keyring(ctx context.Context) (*agent.Deferred, bool) {
	keys := &agent.Deferred{Memory: newKeyring(r.Env, r.hash.Hash, 0)}
	keys.Passphrase = func(ctx context.Context, comment string, again bool) ([]byte, error) {
		prompt := "Enter passphrase to decrypt key '" + term.Printable(comment) + "'"
		if again {
			prompt = "Try again. " + prompt
		}
		how := door.AskProgram
		if r.life == 'd' {
			how = door.AskTerminal
		}
		return r.ReadSecret(ctx, how, prompt+": ")
	}
	for _, a := range r.actions {
		if err := r.addFile(ctx, a.arg, a.what == 'K', keys.Add, keys.AddFile); err != nil {
			r.fail(a.arg, err)
		}
	}
	return keys, !r.failed
}

func (r *pageantRun) attend(ctx context.Context, d *door.Detached) int {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	signal.Ignore(syscall.SIGPIPE)
	parent := os.Getppid()
	if err := agent.Harden(); err != nil {
		r.Errorf("pageant: %v", err)
		return 1
	}
	keys, ok := r.keyring(ctx)
	if !ok {
		return 1
	}
	socket, err := tempSocket("pageant." + fmt.Sprint(os.Getpid()))
	if err != nil {
		r.Errorf("pageant: %v", err)
		return 1
	}
	defer socket.remove()
	r.link(socket.path)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lifetime := r.lifetime(ctx, parent)
	if d != nil {
		d.Ready([]byte(socket.path), true)
	} else {
		r.printPlace(socket.path, os.Getpid())
	}
	go func() {
		lifetime()
		cancel()
	}()
	served := make(chan struct{})
	go func() {
		defer close(served)
		l := &agentLine{debug: r.life == 'd' || r.verbose}
		(&agent.Listener{Keyring: keys, Logger: l.logger(r.Env)}).Serve(ctx, socket)
	}()
	select {
	case <-signals:
	case <-ctx.Done():
	}
	cancel()
	<-served
	return 0
}

// link makes a symbolic link to the socket, in the place of another.
func (r *pageantRun) link(socket string) {
	if r.symlink == "" {
		return
	}
	if info, err := os.Lstat(r.symlink); err == nil && info.Mode().Type() == os.ModeSymlink {
		os.Remove(r.symlink)
	}
	if err := os.Symlink(socket, r.symlink); err != nil {
		r.Errorf("pageant: making symlink %s: %s", r.symlink, door.Sentence(err))
	}
}

// lifetime returns what waits for the agent's end.
func (r *pageantRun) lifetime(ctx context.Context, parent int) func() {
	switch r.life {
	case 'e':
		return func() { awaitEnd(ctx, parent) }
	case 'T':
		tty, err := os.OpenFile("/dev/tty", os.O_RDONLY, 0)
		if err != nil {
			return func() {}
		}
		return func() { awaitTTY(ctx, tty) }
	case 'X':
		conn, err := r.display(ctx)
		if err != nil {
			r.Errorf("pageant: unable to connect to X server: %v", err)
			return func() {}
		}
		return func() {
			one := make([]byte, 1)
			for {
				if _, err := conn.Read(one); err != nil {
					return
				}
			}
		}
	}
	return func() { <-ctx.Done() }
}

// ttyInterval is how often the terminal is looked at.
const ttyInterval = time.Second

// awaitTTY waits until the terminal has hung up.
func awaitTTY(ctx context.Context, tty *os.File) {
	ticker := time.NewTicker(ttyInterval)
	defer ticker.Stop()
	for term.IsTerminal(tty) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// display is a connection to the X server, which ends with it.
func (r *pageantRun) display(ctx context.Context) (net.Conn, error) {
	d, err := x11.ParseDisplay(r.Getenv("DISPLAY"))
	if err != nil {
		return nil, err
	}
	return x11.Open(ctx, d, r.Xauthority())
}
