package forward

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// IncomingTypes are the types of the channels that a server opens for remote
// forwards.
func IncomingTypes() []string {
	return []string{"forwarded-tcpip", "forwarded-streamlocal@openssh.com"}
}

// Open serves a channel that the server opens for a remote forward, and returns
// when it has ended. What nobody asked for is refused.
func (f *Forwards) Open(in *mux.Incoming) {
	listen, from, err := parseForwarded(in.Type, in.Extra)
	if err != nil {
		f.log.Error("malformed request for a forwarded connection")
		in.Reject(wire.OpenConnectFailed, "malformed request")
		return
	}
	if in.Type == "forwarded-tcpip" {
		f.log.Debug(fmt.Sprintf("client_request_forwarded_tcpip: listen %s port %d, originator %s port %d", listen.Host, listen.Port, from.Host, from.Port))
	} else {
		f.log.Debug("client_request_forwarded_streamlocal: request: " + listen.Path)
	}
	spec, ok := f.find(listen)
	if !ok {
		what := fmt.Sprintf("listen_port %d", listen.Port)
		if listen.Path != "" {
			what = "path " + listen.Path
		}
		f.log.Error("WARNING: Server requests forwarding for unknown " + what)
		in.Reject(wire.OpenConnectFailed, "unknown forward")
		return
	}
	name := fmt.Sprintf("%s: %s", in.Type, from.Host)
	if spec.Dynamic {
		f.openDynamic(in, name)
		return
	}
	nc, err := f.connect(spec.Target)
	if err != nil {
		in.Reject(wire.OpenConnectFailed, err.Error())
		return
	}
	ch, err := in.Accept(nil, mux.Options{Name: name})
	if err != nil {
		nc.Close()
		return
	}
	Splice(ch, nc)
}

// parseForwarded reads which forward a channel is for, and who connected (RFC
// 4254, section 7.2; PROTOCOL, section 2.4).
func parseForwarded(typ string, extra []byte) (listen, from Address, err error) {
	r := wire.NewReader(extra)
	if typ != "forwarded-tcpip" {
		listen.Path = r.String()
		r.Bytes() // reserved
		if listen.Path == "" {
			return listen, from, errors.New("no path")
		}
		return listen, from, errors.Join(r.End(), listen.check())
	}
	listen.Host, listen.Port = r.String(), int(r.Uint32())
	from.Host, from.Port = r.String(), int(r.Uint32())
	return listen, from, errors.Join(r.End(), listen.check(), from.check())
}

// find looks for the forward that listens at an address. While the server's
// answers are not all looked at, it may be one whose port is not known yet.
func (f *Forwards) find(listen Address) (Spec, bool) {
	listen.Named = true
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		pending := false
		for _, r := range f.remote {
			if r.serves(listen) {
				return r.spec, true
			}
			pending = pending || r.pending && r.port == 0 && r.spec.Listen.Path == ""
		}
		if !pending || f.stopped {
			return Spec{}, false
		}
		f.settled.Wait()
	}
}

// serves says whether the server means this forward. Its answer may still be on
// the way through this process.
func (r *remoteForward) serves(a Address) bool {
	if a.Path != "" || r.spec.Listen.Path != "" {
		return a.Path == r.spec.Listen.Path
	}
	return r.port != 0 && a.Port == r.port && a.listenHost() == r.spec.Listen.listenHost()
}

// connect connects to a target for a channel, as long as there is a connection
// for it.
func (f *Forwards) connect(to Address) (net.Conn, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f.start(func() {
		select {
		case <-f.o.Mux.Done():
			cancel()
		case <-ctx.Done():
		}
	})
	return Dial(ctx, f.o.Network, to, f.log)
}

// openDynamic has who connected at the server say by SOCKS where to go.
func (f *Forwards) openDynamic(in *mux.Incoming, name string) {
	ch, err := in.Accept(nil, mux.Options{Name: name})
	if err != nil {
		return
	}
	defer ch.Close()
	s, to, rest, err := greet(ch, func() { ch.Close() })
	if err != nil {
		f.log.Debug("dynamic remote forward: " + err.Error())
		return
	}
	f.log.Debug(fmt.Sprintf("dynamic request: socks%d host %s port %d", s.version, to.Host, to.Port))
	if list := f.o.PermitRemoteOpen; list != nil && !Permits(list, to.Host, to.Port) {
		f.log.Debug("rdynamic_connect_finish: requested forward not permitted")
		f.farewell(ch, s.reply(resultProhibited))
		return
	}
	nc, err := f.connect(to)
	if err != nil {
		f.farewell(ch, s.reply(resultOf(err)))
		return
	}
	if _, err = ch.Write(s.reply(resultGranted)); err == nil {
		_, err = nc.Write(rest)
	}
	if err != nil {
		nc.Close()
		return
	}
	Splice(ch, nc)
}

// farewell is the last that a client hears.
func (f *Forwards) farewell(ch *mux.Channel, b []byte) {
	ch.Write(b)
	ch.CloseWrite()
}
