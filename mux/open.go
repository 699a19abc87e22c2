package mux

import (
	"bytes"
	"context"
	"fmt"

	"github.com/nacre-ssh/nacre/wire"
)

// Options are what the opener or accepter of a channel says about it.
type Options struct {
	// Requests answers the peer's requests on the channel, one at a time, in
	// order, in a goroutine of its own. nil refuses all.
	Requests func(*Request)
	// Interactive channels are for keystrokes: their data goes before bulk.
	Interactive bool
	// Sink takes the data from the first byte on, as [Channel.SetSink] does; nil:
	// data waits until it is read.
	Sink Sink
	// Name is what a list for people calls the channel; "": its type.
	Name string
}

// An OpenError is the peer's refusal to open a channel.
type OpenError struct {
	Reason  uint32 // RFC 4254, section 5.1
	Text    string // the peer's words; escape before printing
	Channel uint32 // the number that it would have had here
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("the peer refused to open the channel: %q (reason %d)", e.Text, e.Reason)
}

// An Incoming is a channel that the peer wants to open. Accept or Reject must be
// called, once.
type Incoming struct {
	Type  string
	Extra []byte // what follows the common fields; the handler's own
	// NoMoreSessions says that the peer has promised before, on the wire, to
	// open no more sessions (PROTOCOL, section 2.2).
	NoMoreSessions bool

	mux       *Mux
	peer      uint32
	credit    uint32
	maxPacket uint32
	decided   bool
}

func (m *Mux) handleOpen(p []byte) error {
	r := wire.NewReader(p[1:])
	in := &Incoming{mux: m, Type: r.String(), peer: r.Uint32(), credit: r.Uint32(), maxPacket: r.Uint32()}
	if r.Err() != nil {
		return broken("malformed channel open")
	}
	in.Extra, in.NoMoreSessions = bytes.Clone(r.Rest()), m.noMoreSessions
	m.mu.Lock()
	full := m.open >= m.cfg.MaxChannels
	if !full {
		m.oneMore()
	}
	m.mu.Unlock()
	switch {
	case full:
		return m.conn.Post(rejection(in.peer, wire.OpenResourceShortage, "too many channels are open"))
	case m.cfg.Open == nil || in.maxPacket == 0 || len(p) > maxOpen:
		m.leave()
		return m.conn.Post(rejection(in.peer, wire.OpenProhibited, "channels are not accepted here"))
	}
	m.settle()
	m.conn.Go(func() {
		m.cfg.Open(in)
		in.Reject(wire.OpenUnknownType, "unknown channel type")
	})
	return nil
}

func rejection(peer, reason uint32, text string) []byte {
	b := wire.AppendUint32([]byte{wire.MsgChannelOpenFailure}, peer)
	b = wire.AppendUint32(b, reason)
	b = wire.AppendString(b, text)
	return wire.AppendString(b, "")
}

// Accept opens the channel. extra is what the confirmation carries beyond the
// common fields, mostly nothing.
func (in *Incoming) Accept(extra []byte, opts Options) (*Channel, error) {
	if in.decided {
		panic("mux: a channel was accepted or rejected twice")
	}
	in.decided = true
	ch := newChannel(in.mux, in.Type, opts)
	window := ch.window.left // a peer that guesses the number may use it up at once
	if err := in.mux.add(ch); err != nil {
		return nil, err
	}
	ch.mu.Lock()
	ch.confirm(in.peer, in.credit, in.maxPacket)
	ch.mu.Unlock()
	b := wire.AppendUint32([]byte{wire.MsgChannelOpenConfirm}, in.peer)
	b = wire.AppendUint32(b, ch.local)
	b = wire.AppendUint32(b, window)
	b = wire.AppendUint32(b, in.mux.maxPacket())
	// Where the connection ends meanwhile, the channel ends with it: the
	// confirmation may have left all the same, and requests have come.
	in.mux.conn.Send(append(b, extra...))
	return ch, nil
}

// Reject refuses the channel; after Accept or Reject it does nothing.
func (in *Incoming) Reject(reason uint32, text string) error {
	if in.decided {
		return nil
	}
	in.decided = true
	// Its place is free only when the answer is on its way: a peer that doesn't
	// read would have us keep any number of answers otherwise.
	defer in.mux.leave()
	return in.mux.conn.Send(rejection(in.peer, reason, text))
}

func (m *Mux) maxPacket() uint32 { return m.conn.Quirks().MaxPacket }

// add gives a channel its number. Its place in the count of open channels is
// taken already.
func (m *Mux) add(ch *Channel) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended != nil {
		m.oneLess()
		return m.ended
	}
	for i, other := range m.channels {
		if other == nil {
			m.channels[i] = ch
			ch.local = uint32(i)
			return nil
		}
	}
	ch.local = uint32(len(m.channels))
	m.channels = append(m.channels, ch)
	return nil
}

// leave gives a place in the count of open channels back.
func (m *Mux) leave() {
	m.mu.Lock()
	m.oneLess()
	m.mu.Unlock()
}

func (m *Mux) remove(ch *Channel) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if int(ch.local) < len(m.channels) && m.channels[ch.local] == ch {
		m.channels[ch.local] = nil
		if ch.abandoned.Load() {
			m.abandoned--
		}
		m.oneLess()
	}
}

// OpenChannel opens a channel of the given type. extra is what the message
// carries beyond the common fields. A refusal is an *OpenError.
func (m *Mux) OpenChannel(ctx context.Context, typ string, extra []byte, opts Options) (*Channel, error) {
	m.mu.Lock()
	if m.open >= m.cfg.MaxChannels {
		m.mu.Unlock()
		return nil, fmt.Errorf("%d channels are open already, which is the limit", m.cfg.MaxChannels)
	}
	m.oneMore()
	m.mu.Unlock()
	ch := newChannel(m, typ, opts)
	ch.opened = make(chan error, 1)
	if err := m.add(ch); err != nil {
		return nil, err
	}
	m.settle()
	b := wire.AppendString([]byte{wire.MsgChannelOpen}, typ)
	b = wire.AppendUint32(b, ch.local)
	b = wire.AppendUint32(b, ch.window.left)
	b = wire.AppendUint32(b, m.maxPacket())
	if err := m.conn.Send(append(b, extra...)); err != nil {
		m.remove(ch)
		return nil, err
	}
	select {
	case err := <-ch.opened:
		if err != nil {
			return nil, err
		}
		return ch, nil
	case <-ctx.Done():
		go func() { // its number is free only when the peer has answered
			if <-ch.opened == nil {
				ch.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

func (ch *Channel) handleConfirm(_ byte, r *wire.Reader) error {
	peer, credit, maxPacket := r.Uint32(), r.Uint32(), r.Uint32()
	if r.Err() != nil || maxPacket == 0 {
		return broken("malformed channel confirmation")
	}
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.opened == nil || ch.ready {
		return broken("confirmation of channel %d, which was not asked for", ch.local)
	}
	ch.confirm(peer, credit, maxPacket)
	ch.mux.settle()
	ch.opened <- nil
	return nil
}

func (ch *Channel) handleOpenFailure(_ byte, r *wire.Reader) error {
	e := &OpenError{Reason: r.Uint32(), Text: r.String(), Channel: ch.local}
	if r.Err() != nil {
		return broken("malformed channel refusal")
	}
	if len(e.Text) > 1024 {
		e.Text = e.Text[:1024]
	}
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.opened == nil || ch.ready {
		return broken("refusal of channel %d, which was not asked for", ch.local)
	}
	ch.ready = true
	ch.mux.remove(ch)
	ch.opened <- e
	return nil
}
