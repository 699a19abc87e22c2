package mux

import (
	"context"
	"log/slog"
)

// levelDebug2 is ssh's debug2.
const levelDebug2 = slog.LevelDebug - 4

// A QoS are the classes of service of a connection's packets, as the byte of the
// IP header; a negative one leaves the packets as they are.
type QoS struct {
	// Interactive is for a connection on which nothing but terminals is open,
	// and Bulk for all others.
	Interactive, Bulk int
}

// A use is what an open channel makes of its connection.
type use uint8

const (
	useNone     use = iota // not open, or an agent's, whose messages are few and small
	useBulk                // one for bulk
	useTerminal            // one on which somebody types
)

// use is what a channel is for. mu is held.
func (ch *Channel) use() use {
	switch {
	case ch.interactive:
		return useTerminal
	case ch.typ == "auth-agent@openssh.com":
		return useNone
	}
	return useBulk
}

// count notes what a channel is counted as from now on. Its mu is held.
func (ch *Channel) count(as use) {
	was := ch.counted
	ch.counted = as
	if was == as {
		return
	}
	ch.mux.count(was, -1)
	ch.mux.count(as, 1)
}

func (m *Mux) count(u use, n int32) {
	switch u {
	case useBulk:
		m.countBulk(n)
	case useTerminal:
		m.terminals.Add(n)
	}
}

// countBulk changes the class of service with what is open.
func (m *Mux) countBulk(n int32) {
	m.bulkMu.Lock()
	defer m.bulkMu.Unlock()
	was := m.bulk.Load()
	now := m.bulk.Add(n)
	if (was == 0) != (now == 0) {
		m.setClass(now == 0)
	}
}

// Interactive says whether nothing but terminals and agents is open.
func (m *Mux) Interactive() bool { return m.bulk.Load() == 0 }

// setClass gives the packets the class for what is open. bulkMu is held, or
// nobody else is there yet.
func (m *Mux) setClass(interactive bool) {
	q := m.cfg.QoS
	if q == nil {
		return
	}
	class, kind := q.Bulk, "non-interactive"
	if interactive {
		class, kind = q.Interactive, "interactive"
	}
	m.log.Log(context.Background(), levelDebug2, "session QoS is now "+kind)
	if class < 0 {
		return
	}
	if err := m.conn.SetQoS(class); err != nil {
		m.log.Debug(err.Error())
	}
}
