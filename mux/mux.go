package mux

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

// Config says what is done with what the peer asks for. Its zero value refuses
// everything.
type Config struct {
	Logger *slog.Logger // nil: silent

	// Open decides about a channel that the peer wants to open: it calls Accept
	// or Reject, once. It runs in a goroutine of its own. nil rejects all.
	Open func(*Incoming)
	// Global answers a global request of the peer. Requests come one at a
	// time, in order, in a goroutine of their own. nil refuses all.
	Global func(*GlobalRequest)

	// MaxChannels caps the channels open at once; 0 is [DefaultMaxChannels].
	MaxChannels int

	// KeepAlive sends a request when nothing came for so long, and gives the
	// connection up after KeepAliveMax of them without an answer. 0: never.
	KeepAlive    time.Duration
	KeepAliveMax int

	// QoS are the classes of service of the packets; nil leaves them alone.
	QoS *QoS

	// Timeouts close idle channels; for each the first that matches counts.
	Timeouts []Timeout
	// Unused ends a connection that had no channel for so long. 0: never.
	Unused time.Duration
}

// A DeadError is the end of a connection whose peer stopped answering. Nothing
// came for at least Silence.
type DeadError struct{ Silence time.Duration }

func (e *DeadError) Error() string {
	return fmt.Sprintf("%v: nothing came for %v", ErrDead, e.Silence)
}

// Is makes every DeadError an [ErrDead].
func (e *DeadError) Is(target error) bool { return target == ErrDead }

// ErrDead is what every [DeadError] is.
var ErrDead = errors.New("the peer has stopped answering")

// A Mux is the connection protocol on one connection. All methods but Run may be
// called from any goroutine.
type Mux struct {
	conn *transport.Conn
	cfg  Config
	log  *slog.Logger

	reader wire.Reader // of the message at hand: a variable would be allocated for each

	noMoreSessions bool // the reader's

	mu        sync.Mutex
	channels  []*Channel    // by local number; nil is free
	open      int           // not nil, or being decided
	idle      chan struct{} // closed when open becomes 0; nil while nobody waits
	abandoned int           // of open: this side is done with them
	ended     error

	bulkMu sync.Mutex   // keeps classes of service in the order of what changes them
	bulk   atomic.Int32 // open channels that are for bulk

	terminals atomic.Int32 // open channels on which somebody types

	born    time.Time
	used    atomic.Int64 // when something was carried on a channel, by now
	allIdle *time.Timer  // of the timeout for all channels; nil: none
	unused  *time.Timer  // runs while no channel is open; nil: never

	globalMu sync.Mutex // keeps replies in the order of requests
	pending  []chan globalReply
	globals  worker[*GlobalRequest]
	queued   atomic.Int64 // bytes of the peer's requests that wait for their handlers

	heard  atomic.Bool // something came since the last tick
	missed int
	timer  *time.Timer
	trip   roundTrip
	done   chan struct{}
}

// New makes the Mux of a connection whose user is authenticated. Run must be
// called next.
func New(conn *transport.Conn, cfg Config) *Mux {
	m := &Mux{conn: conn, cfg: cfg, log: cfg.Logger, done: make(chan struct{})}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if m.cfg.MaxChannels == 0 {
		m.cfg.MaxChannels = DefaultMaxChannels
	}
	m.setClass(true)
	m.watch()
	return m
}

// Conn is the connection below.
func (m *Mux) Conn() *transport.Conn { return m.conn }

// Done is closed when the connection has ended.
func (m *Mux) Done() <-chan struct{} { return m.done }

// Err tells why the connection has ended, nil while it lives.
func (m *Mux) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ended
}

// Run reads from the connection until it ends and returns why: io.EOF when the
// peer just closed it, *transport.DisconnectError when one side said a reason.
// Every channel is ended by then.
func (m *Mux) Run() error {
	m.startKeepAlive()
	for {
		p, err := m.conn.Next()
		if err == nil {
			m.heard.Store(true)
			err = m.handle(p)
		}
		if err != nil {
			return m.end(err)
		}
	}
}

