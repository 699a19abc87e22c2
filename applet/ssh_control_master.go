package applet

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/control"
	"github.com/nacre-ssh/nacre/internal/pattern"
)

// masterMark is set in the environment of a process that this program started to
// be a master, and nothing else.
const masterMark = "NACRE_MASTER"

// startMaster shares the connection where the configuration says so. It returns
// what ends that; nil where nothing is shared. A socket that can't be made is an
// error, as with OpenSSH: who relies on it must hear. lends is what sessions may
// have of agent and display, if they ask.
func (r *sshRun) startMaster(ctx context.Context, c *client.Client, f *forwarding, lends client.SessionOptions) (*sshMaster, error) {
	path := r.conf.ControlPath
	if !r.becomesMaster() || path == "" || path == "none" {
		return nil, nil
	}
	r.say(config.LogDebug1, "debug1: setting up multiplex master socket")
	l, err := control.Listen(path)
	switch {
	case errors.Is(err, control.ErrExists):
		r.say(config.LogError, "ControlSocket %s already exists, disabling multiplexing", path)
		return nil, nil
	case errors.Is(err, control.ErrUnsafe):
		r.say(config.LogError, "%v (the connection is not shared)", err)
		return nil, nil
	case err != nil:
		return nil, err
	}
	m := &sshMaster{run: r, client: c, Master: control.Master{
		Client: c, Forwards: f.Forwards, Host: r.conf.HostName, Logger: slog.New(&r.speaker),
		AcceptEnv: func(name string) bool { return pattern.Any(name, r.conf.SendEnv...) },
		Options:   func(q control.Request) client.SessionOptions { return lent(q, lends) },
		Info:      func(what string) (string, bool) { return masterInfo(c, what) },
	}}
	if r.conf.ControlMaster == "ask" || r.conf.ControlMaster == "autoask" {
		m.Ask = r.MayUse
	}
	m.watchSignals()
	go m.Serve(ctx, l)
	return m, nil
}

// lent is what a session gets of what it asks for.
func lent(q control.Request, lends client.SessionOptions) client.SessionOptions {
	o := client.SessionOptions{Agent: q.Agent && lends.Agent}
	if q.X11 {
		o.X11 = lends.X11
	}
	return o
}

// masterInfo is what -O conninfo and -O channels print.
func masterInfo(c *client.Client, what string) (string, bool) {
	switch what {
	case "connection":
		return carriageReturns(connectionText(c.Conn)), true
	case "channels":
		return carriageReturns(openConnections(c.Mux)), true
	}
	return "", false
}

// carriageReturns ends lines as OpenSSH's masters do.
func carriageReturns(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

// An sshMaster is a shared connection of ssh's.
type sshMaster struct {
	control.Master
	run    *sshRun
	client *client.Client
	quiet  func() // ends the watch over signals
}

// watchSignals removes the socket before a signal ends this process.
func (m *sshMaster) watchSignals() {
	signals := make(chan os.Signal, 1)
	catchEnd(signals)
	done := make(chan struct{})
	m.quiet = func() { signal.Stop(signals); close(done) }
	go func() {
		select {
		case s := <-signals:
			m.Stop()
			m.run.kill(m.client, s)
		case <-done:
		}
	}()
}

// end stops sharing. It may be called on nil.
func (m *sshMaster) end() {
	if m != nil {
		m.Stop()
		m.quiet()
	}
}

// persists says whether the connection stays when its first session has ended.
func (r *sshRun) persists() bool { return r.conf.ControlPersist.On }

// persist starts a master in the background and becomes its client. done is
// false where that didn't come about and this process connects itself.
func (r *sshRun) persist(ctx context.Context, path string) (code int, done bool) {
	r.say(config.LogDebug1, "debug1: starting a master in the background")
	_, word, code, err := door.StartDetached(r.Env, door.Detach{Stdout: r.Stdout, Env: []string{masterMark + "=1"}, Terminal: true})
	switch {
	case err != nil:
		r.say(config.LogDebug1, "debug1: %v", err)
		return 0, false
	case word == nil:
		return code, true // it has said why
	case string(word) != masterReady:
		return 0, false
	}
	c, err := r.dialMaster(ctx, path)
	if err != nil {
		r.say(config.LogFatal, "Control socket connect(%s): %s", path, door.Sentence(err))
		return sshFailed, true
	}
	defer c.Close()
	// The master has the forwards already.
	if code, done = r.ride(ctx, c, false); !done {
		return sshFailed, true
	}
	return code, true
}

// The words of a master in the background to the process that started it.
const (
	masterReady = "ready"
	masterFails = "plain" // it is connected and can't share
)

// persistGrace is how long a master waits for its first client, whatever
// ControlPersist says.
const persistGrace = 10 * time.Second

// stay is the life of a master in the background, once it is connected: until
// nobody has used it for as long as ControlPersist says. m is nil where the
// connection can't be shared.
func (r *sshRun) stay(ctx context.Context, m *sshMaster, f *forwarding) int {
	if m == nil {
		r.master.Ready([]byte(masterFails), false)
		return sshFailed
	}
	if !f.settle(ctx) {
		return sshFailed
	}
	r.master.Ready([]byte(masterReady), r.conf.LogLevel >= config.LogDebug1)
	if r.conf.ControlPersist.Idle == 0 {
		<-m.client.Done()
		return 0
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		<-m.client.Done()
		cancel()
	}()
	m.idle(ctx, r.conf.ControlPersist.Idle)
	return 0
}

// idle waits until nothing has been open for so long, or the connection ends.
func (m *sshMaster) idle(ctx context.Context, d time.Duration) {
	for m.Idle(ctx, d, persistGrace) == nil {
		if len(m.client.Mux.Channels()) == 0 {
			m.run.say(config.LogDebug1, "debug1: ControlPersist timeout expired")
			return
		}
		if m.client.Mux.AwaitIdle(ctx) != nil { // forwarded connections count
			return
		}
	}
}
