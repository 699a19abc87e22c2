package applet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/mux"
)

// forwarding are the forwards of one connection, and what is still to be heard
// of them.
type forwarding struct {
	*forward.Forwards
	run     *sshRun
	answers []func(context.Context) bool
	device  string // the tunnel's network device; "" without one
}

// forwards sets up what the configuration asks for. Remote forwards are asked
// for; settle or await hears the answers. It returns nil when ssh must end, and
// has said why.
func (r *sshRun) forwards(ctx context.Context, c *client.Client) *forwarding {
	f := &forwarding{run: r, Forwards: c.Forwards(r.forwardOptions())}
	if f.listensOnSockets() {
		f.tidy()
	}
	if f.listen(ctx) && f.ask() && f.tunnel(c) {
		return f
	}
	f.Close()
	return nil
}

func (r *sshRun) forwardOptions() forward.Options {
	networks := map[string]string{"inet": "tcp4", "inet6": "tcp6"}
	return forward.Options{
		Network: networks[r.conf.AddressFamily], GatewayPorts: r.conf.GatewayPorts, PermitRemoteOpen: r.conf.PermitRemoteOpen,
		Sockets: forward.SocketOptions{Mode: 0o777 &^ fs.FileMode(r.conf.StreamLocalBindMask), Unlink: r.conf.StreamLocalBindUnlink},
	}
}

// listensOnSockets says whether files are made here.
func (f *forwarding) listensOnSockets() bool {
	isSocket := func(w config.Forward) bool { return w.Listen.Path != "" }
	return slices.ContainsFunc(f.run.conf.LocalForward, isSocket) || slices.ContainsFunc(f.run.conf.DynamicForward, isSocket)
}

// listen sets up the local and the dynamic forwards.
func (f *forwarding) listen(ctx context.Context) bool {
	wanted, stand := 0, 0
	for _, list := range [][]config.Forward{f.run.conf.LocalForward, f.run.conf.DynamicForward} {
		for _, w := range list {
			wanted++
			if err := f.Local(ctx, specOf(w)); err == nil {
				stand++
			} else if !errors.Is(err, forward.ErrListen) {
				f.run.say(config.LogError, "%v", err)
			}
		}
	}
	must := f.run.conf.ExitOnForwardFailure
	if wanted > 0 && (stand == 0 || must && stand < wanted) {
		f.run.say(config.LogError, "Could not request local forwarding.")
	}
	return stand == wanted || !must
}

// ask asks for the remote forwards.
func (f *forwarding) ask() bool {
	for _, w := range f.run.conf.RemoteForward {
		spec := specOf(w)
		wait, err := f.AskRemote(spec)
		switch {
		case err == nil:
			f.answers = append(f.answers, func(ctx context.Context) bool { return f.answered(ctx, spec, wait) })
		case f.run.conf.ExitOnForwardFailure:
			f.run.say(config.LogFatal, "Could not request remote forwarding.")
			return false
		default:
			f.run.say(config.LogInfo, "Warning: Could not request remote forwarding.")
		}
	}
	return true
}

// settle hears the server's answers and reports whether ssh may go on. A server
// answers in order, so they are there once it has opened a session; one that
// doesn't holds nothing up where no answer could end ssh.
func (f *forwarding) settle(ctx context.Context) bool {
	if f.run.conf.ExitOnForwardFailure {
		return f.await(ctx)
	}
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		f.await(ctx)
	}()
	select {
	case <-heard:
	case <-time.After(answerTime):
	}
	return true
}

// answerTime is how long a session waits for answers that could not end it.
const answerTime = 100 * time.Millisecond

// await hears all of the server's answers.
func (f *forwarding) await(ctx context.Context) bool {
	for _, answer := range f.answers {
		if !answer(ctx) {
			return false
		}
	}
	f.answers = nil
	return true
}

