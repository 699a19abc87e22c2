package mux

import "context"

// An Info is what a list for people shows of a channel.
type Info struct {
	ID, Peer  uint32 // the number here and the peer's; Peer counts once Confirmed
	Confirmed bool
	Type      string // as in RFC 4254: "session", "direct-tcpip"
	Name      string // Options.Name, or the type
	Waiting   int    // bytes that have come and were not taken yet
	GotEOF    bool   // nothing more comes
	SentEOF   bool   // nothing more goes
}

// Channels lists the channels that are open or being opened, by number.
func (m *Mux) Channels() []Info {
	m.mu.Lock()
	all := append([]*Channel(nil), m.channels...)
	m.mu.Unlock()
	list := make([]Info, 0, len(all))
	for _, ch := range all {
		if ch != nil {
			list = append(list, ch.Info())
		}
	}
	return list
}

// Info describes the channel as it is now.
func (ch *Channel) Info() Info {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	name := ch.opts.Name
	if name == "" {
		name = ch.typ
	}
	return Info{
		ID: ch.local, Peer: ch.remote, Confirmed: ch.ready, Type: ch.typ, Name: name,
		Waiting: ch.streams[streamData].queue.size + ch.streams[streamStderr].queue.size,
		GotEOF:  ch.gotEOF, SentEOF: ch.sentEOF || ch.wantClose,
	}
}

// oneLess counts a channel out. mu is held.
func (m *Mux) oneLess() {
	m.open--
	m.rest()
}

// AwaitIdle waits until no channel is open or being opened. It returns ctx's
// error, and nil when the connection ends.
func (m *Mux) AwaitIdle(ctx context.Context) error {
	m.mu.Lock()
	if m.quiet() || m.ended != nil {
		m.mu.Unlock()
		return nil
	}
	if m.idle == nil {
		m.idle = make(chan struct{})
	}
	idle := m.idle
	m.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-m.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
