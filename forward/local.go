package forward

import (
	"context"
	"fmt"
	"net"

	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// A localForward listens here.
type localForward struct {
	spec    Spec
	sockets *Sockets
}

// Local listens here and forwards connections to the server's side. An error is
// ErrListen, with what is behind it in the log, or says why the address is none.
func (f *Forwards) Local(ctx context.Context, s Spec) error {
	if err := s.check(); err != nil {
		return err
	}
	unnamed := "LOCALHOST"
	if f.o.GatewayPorts {
		unnamed = "*"
	}
	host, port := s.Listen.names(unnamed)
	to, toPort := s.target()
	f.log.Debug(fmt.Sprintf("Local connections to %s:%d forwarded to remote address %s:%d", host, port, to, toPort))
	sockets, err := f.listen(ctx, s.Listen)
	if err != nil {
		return err
	}
	l := &localForward{s, sockets}
	f.mu.Lock()
	if f.stopped {
		f.mu.Unlock()
		sockets.Close()
		return errStopped
	}
	f.local = append(f.local, l)
	f.mu.Unlock()
	sockets.Serve(f.start, func(nc net.Conn) { f.serve(l, nc) })
	return nil
}

func (f *Forwards) listen(ctx context.Context, a Address) (*Sockets, error) {
	if a.Path != "" {
		return ListenSocket(a.Path, f.o.Sockets, f.log)
	}
	return listenTCP(ctx, f.o.Network, placeHere(a, f.o.GatewayPorts), a.Port, f.log)
}

func (s Spec) check() error {
	if err := s.Listen.check(); err != nil || s.Dynamic {
		return err
	}
	return s.Target.check()
}

// serve carries one connection to where it is to go.
func (f *Forwards) serve(l *localForward, nc net.Conn) {
	host, port := l.spec.target()
	_, listening := l.spec.Listen.names("")
	f.log.Debug(fmt.Sprintf("Connection to port %d forwarding to %s port %d requested.", listening, host, port))
	if l.spec.Dynamic {
		f.serveDynamic(l, nc)
		return
	}
	ch, err := f.reach(l.spec.Target, listening, nc)
	if err != nil {
		nc.Close()
		return
	}
	Splice(ch, nc)
}

// serveDynamic asks the client where it wants to go, and tells it how that went.
func (f *Forwards) serveDynamic(l *localForward, nc net.Conn) {
	defer nc.Close()
	s, to, rest, err := greet(nc, func() { nc.Close() })
	if err != nil {
		f.log.Debug("dynamic forward: " + err.Error())
		return
	}
	f.log.Debug(fmt.Sprintf("dynamic request: socks%d host %s port %d", s.version, to.Host, to.Port))
	ch, err := f.reach(to, l.spec.Listen.Port, nc)
	if err != nil {
		nc.Write(s.reply(resultOf(err)))
		return
	}
	if _, err = nc.Write(s.reply(resultGranted)); err == nil {
		_, err = ch.Write(rest)
	}
	if err != nil {
		ch.Close()
		return
	}
	Splice(ch, nc)
}

// reach opens a channel to a target for a connection and says when that failed.
func (f *Forwards) reach(to Address, listening int, nc net.Conn) (*mux.Channel, error) {
	ctx := context.Background() // the channel's answer comes, or the connection ends
	ch, err := f.open(ctx, to, listening, nc)
	if err != nil {
		f.log.Log(ctx, LevelNotice, OpenFailure(err))
	}
	return ch, err
}

// Stdio opens a channel to a target with no listener before it, as -W does. The
// error may be a *mux.OpenError.
func (f *Forwards) Stdio(ctx context.Context, to Address) (*mux.Channel, error) {
	if err := to.check(); err != nil {
		return nil, err
	}
	return f.open(ctx, to, 0, nil)
}

// open asks the server to connect to a target (RFC 4254, section 7.2; PROTOCOL,
// section 2.4). nc is for whom, or nil.
func (f *Forwards) open(ctx context.Context, to Address, listening int, nc net.Conn) (*mux.Channel, error) {
	from, at := origin{"127.0.0.1", 65535}, origin{"UNKNOWN", 65536}
	if nc != nil {
		from, at = originOf(nc.RemoteAddr(), from), originOf(nc.LocalAddr(), at)
	}
	typ, extra := "direct-tcpip", []byte(nil)
	if to.Path != "" {
		typ = "direct-streamlocal@openssh.com"
		extra = wire.AppendString(extra, to.Path)
	} else {
		extra = wire.AppendUint32(wire.AppendString(extra, to.Host), uint32(to.Port))
	}
	extra = wire.AppendUint32(wire.AppendString(extra, from.host), from.port)
	host, port := to.names("")
	name := fmt.Sprintf("%s: listening port %d for %s port %d, connect from %s port %d to %s port %d",
		typ, listening, host, port, from.host, from.port, at.host, at.port)
	return f.o.Mux.OpenChannel(ctx, typ, extra, mux.Options{Name: name})
}

// An origin is where a connection comes from, as the protocol has it.
type origin struct {
	host string
	port uint32
}

// originOf is for TCP; what has no address there gets the one that peers who
// check it take.
func originOf(a net.Addr, otherwise origin) origin {
	if tcp, ok := a.(*net.TCPAddr); ok {
		p := tcp.AddrPort()
		return origin{p.Addr().Unmap().String(), uint32(p.Port())}
	}
	return otherwise
}