// answered says what became of a remote forward, and reports whether ssh may go
// on.
func (f *forwarding) answered(ctx context.Context, s forward.Spec, wait func(context.Context) (int, error)) bool {
	port, err := wait(ctx)
	switch {
	case err == nil && s.Listen.Path == "" && s.Listen.Port == 0:
		f.run.say(config.LogInfo, "Allocated port %d for remote forward to %s", port, targetName(s))
		return true
	case err == nil:
		return true
	case !errors.Is(err, forward.ErrRefused) && !errors.Is(err, forward.ErrPort):
		return true // the connection has ended, which is said elsewhere
	}
	if errors.Is(err, forward.ErrPort) {
		f.run.say(config.LogError, "Invalid allocated port for remote forward to %s", targetName(s))
	}
	at := fmt.Sprintf("listen port %d", s.Listen.Port)
	if s.Listen.Path != "" {
		at = "listen path " + s.Listen.Path
	}
	if f.run.conf.ExitOnForwardFailure {
		f.run.say(config.LogFatal, "Error: remote port forwarding failed for %s", at)
		return false
	}
	f.run.say(config.LogInfo, "Warning: remote port forwarding failed for %s", at)
	return true
}

// targetName is a target as ssh's sentences have it.
func targetName(s forward.Spec) string {
	switch {
	case s.Dynamic:
		return "socks:0"
	case s.Target.Path != "":
		return s.Target.Path + ":-2"
	}
	return fmt.Sprintf("%s:%d", s.Target.Host, s.Target.Port)
}

// specOf is a forward of the configuration for package forward.
func specOf(f config.Forward) forward.Spec {
	return forward.Spec{Listen: addressOf(f.Listen), Dynamic: f.Dynamic, Target: addressOf(f.Target)}
}

func addressOf(e config.Endpoint) forward.Address {
	return forward.Address{Host: e.Host, Named: e.HostSet, Port: e.Port, Path: e.Path}
}

// serveForwards is -N: nothing but the forwards, until the connection ends.
func (r *sshRun) serveForwards(ctx context.Context, c *client.Client, f *forwarding) int {
	if !f.settle(ctx) {
		return sshFailed
	}
	r.loggedIn()
	defer r.endOnSignal(c, nil)()
	r.say(config.LogDebug1, "debug1: Entering interactive session.")
	<-c.Done()
	r.transferred(c, r.began)
	if number := syscall.Signal(r.killed.Load()); number != 0 {
		return r.endedBy(number)
	}
	r.lost(c.Err())
	return sshFailed
}

// stdio connects this program's input and output with -W's address, and returns
// the exit code.
func (r *sshRun) stdio(ctx context.Context, c *client.Client, f *forwarding) int {
	ch, err := f.Stdio(ctx, addressOf(*r.conf.StdioForward))
	if err != nil {
		var refused *mux.OpenError
		if r.manner == nil && errors.As(err, &refused) {
			r.say(config.LogInfo, "%s", forward.OpenFailure(err))
		}
		if c.Err() != nil {
			r.lost(c.Err())
			return sshFailed
		}
		text := "stdio forwarding failed"
		if r.manner != nil {
			text = r.manner.explain(err)
		}
		r.say(config.LogFatal, "%s", text)
		return sshFailed
	}
	if !f.settle(ctx) {
		return sshFailed
	}
	in := bulkInput(r.Stdin)
	defer in.Close()
	go func() {
		if _, err := ch.ReadFrom(in); err != nil && !errors.Is(err, os.ErrClosed) {
			r.say(config.LogDebug1, "debug1: Standard input: %v", err)
		}
		ch.CloseWrite()
	}()
	if _, err := ch.WriteTo(bulkOutput(r.Stdout)); err != nil {
		r.say(config.LogDebug1, "debug1: Standard output: %v", err)
	}
	return r.stdioEnd(ctx, c, ch)
}

// stdioEnd is the end of -W: the far end has said its last word, and nobody
// waits for more of ours, as with ssh.
func (r *sshRun) stdioEnd(ctx context.Context, c *client.Client, ch *mux.Channel) int {
	ch.CloseWrite()
	ch.Close()
	select {
	case <-ch.Done():
	case <-ctx.Done():
	}
	r.transferred(c, r.began)
	if err := c.Err(); err != nil {
		r.lost(err)
		return sshFailed
	}
	r.say(config.LogDebug1, "debug1: stdio forwarding: done")
	return 0
}
