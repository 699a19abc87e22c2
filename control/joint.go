package control

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// A joint is a channel at each of two connections, which carry on each other's
// data and requests.
type joint struct {
	ctx       context.Context
	near, far *mux.Channel  // of who opened it, and of who was asked to
	ready     chan struct{} // both are there, or never will be
	started   chan struct{} // the session's program was asked for: data may follow
	once      sync.Once
	allows    func(request string) bool
	nearAsks  answers
	farAsks   answers
}

// join opens at to what in asks for, and connects both until they have ended.
// allows says which requests of the opener's are passed on.
func join(ctx context.Context, in *mux.Incoming, to *mux.Mux, allows func(string) bool) {
	j := &joint{
		ctx: ctx, ready: make(chan struct{}), started: make(chan struct{}), allows: allows,
		nearAsks: newAnswers(), farAsks: newAnswers(),
	}
	if in.Type != "session" {
		j.start()
	}
	far, err := to.OpenChannel(ctx, in.Type, in.Extra, mux.Options{Requests: j.fromFar, Name: proxiedName})
	var refused *mux.OpenError
	switch {
	case errors.As(err, &refused):
		in.Reject(refused.Reason, refused.Text)
		return
	case err != nil:
		in.Reject(wire.OpenResourceShortage, "the shared connection takes no more channels")
		return
	}
	defer far.Close()
	near, err := in.Accept(nil, mux.Options{Requests: j.fromNear, Name: proxiedName})
	if err == nil {
		j.near, j.far = near, far
	}
	close(j.ready)
	if err == nil {
		j.run()
	}
}

// proxiedName is what lists for people call these channels, as OpenSSH does.
const proxiedName = "mux-proxy"

func (j *joint) start() { j.once.Do(func() { close(j.started) }) }

// starters are the requests that begin a session's program: a server drops data
// that comes before them.
var starters = [...]string{"shell", "exec", "subsystem"}

func (j *joint) fromNear(r *mux.Request) {
	<-j.ready
	if j.near == nil {
		return
	}
	if r.Name == "pty-req" { // keystrokes go before bulk
		j.near.SetInteractive()
		j.far.SetInteractive()
	}
	j.nearAsks.pass(j.ctx, r, j.far, j.allows(r.Name))
	if slices.Contains(starters[:], r.Name) {
		j.start()
	}
}

func (j *joint) fromFar(r *mux.Request) {
	<-j.ready
	if j.near != nil {
		j.farAsks.pass(j.ctx, r, j.near, true)
	}
}

// run moves data both ways until the end.
func (j *joint) run() {
	stop := context.AfterFunc(j.ctx, func() { j.far.Close(); j.near.Close() })
	defer stop()
	var out, in sync.WaitGroup
	out.Go(func() { j.far.WriteTo(j.near) })
	out.Go(func() { j.far.Stderr().WriteTo(j.near.Stderr()) })
	in.Go(j.send)
	go func() {
		<-j.near.Done()
		in.Wait()     // what it said before it closed
		j.far.Close() // nobody reads what comes
	}()
	out.Wait()
	j.near.CloseWrite()
	<-j.far.Done()
	j.near.Close()
	in.Wait()
}

// send moves what the opener says, once there is somebody to hear it.
func (j *joint) send() {
	select {
	case <-j.started:
	case <-j.near.Done():
	case <-j.far.Done():
	}
	j.near.WriteTo(j.far)
	j.far.CloseWrite()
}

// answers sends the answers to requests that were passed on in the order of the
// requests, which need not wait for each other. It belongs to the goroutine that
// handles them.
type answers struct {
	last   chan struct{}
	places chan struct{} // one for each that is awaited
}

// maxAnswers is how many may be awaited in a direction of a channel: requests
// beyond wait in their queue, which has a cap of its own.
const maxAnswers = 64

func newAnswers() answers { return answers{places: make(chan struct{}, maxAnswers)} }

// pass makes a request on the other channel, unless that is not allowed.
func (a *answers) pass(ctx context.Context, r *mux.Request, to *mux.Channel, allowed bool) {
	wait := func(context.Context) (bool, error) { return false, nil }
	if allowed {
		if asked, err := to.Ask(r.Name, r.WantReply, r.Payload); err == nil {
			wait = asked
		}
	}
	if !r.WantReply {
		return
	}
	select {
	case a.places <- struct{}{}:
	case <-ctx.Done():
		return
	}
	answer, before, sent := r.Detach(), a.last, make(chan struct{})
	a.last = sent
	go func() {
		defer func() { close(sent); <-a.places }()
		ok, err := wait(ctx)
		if before != nil {
			<-before
		}
		answer(ok && err == nil)
	}()
}
