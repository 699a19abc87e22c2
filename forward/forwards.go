package forward

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/nacre-ssh/nacre/mux"
)

// Options say how the client's forwards on one connection behave. Mux is needed;
// the zero value of every other field is usable.
type Options struct {
	Mux *mux.Mux
	// Network is "tcp" (also if empty), "tcp4" or "tcp6".
	Network string
	// GatewayPorts lets other machines connect where no host was named.
	GatewayPorts bool
	// Sockets says how Unix sockets are made.
	Sockets SocketOptions
	// PermitRemoteOpen are the targets that the server's side of a dynamic
	// forward may choose, see [Permits]; nil: any.
	PermitRemoteOpen []string
	Logger           *slog.Logger // nil: silent
}

// A Kind says at which end a forward listens.
type Kind int

// The kinds.
const (
	Local  Kind = iota // here, for -L and -D
	Remote             // at the server, for -R
)

// A Forward is one that stands.
type Forward struct {
	Kind
	Spec
	// Port is where a remote forward listens if Spec's port is 0; else the
	// same as that.
	Port int
}

// Errors of Forwards.
var (
	// ErrUnknown says that there is no such forward.
	ErrUnknown = errors.New("no such forward")
	// ErrRefused says that the server doesn't listen.
	ErrRefused = errors.New("the server refused to listen")
	// ErrPort says that the server chose a port that doesn't exist.
	ErrPort = errors.New("the server allocated an invalid port")

	errStopped = errors.New("no more forwards are taken")
)

// Forwards are the client's forwards on one connection. Make them with [New];
// their methods may be called from any goroutine.
type Forwards struct {
	o   Options
	log *slog.Logger

	mu      sync.Mutex
	settled sync.Cond // a remote forward was answered
	local   []*localForward
	remote  []*remoteForward
	stopped bool
}

// New makes the forwards of a connection. They end with it, or with Close. The
// caller gives incoming channels of [IncomingTypes] to [Forwards.Open].
func New(o Options) *Forwards {
	f := &Forwards{o: o, log: o.Logger}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if f.o.Network == "" {
		f.o.Network = "tcp"
	}
	f.settled.L = &f.mu
	f.start(func() {
		<-o.Mux.Done()
		f.Close()
	})
	return f
}

// start starts a goroutine of the connection's.
func (f *Forwards) start(do func()) { f.o.Mux.Conn().Go(do) }

// List is the forwards that stand, in the order they were added.
func (f *Forwards) List() []Forward {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Forward
	for _, l := range f.local {
		list = append(list, Forward{Local, l.spec, l.sockets.Port})
	}
	for _, r := range f.remote {
		if !r.pending {
			list = append(list, Forward{Remote, r.spec, r.port})
		}
	}
	return list
}

// Close stops listening here, for good. Connections go on, and so do the
// server's listeners.
func (f *Forwards) Close() {
	f.mu.Lock()
	f.stopped = true
	all := f.local
	f.local = nil
	f.settled.Broadcast()
	f.mu.Unlock()
	for _, l := range all {
		l.sockets.Close()
	}
}

// CancelLocal ends the local or the dynamic forwards that listen at an address,
// as it was given when they were added. It returns ErrUnknown where there is
// none.
func (f *Forwards) CancelLocal(listen Address, dynamic bool) error {
	var gone []*localForward
	f.mu.Lock()
	f.local = slices.DeleteFunc(f.local, func(l *localForward) bool {
		match := l.spec.Dynamic == dynamic && f.samePlace(l.spec.Listen, listen)
		if match {
			gone = append(gone, l)
		}
		return match
	})
	f.mu.Unlock()
	for _, l := range gone {
		l.sockets.Close()
	}
	if len(gone) == 0 {
		return ErrUnknown
	}
	return nil
}

// samePlace says whether two addresses are listened on at the same place.
func (f *Forwards) samePlace(a, b Address) bool {
	if a.Path != "" || b.Path != "" {
		return a.Path == b.Path
	}
	return a.Port == b.Port && placeHere(a, f.o.GatewayPorts) == placeHere(b, f.o.GatewayPorts)
}

// CancelRemote ends a forward at the server; a port that the server chose is
// given as it chose it. It returns ErrUnknown where there is none.
func (f *Forwards) CancelRemote(listen Address) error {
	f.mu.Lock()
	i := slices.IndexFunc(f.remote, func(r *remoteForward) bool { return r.listensAt(listen) })
	if i < 0 {
		f.mu.Unlock()
		return ErrUnknown
	}
	r := f.remote[i]
	f.remote = slices.Delete(f.remote, i, i+1)
	f.mu.Unlock()
	name, payload := r.message("cancel-tcpip-forward", "cancel-streamlocal-forward@openssh.com")
	_, _, err := f.o.Mux.Request(context.Background(), name, false, payload)
	return err
}
