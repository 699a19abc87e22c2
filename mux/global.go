package mux

import (
	"bytes"
	"context"
	"errors"

	"github.com/nacre-ssh/nacre/wire"
)

// A GlobalRequest is one the peer made (RFC 4254, section 4).
type GlobalRequest struct {
	Name      string
	Payload   []byte // what follows the want-reply flag; the handler's own
	WantReply bool
	mux       *Mux
	replied   bool
	size      int64 // counted in mux.queued
}

// Reply answers the request, with a payload that only some requests have. It
// does nothing when no answer is wanted or one was given.
func (r *GlobalRequest) Reply(ok bool, payload []byte) error {
	if !r.WantReply || r.replied {
		return nil
	}
	r.replied = true
	if !ok {
		return r.mux.conn.Send([]byte{wire.MsgRequestFailure})
	}
	return r.mux.conn.Send(append([]byte{wire.MsgRequestSuccess}, payload...))
}

type globalReply struct {
	ok      bool
	payload []byte
}

// keepAliveRequest is a request that every peer answers, most with a failure.
var keepAliveRequest = wire.AppendBool(wire.AppendString([]byte{wire.MsgGlobalRequest}, "keepalive@openssh.com"), true)

// noMoreSessions promises that the client opens no more (PROTOCOL,
// section 2.2).
const noMoreSessions = "no-more-sessions@openssh.com"

func (m *Mux) handleGlobal(p []byte) error {
	r := wire.NewReader(p[1:])
	name, wantReply := r.String(), r.Bool()
	if r.Err() != nil {
		return broken("malformed global request")
	}
	if name == noMoreSessions {
		m.noMoreSessions = true // here and not in the handler: the order on the wire counts
	}
	req := &GlobalRequest{Name: name, WantReply: wantReply, Payload: bytes.Clone(r.Rest()), mux: m, size: int64(requestCost + len(p))}
	if m.queued.Add(req.size) > maxQueuedBytes || !m.globals.add(req, maxQueuedRequests, m.conn.Go, m.global) {
		return broken("too many global requests at once")
	}
	return nil
}

func (m *Mux) global(r *GlobalRequest) {
	if m.cfg.Global != nil {
		m.cfg.Global(r)
	}
	r.Reply(false, nil)
	m.queued.Add(-r.size)
}

// handleGlobalReply gives a reply to the oldest request of ours. A reply that
// nobody waits for is ignored.
func (m *Mux) handleGlobalReply(p []byte) error {
	m.globalMu.Lock()
	if len(m.pending) == 0 {
		m.globalMu.Unlock()
		return nil
	}
	reply := m.pending[0]
	m.pending = m.pending[1:]
	m.globalMu.Unlock()
	if reply == nil {
		m.measured()
		return nil
	}
	reply <- globalReply{p[0] == wire.MsgRequestSuccess, bytes.Clone(p[1:])}
	return nil
}

// Request makes a global request. With wantReply it waits for the answer, which
// may have a payload; the caller owns it.
func (m *Mux) Request(ctx context.Context, name string, wantReply bool, payload []byte) (bool, []byte, error) {
	if err := m.takes(name); err != nil {
		return false, nil, err
	}
	if !wantReply {
		return true, nil, m.conn.Send(globalMessage(name, false, payload))
	}
	wait, err := m.Ask(name, payload)
	if err != nil {
		return false, nil, err
	}
	return wait(ctx)
}

func globalMessage(name string, wantReply bool, payload []byte) []byte {
	b := wire.AppendString([]byte{wire.MsgGlobalRequest}, name)
	return append(wire.AppendBool(b, wantReply), payload...)
}

// Ask makes a global request and returns without waiting; the function that it
// returns waits for the answer. Requests made one after the other leave
// together and are answered in order.
func (m *Mux) Ask(name string, payload []byte) (func(context.Context) (bool, []byte, error), error) {
	if m.conn.Quirks().OnlyListens {
		return m.tell(name, payload)
	}
	reply := make(chan globalReply, 1) // the reader never waits
	m.globalMu.Lock()
	if len(m.pending) >= maxPendingReplies || m.Err() != nil {
		m.globalMu.Unlock()
		return nil, errors.Join(errors.New("too many requests wait for their answer"), m.Err())
	}
	err := m.conn.Post(globalMessage(name, true, payload)) // never waits: the reader needs globalMu, too
	if err == nil {
		m.pending = append(m.pending, reply)
	}
	m.globalMu.Unlock()
	if err != nil {
		return nil, err
	}
	m.conn.Flush()
	return func(ctx context.Context) (bool, []byte, error) {
		select {
		case r, ok := <-reply:
			if !ok {
				return false, nil, m.goneError()
			}
			return r.ok, r.payload, nil
		case <-ctx.Done():
			return false, nil, ctx.Err()
		case <-m.done:
			return false, nil, m.goneError()
		}
	}, nil
}

// listenRequest is the one request that every peer takes.
const listenRequest = "tcpip-forward"

// takes refuses requests that would end the connection.
func (m *Mux) takes(name string) error {
	if m.conn.Quirks().OnlyListens && name != listenRequest {
		return errors.New("the process that shares its connection takes no " + name + " requests")
	}
	return nil
}

// tell makes a request of a peer that passes no answers on, and takes it for
// granted.
func (m *Mux) tell(name string, payload []byte) (func(context.Context) (bool, []byte, error), error) {
	if err := m.takes(name); err != nil {
		return nil, err
	}
	err := m.conn.Send(globalMessage(name, false, payload))
	return func(context.Context) (bool, []byte, error) { return true, nil, nil }, err
}
