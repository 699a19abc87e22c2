package mux

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/nacre-ssh/nacre/wire"
)

// A Request is one that the peer made on a channel (RFC 4254, section 5.4).
type Request struct {
	Name      string
	Payload   []byte // what follows the want-reply flag; the handler's own
	WantReply bool
	ch        *Channel
	replied   bool
	size      int64 // counted in mux.queued
}

// Reply answers the request. It does nothing when no answer is wanted or one was
// given.
func (r *Request) Reply(ok bool) error {
	if !r.WantReply || r.replied {
		return nil
	}
	r.replied = true
	msg := byte(wire.MsgChannelFailure)
	if ok {
		msg = wire.MsgChannelSuccess
	}
	return r.ch.say(wire.AppendUint32([]byte{msg}, r.ch.remote))
}

// Detach takes the answer out of the hands of the handler, which may return
// before it is known: whoever has the function that it returns calls it, once,
// and in the order of the requests.
func (r *Request) Detach() (answer func(ok bool) error) {
	later := *r
	r.replied = true
	return later.Reply
}

func (ch *Channel) handleRequest(_ byte, r *wire.Reader) error {
	name, wantReply := r.String(), r.Bool()
	if r.Err() != nil {
		return broken("malformed channel request")
	}
	if err := ch.established(); err != nil {
		return err
	}
	if name == eow {
		ch.stopWriting()
		return nil
	}
	ch.mux.settle()
	req := &Request{Name: name, WantReply: wantReply, Payload: bytes.Clone(r.Rest()), ch: ch}
	req.size = int64(requestCost + len(name) + len(req.Payload))
	if ch.mux.queued.Add(req.size) > maxQueuedBytes || !ch.requests.add(req, maxQueuedRequests, ch.mux.conn.Go, ch.request) {
		return broken("too many requests on channel %d at once", ch.local)
	}
	return nil
}

// eow says that the peer will read no more (PROTOCOL, section 2.1).
const eow = "eow@openssh.com"

// request handles one request, or the channel's end, which comes as nil behind
// the last of them.
func (ch *Channel) request(r *Request) {
	if r == nil {
		close(ch.done)
		return
	}
	if ch.opts.Requests != nil {
		ch.opts.Requests(r)
	}
	r.Reply(false)
	ch.mux.queued.Add(-r.size)
}

func (ch *Channel) handleReply(msg byte, _ *wire.Reader) error {
	ch.mu.Lock()
	if len(ch.pending) == 0 {
		ch.mu.Unlock()
		return nil // nobody asked: ignored
	}
	reply := ch.pending[0]
	ch.pending = ch.pending[1:]
	ch.mux.settle()
	ch.mu.Unlock()
	reply <- msg == wire.MsgChannelSuccess
	return nil
}

// Request makes a request on the channel. With wantReply it waits for the answer
// and returns it.
func (ch *Channel) Request(ctx context.Context, name string, wantReply bool, payload []byte) (bool, error) {
	wait, err := ch.Ask(name, wantReply, payload)
	if err != nil {
		return false, err
	}
	return wait(ctx)
}

// Ask makes a request and returns without waiting; the function that it returns
// waits for the answer. Requests made one after the other leave together.
func (ch *Channel) Ask(name string, wantReply bool, payload []byte) (func(context.Context) (bool, error), error) {
	b := wire.AppendUint32([]byte{wire.MsgChannelRequest}, ch.remote)
	b = wire.AppendString(b, name)
	b = append(wire.AppendBool(b, wantReply), payload...)
	if !wantReply {
		return func(context.Context) (bool, error) { return true, nil }, ch.say(b)
	}
	reply := make(chan bool, 1) // the reader never waits
	ch.askMu.Lock()
	defer ch.askMu.Unlock()
	ch.mu.Lock()
	if len(ch.pending) >= maxPendingReplies {
		ch.mu.Unlock()
		return nil, errors.New("too many requests wait for their answer")
	}
	ch.pending = append(ch.pending, reply)
	ch.mu.Unlock()
	if err := ch.say(b); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (bool, error) {
		select {
		case ok := <-reply:
			return ok, nil
		case <-ctx.Done():
			return false, ctx.Err()
		case <-ch.done:
			select {
			case ok := <-reply: // it came right before the end
				return ok, nil
			default:
			}
			return false, ch.endError()
		}
	}, nil
}

// endError is what a caller sees of a channel that has ended.
func (ch *Channel) endError() error {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.err != nil {
		return ch.err
	}
	return io.EOF
}