// handlers are the messages of RFC 4254 by number: those of the connection, and
// those whose first field is our number of a channel.
var handlers = [...]struct {
	conn    func(*Mux, []byte) error
	channel func(*Channel, byte, *wire.Reader) error
}{
	wire.MsgGlobalRequest:       {conn: (*Mux).handleGlobal},
	wire.MsgRequestSuccess:      {conn: (*Mux).handleGlobalReply},
	wire.MsgRequestFailure:      {conn: (*Mux).handleGlobalReply},
	wire.MsgChannelOpen:         {conn: (*Mux).handleOpen},
	wire.MsgChannelOpenConfirm:  {channel: (*Channel).handleConfirm},
	wire.MsgChannelOpenFailure:  {channel: (*Channel).handleOpenFailure},
	wire.MsgChannelWindowAdjust: {channel: (*Channel).handleAdjust},
	wire.MsgChannelData:         {channel: (*Channel).handleData},
	wire.MsgChannelExtendedData: {channel: (*Channel).handleExtended},
	wire.MsgChannelEOF:          {channel: (*Channel).handleEOF},
	wire.MsgChannelClose:        {channel: (*Channel).handleClose},
	wire.MsgChannelRequest:      {channel: (*Channel).handleRequest},
	wire.MsgChannelSuccess:      {channel: (*Channel).handleReply},
	wire.MsgChannelFailure:      {channel: (*Channel).handleReply},
}

func (m *Mux) handle(p []byte) error {
	msg := p[0]
	switch {
	case msg >= wire.MsgUserauthRequest && msg < wire.MsgGlobalRequest:
		return nil // authentication is over: ignored (RFC 4252, section 5.3)
	case int(msg) >= len(handlers):
		return m.conn.Unimplemented()
	case handlers[msg].conn != nil:
		return handlers[msg].conn(m, p)
	case handlers[msg].channel == nil:
		return m.conn.Unimplemented()
	}
	m.reader = wire.NewReader(p[1:])
	n := m.reader.Uint32()
	if m.reader.Err() != nil {
		return broken("malformed channel message %d", msg)
	}
	ch := m.find(n)
	if ch == nil {
		return broken("message %d for channel %d, which does not exist", msg, n)
	}
	return handlers[msg].channel(ch, msg, &m.reader)
}

func (m *Mux) find(n uint32) *Channel {
	m.mu.Lock()
	defer m.mu.Unlock()
	if uint64(n) >= uint64(len(m.channels)) {
		return nil
	}
	return m.channels[n]
}

// end ends everything because of err and returns what callers are to see.
func (m *Mux) end(err error) error {
	var gone *transport.DisconnectError
	if errors.As(err, &gone) && !gone.Remote {
		m.conn.DisconnectNow(gone)
	} else {
		m.conn.Close()
	}
	m.mu.Lock()
	if m.ended != nil {
		err = m.ended
	}
	m.ended = err
	channels := m.channels
	m.channels = nil
	if m.timer != nil {
		m.timer.Stop()
	}
	m.unwatch()
	m.mu.Unlock()
	for _, ch := range channels {
		if ch != nil {
			ch.abort(err)
		}
	}
	m.globalMu.Lock()
	for _, reply := range m.pending {
		if reply != nil { // else it was to measure the round trip
			close(reply)
		}
	}
	m.pending = nil
	m.globalMu.Unlock()
	close(m.done)
	return err
}

// Close ends the connection after telling the peer that it was on purpose.
func (m *Mux) Close() error {
	m.mu.Lock()
	if m.ended == nil {
		m.ended = transport.ErrClosed
	}
	m.mu.Unlock()
	return m.conn.Disconnect(wire.DisconnectByApplication, "disconnected by user")
}

// broken is a breach of the protocol by the peer.
func broken(format string, args ...any) error {
	return &transport.DisconnectError{Reason: wire.DisconnectProtocolError, Text: fmt.Sprintf(format, args...)}
}

// goneError is what a caller sees of a connection that has ended.
func (m *Mux) goneError() error {
	if err := m.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return io.ErrUnexpectedEOF
}

// startKeepAlive watches over a silent peer.
func (m *Mux) startKeepAlive() {
	if m.cfg.KeepAlive <= 0 || m.conn.Quirks().OnlyListens {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.timer = time.AfterFunc(m.cfg.KeepAlive, m.tick)
}

func (m *Mux) tick() {
	if m.heard.Swap(false) {
		m.missed = 0
	} else if m.missed++; m.missed > max(m.cfg.KeepAliveMax, 1) {
		m.mu.Lock()
		if m.ended == nil {
			m.ended = &DeadError{time.Duration(m.missed) * m.cfg.KeepAlive}
		}
		m.mu.Unlock()
		m.conn.Close()
		return
	} else {
		m.conn.Go(func() { m.Request(context.Background(), "keepalive@openssh.com", true, nil) })
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended == nil {
		m.timer.Reset(m.cfg.KeepAlive)
	}
}
