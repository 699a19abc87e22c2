package mux

import (
	"sync/atomic"
	"time"
)

// A roundTrip is what is known of the way to the peer and back. It is measured
// inside SSH and never taken from TCP, which sees only the first hop; the
// smallest value counts, since the others include what waited in queues.
type roundTrip struct {
	asked  atomic.Int64 // when the request that is out left, UnixNano; 0: none is out
	last   atomic.Int64 // when the last one left, UnixNano
	rounds atomic.Int32
}

// rtt is the round trip to the peer, 0 when it is not known yet. While what is
// known is a long one, it is measured again from time to time: what was measured
// when the peer was busy is not to stay.
func (m *Mux) rtt() time.Duration {
	d := m.conn.RTT()
	if d == 0 || d > nearPath && time.Now().UnixNano()-m.trip.last.Load() > int64(measureEvery) {
		m.measure()
	}
	return d
}

// path is what is known of the path, which may begin to be measured.
func (m *Mux) path() path {
	m.rtt()
	return m.known()
}

// known is path without measuring.
func (m *Mux) known() path { return path{m.conn.RTT(), m.terminals.Load() > 0} }

// near reports whether the peer is known to be nearby.
func (m *Mux) near() bool { return m.known().short() }

// measure begins to measure the round trip unless that is under way. It doesn't
// wait: what it sends leaves with the next packet.
func (m *Mux) measure() {
	if m.conn.Quirks().OnlyListens {
		return
	}
	now := time.Now().UnixNano()
	if m.conn.CanPing() {
		m.trip.last.Store(now)
		m.conn.PostPing()
		return
	}
	if !m.trip.asked.CompareAndSwap(0, now) {
		return
	}
	m.trip.last.Store(now)
	m.globalMu.Lock()
	defer m.globalMu.Unlock()
	if m.conn.Post(keepAliveRequest) == nil {
		m.pending = append(m.pending, nil)
	}
}

// measured is the answer to a request of measure.
func (m *Mux) measured() {
	if sent := m.trip.asked.Swap(0); sent != 0 {
		m.conn.Measured(time.Duration(time.Now().UnixNano() - sent))
	}
}

// settle measures while channels are opened and told what they are for: before
// data flows, when nothing waits in queues. The first answer may have waited
// until a process for the user was there, so slow ones are not taken for good.
// Of peers that are not known to answer, nothing is asked before there is a need.
func (m *Mux) settle() {
	if m.near() || m.trip.rounds.Load() >= settleRounds || !m.conn.CanPing() && m.conn.Quirks().NearFlight == 0 {
		return
	}
	m.trip.rounds.Add(1)
	m.measure()
}
