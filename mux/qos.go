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

// bulky says whether a channel makes a connection one for bulk: all do but
// terminals, and agents, whose messages are few and small. mu is held.
func (ch *Channel) bulky() bool {
	return !ch.interactive && ch.typ != "auth-agent@openssh.com"
}

// count notes that a channel is open now. Its mu is held.
func (ch *Channel) count() {
	if ch.bulky() && !ch.counted {
		ch.counted = true
		ch.mux.countBulk(1)
	}
}

// uncount notes that a channel is over, or turned out to be a terminal. Its mu is
// held.
func (ch *Channel) uncount() {
	if ch.counted {
		ch.counted = false
		ch.mux.countBulk(-1)
	}
}

// countBulk changes the class of service with what is open.
func (m *Mux) countBulk(n int) {
	m.bulkMu.Lock()
	defer m.bulkMu.Unlock()
	was := m.bulk.Load()
	now := m.bulk.Add(int32(n))
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
