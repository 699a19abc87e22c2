package control

import (
	"context"
	"sync"

	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// routes know which client a channel is for that the server opens: those that
// asked it to listen by themselves (see Conn.Client). Its zero value is empty.
type routes struct {
	once    sync.Once
	mu      sync.Mutex
	list    []*route
	settled sync.Cond // a route was answered or has gone
}

// A route is one place at the server where it listens for a client.
type route struct {
	to      *proxied
	request string // the request that made it
	place   string // its payload, with the port that the server chose
	pending bool
}

// incomingKinds are the channels that a listening server opens, by the request
// that has it listen.
var incomingKinds = [...]struct{ request, cancel, channel string }{
	{"tcpip-forward", "cancel-tcpip-forward", "forwarded-tcpip"},
	{"streamlocal-forward@openssh.com", "cancel-streamlocal-forward@openssh.com", "forwarded-streamlocal@openssh.com"},
}

// place is what a request and the channels that come of it have in common: an
// address and a port, or a path.
func place(channelOrRequest string, payload []byte) (text string, port uint32, ok bool) {
	r := wire.NewReader(payload)
	text = r.String()
	if channelOrRequest == incomingKinds[0].request || channelOrRequest == incomingKinds[0].channel || channelOrRequest == incomingKinds[0].cancel {
		port = r.Uint32()
	}
	return text, port, r.Err() == nil && port <= 65535
}

func placeName(text string, port uint32) string {
	return string(wire.AppendUint32(wire.AppendString(nil, text), port))
}

// serve has the channels that the server opens come here first; those that are
// for no client are the master's own.
func (rs *routes) serve(m *Master) {
	rs.once.Do(func() {
		rs.mu.Lock()
		rs.settled.L = &rs.mu
		rs.mu.Unlock()
		for _, kind := range incomingKinds {
			m.Client.Handle(kind.channel, func(in *mux.Incoming) {
				if p := rs.find(kind.request, kind.channel, in.Extra); p != nil {
					join(p.ctx, in, p.down, func(string) bool { return true })
					return
				}
				m.Forwards.Open(in)
			})
		}
	})
}

// find waits for answers that may concern the channel: the server's is on the way
// when it opens one.
func (rs *routes) find(request, channel string, extra []byte) *proxied {
	text, port, ok := place(channel, extra)
	if !ok {
		return nil
	}
	name := placeName(text, port)
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for {
		waiting := false
		for _, r := range rs.list {
			if r.request == request && !r.pending && r.place == name {
				return r.to
			}
			waiting = waiting || r.request == request && r.pending
		}
		if !waiting {
			return nil
		}
		rs.settled.Wait()
	}
}

// add notes a route whose answer is awaited, unless the client has too many.
func (rs *routes) add(r *route) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r.to.gone {
		return false
	}
	n := 0
	for _, other := range rs.list {
		if other.to == r.to {
			n++
		}
	}
	if n >= maxProxiedListen {
		return false
	}
	rs.list = append(rs.list, r)
	return true
}

// settle takes the server's answer, with the place where it listens now, and
// reports whether that is for nobody any more.
func (rs *routes) settle(r *route, ok bool, at string) (orphan bool) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r.pending, r.place = false, at
	if !ok {
		rs.drop(r)
	}
	rs.settled.Broadcast()
	return ok && r.to.gone
}

// drop takes a route away and reports whether it was there. mu is held.
func (rs *routes) drop(r *route) bool {
	for i, other := range rs.list {
		if other == r {
			rs.list = append(rs.list[:i:i], rs.list[i+1:]...)
			return true
		}
	}
	return false
}

// take takes a client's route away and reports whether there was one.
func (rs *routes) take(p *proxied, request, name string) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, r := range rs.list {
		if r.to == p && r.request == request && r.place == name && !r.pending {
			return rs.drop(r)
		}
	}
	return false
}

// leave ends what a client that has gone had the server listen for.
func (rs *routes) leave(p *proxied) {
	rs.mu.Lock()
	var gone []*route
	p.gone = true
	for _, r := range rs.list {
		if r.to == p && !r.pending {
			gone = append(gone, r)
		}
	}
	for _, r := range gone {
		rs.drop(r)
	}
	if rs.settled.L != nil {
		rs.settled.Broadcast()
	}
	rs.mu.Unlock()
	for _, r := range gone {
		p.cancel(r)
	}
}

// cancel has the server listen no more.
func (p *proxied) cancel(r *route) {
	for _, kind := range incomingKinds {
		if kind.request == r.request {
			p.up.Request(context.Background(), kind.cancel, false, cancelPayload(r))
		}
	}
}

// cancelPayload is a route as the request that ends it names it: a path has no
// port.
func cancelPayload(r *route) []byte {
	if r.request != incomingKinds[0].request {
		return []byte(r.place[:len(r.place)-4])
	}
	return []byte(r.place)
}

// global serves a client's global requests: where the server is to listen, and
// whether it still lives.
func (p *proxied) global(r *mux.GlobalRequest) {
	if r.Name == "keepalive@openssh.com" {
		_, _, err := p.up.Request(p.ctx, r.Name, true, nil)
		r.Reply(err == nil, nil)
		return
	}
	for _, kind := range incomingKinds {
		switch r.Name {
		case kind.request:
			ok, payload := p.listen(r)
			r.Reply(ok, payload)
		case kind.cancel:
			text, port, ok := place(r.Name, r.Payload)
			if ok && p.m.routes.take(p, kind.request, placeName(text, port)) {
				ok, _, err := p.up.Request(p.ctx, r.Name, true, r.Payload)
				r.Reply(ok && err == nil, nil)
			}
		}
	}
}

// listen asks the server to listen for the client.
func (p *proxied) listen(r *mux.GlobalRequest) (ok bool, payload []byte) {
	text, port, ok := place(r.Name, r.Payload)
	p.m.routes.serve(p.m)
	made := &route{to: p, request: r.Name, place: placeName(text, port), pending: true}
	if !ok || !p.m.routes.add(made) {
		return false, nil
	}
	ok, payload, err := p.up.Request(context.WithoutCancel(p.ctx), r.Name, true, r.Payload)
	if err != nil {
		ok = false
	}
	at := made.place
	if ok && port == 0 && r.Name == incomingKinds[0].request {
		answer := wire.NewReader(payload)
		at = placeName(text, answer.Uint32())
		ok = answer.Err() == nil
	}
	if p.m.routes.settle(made, ok, at) { // the client left meanwhile
		p.m.routes.take(p, made.request, at)
		p.cancel(made)
	}
	return ok, payload
}
