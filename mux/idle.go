package mux

import (
	"errors"
	"fmt"
	"time"

	"github.com/nacre-ssh/nacre/internal/netx"
	"github.com/nacre-ssh/nacre/internal/pattern"
)

// A Timeout closes channels on which nothing was carried for a time.
type Timeout struct {
	// Type is a pattern of the types of channels as ssh_config(5) has them
	// under ChannelTimeout, or "global": then it closes all channels when
	// nothing was carried on any.
	Type  string
	After time.Duration // 0: never
}

// allChannels is the type of a timeout for all of them together.
const allChannels = "global"

// ErrUnused is the end of a connection without channels.
var ErrUnused = errors.New("no channel was open for too long")

// timeoutNames are the types that OpenSSH calls otherwise than RFC 4254 does.
var timeoutNames = [...]struct{ typ, name string }{
	{"auth-agent@openssh.com", "agent-connection"},
	{"x11", "x11-connection"},
	{"tun@openssh.com", "tun-connection"},
}

// names are what a timeout's pattern may match: "session:shell" and the like
// where it is known what a session is for, and the type. mu is held.
func (ch *Channel) names() []string {
	typ := ch.typ
	for _, row := range timeoutNames {
		if row.typ == typ {
			typ = row.name
		}
	}
	if ch.label != "" {
		return []string{ch.label, typ}
	}
	return []string{typ}
}

// timeout is how long a channel may be idle: what the first pattern says that
// matches; 0 for ever. mu is held.
func (ch *Channel) timeout() time.Duration {
	for _, t := range ch.mux.cfg.Timeouts {
		for _, name := range ch.names() {
			if t.Type != allChannels && pattern.Match(name, t.Type) {
				return t.After
			}
		}
	}
	return 0
}

// SetLabel says what a session is for, in the words of OpenSSH:
// "session:shell", "session:command", "session:subsystem:sftp". Timeouts may be
// for one of them.
func (ch *Channel) SetLabel(label string) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.label = label
	if ch.ready && ch.err == nil && !ch.gotClose {
		ch.arm()
	}
}

// arm begins to watch over an open channel. mu is held.
func (ch *Channel) arm() {
	if len(ch.mux.cfg.Timeouts) == 0 {
		return
	}
	ch.disarm()
	ch.touch()
	if after := ch.timeout(); after > 0 {
		ch.idle = time.AfterFunc(after, func() { ch.tick(after) })
	}
}

// disarm ends that. mu is held.
func (ch *Channel) disarm() {
	if ch.idle != nil {
		ch.idle.Stop()
		ch.idle = nil
	}
}

// touch notes that something was carried. mu is held.
func (ch *Channel) touch() {
	if ch.interactive {
		netx.Typed()
	}
	if len(ch.mux.cfg.Timeouts) == 0 {
		return
	}
	now := ch.mux.now()
	ch.used.Store(now)
	ch.mux.used.Store(now)
}

// now is a moment on a clock that never goes back, in nanoseconds.
func (m *Mux) now() int64 { return int64(time.Since(m.born)) }

// Idle is for how long nothing was carried on any channel of a connection that
// Run has begun to read. It is known only where [Config.Timeouts] has one.
func (m *Mux) Idle() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Duration(m.now() - m.used.Load())
}

// tick closes the channel if it was idle, or waits for the rest of the time.
func (ch *Channel) tick(after time.Duration) {
	ch.mu.Lock()
	if ch.idle == nil { // it is over
		ch.mu.Unlock()
		return
	}
	if left := after - time.Duration(ch.mux.now()-ch.used.Load()); left > 0 {
		ch.idle.Reset(left)
		ch.mu.Unlock()
		return
	}
	ch.idle = nil
	ch.mu.Unlock()
	ch.expire(after)
}

func (ch *Channel) expire(after time.Duration) {
	ch.mux.log.Info(fmt.Sprintf("channel %d: closing after %d seconds of inactivity", ch.local, after/time.Second))
	ch.Close()
	ch.abandon()
}

// abandon ends a closed channel for this side without the peer's answer, which a
// peer may owe for as long as a program of its own runs. The channel's number
// stays taken until then, and it counts for MaxChannels.
func (ch *Channel) abandon() {
	ch.mu.Lock()
	if ch.gotClose || ch.err != nil || ch.abandoned.Swap(true) {
		ch.mu.Unlock()
		return
	}
	ch.count(useNone)
	ch.mu.Unlock()
	ch.mux.mu.Lock()
	ch.mux.abandoned++
	ch.mux.rest()
	ch.mux.mu.Unlock()
	ch.requests.add(nil, maxQueuedRequests+1, ch.mux.conn.Go, ch.request)
}

// watch begins to watch over the connection as a whole.
func (m *Mux) watch() {
	m.born = time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.cfg.Timeouts {
		if t.Type == allChannels && t.After > 0 {
			m.allIdle = time.AfterFunc(t.After, func() { m.tickAll(t.After) })
			break
		}
	}
	if m.cfg.Unused > 0 {
		m.unused = time.AfterFunc(m.cfg.Unused, m.unusedTick)
	}
}

// tickAll closes all channels if none was used.
func (m *Mux) tickAll(after time.Duration) {
	left := after - time.Duration(m.now()-m.used.Load())
	m.mu.Lock()
	if m.ended != nil {
		m.mu.Unlock()
		return
	}
	channels := append([]*Channel(nil), m.channels...)
	m.allIdle.Reset(max(left, 0))
	if left <= 0 {
		m.allIdle.Reset(after)
	}
	m.mu.Unlock()
	if left > 0 {
		return
	}
	for _, ch := range channels {
		if ch != nil && ch.isOpen() {
			ch.expire(after)
		}
	}
}

func (ch *Channel) isOpen() bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.ready && !ch.wantClose && ch.err == nil
}

// oneMore counts a channel in. mu is held.
func (m *Mux) oneMore() {
	m.open++
	if m.unused != nil {
		m.unused.Stop()
	}
}

// quiet says that no channel is open, nor being opened. mu is held.
func (m *Mux) quiet() bool { return m.open <= m.abandoned }

// rest tells those who wait for it that no channel is open. mu is held.
func (m *Mux) rest() {
	if !m.quiet() {
		return
	}
	if m.unused != nil && m.ended == nil {
		m.unused.Reset(m.cfg.Unused)
	}
	if m.idle != nil {
		close(m.idle)
		m.idle = nil
	}
}

// unusedTick ends a connection on which no channel is open.
func (m *Mux) unusedTick() {
	m.mu.Lock()
	unused := m.quiet() && m.ended == nil
	if unused {
		m.ended = ErrUnused
	}
	m.mu.Unlock()
	if unused {
		m.conn.Close()
	}
}

// unwatch ends all watching. mu is held.
func (m *Mux) unwatch() {
	for _, t := range []*time.Timer{m.allIdle, m.unused} {
		if t != nil {
			t.Stop()
		}
	}
}
