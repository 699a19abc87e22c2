package forward

import (
	"context"
	"fmt"

	"github.com/nacre-ssh/nacre/wire"
)

// A remoteForward listens at the server.
type remoteForward struct {
	spec    Spec
	port    int  // where it listens; 0 while that is not known
	pending bool // the server has not answered
}

// listenHost is what the server is told of where to listen (RFC 4254, section
// 7.1; OpenSSH's channel_rfwd_bind_host).
func (a Address) listenHost() string {
	switch {
	case !a.Named && a.Host == "":
		return "localhost"
	case a.Host == "*":
		return ""
	}
	return a.Host
}

// message is a request about the forward, by its name for TCP or for a socket.
func (r *remoteForward) message(tcp, socket string) (name string, payload []byte) {
	if path := r.spec.Listen.Path; path != "" {
		return socket, wire.AppendString(nil, path)
	}
	return tcp, wire.AppendUint32(wire.AppendString(nil, r.spec.Listen.listenHost()), uint32(r.port))
}

// listensAt says whether the forward is the one at an address.
func (r *remoteForward) listensAt(a Address) bool {
	if a.Path != "" || r.spec.Listen.Path != "" {
		return a.Path == r.spec.Listen.Path
	}
	return !r.pending && a.Port == r.port && a.listenHost() == r.spec.Listen.listenHost()
}

// Remote asks the server to listen and waits for its answer. It returns the
// port, 0 for a Unix socket. A refusal is ErrRefused.
func (f *Forwards) Remote(ctx context.Context, s Spec) (int, error) {
	wait, err := f.AskRemote(s)
	if err != nil {
		return 0, err
	}
	return wait(ctx)
}

// AskRemote asks the server to listen and returns without waiting; the function
// that it returns waits for the answer, see Remote, and must be called.
func (f *Forwards) AskRemote(s Spec) (func(context.Context) (int, error), error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	r := &remoteForward{spec: s, port: s.Listen.Port, pending: true}
	host, port := s.Listen.names("LOCALHOST")
	to, toPort := s.target()
	f.log.Debug(fmt.Sprintf("Remote connections from %s:%d forwarded to local address %s:%d", host, port, to, toPort))
	f.mu.Lock() // connections may come before the answer is looked at
	f.remote = append(f.remote, r)
	f.mu.Unlock()
	wait, err := f.o.Mux.Ask(r.message("tcpip-forward", "streamlocal-forward@openssh.com"))
	if err != nil {
		f.forget(r)
		return nil, err
	}
	return func(ctx context.Context) (int, error) {
		ok, payload, err := wait(ctx)
		return f.answered(r, ok, payload, err)
	}, nil
}

// answered takes the server's answer.
func (f *Forwards) answered(r *remoteForward, ok bool, payload []byte, err error) (int, error) {
	port := r.port
	switch {
	case err != nil:
	case !ok:
		err = ErrRefused
	case r.spec.Listen.Path == "" && port == 0:
		p := wire.NewReader(payload)
		if n := p.Uint32(); p.Err() != nil || n == 0 || n > 65535 {
			err = ErrPort
		} else {
			port = int(n)
		}
	}
	f.logAnswer(r, err == nil)
	if err != nil {
		f.forget(r)
		return 0, err
	}
	f.mu.Lock()
	r.port, r.pending = port, false
	f.settled.Broadcast()
	f.mu.Unlock()
	return port, nil
}

func (f *Forwards) logAnswer(r *remoteForward, success bool) {
	word, at := "failure", ""
	if success {
		word = "success"
	}
	host, port := r.spec.Listen.names("")
	if host != "" {
		at = host + ":"
	}
	to, toPort := r.spec.target()
	f.log.Debug(fmt.Sprintf("remote forward %s for: listen %s%d, connect %s:%d", word, at, port, to, toPort))
}

// forget drops a forward that came to nothing.
func (f *Forwards) forget(r *remoteForward) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, other := range f.remote {
		if other == r {
			f.remote = append(f.remote[:i:i], f.remote[i+1:]...)
			break
		}
	}
	f.settled.Broadcast()
}
