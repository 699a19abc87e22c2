package mux

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

// A Sink takes a channel's data as it comes, from the reader's goroutine and
// without a copy.
type Sink interface {
	// TryWrite takes as much of b as it can without waiting and returns how
	// much that was. It must not keep b.
	TryWrite(b []byte) (int, error)
	// Write takes all of b and may wait. It is called from another goroutine,
	// never together with TryWrite.
	Write(b []byte) (int, error)
}

// ErrStopped says that the peer reads no more of what is written to a channel.
var ErrStopped = errors.New("the peer does not read any more")

// A Channel is one channel. Its methods may be called from any goroutine; data
// of concurrent writers is interleaved packet by packet.
type Channel struct {
	mux           *Mux
	typ           string
	opts          Options
	lane          transport.Lane
	local, remote uint32

	opened   chan error // what became of our opening it; nil when the peer did
	requests worker[*Request]
	askMu    sync.Mutex // keeps pending in the order of what leaves
	done     chan struct{}
	used     atomic.Int64 // when something was carried, by mux.now
	// abandoned: it has ended for this side, though the peer has not closed it
	abandoned atomic.Bool

	mu          sync.Mutex
	ready       bool // the peer has confirmed
	interactive bool // it is for keystrokes
	counted     use  // in mux.bulk or mux.terminals
	label       string
	idle        *time.Timer // watches over an open channel; nil: nobody does
	err         error
	pending     []chan bool

	// outgoing
	maxOut    uint32 // the most data in one packet
	credit    uint32 // the peer's window left
	full      uint32 // the whole of the peer's window where a part of it is spared, else 0
	eased     int    // how often less of it was spared, since nothing was given back
	adjusts   int    // how often the peer gave something back
	seen      int    // adjusts when a writer began to wait
	stall     *time.Timer
	room      sync.Cond
	writers   int // that hold credit and have not sent yet
	sentEOF   bool
	wantClose bool
	sentClose bool
	stopped   bool // the peer sent eow

	// incoming
	window   window
	streams  [2]stream
	readable sync.Cond
	gotEOF   bool
	gotClose bool
}

// A stream is the data of a channel or its extended data.
type stream struct {
	queue    queue
	sink     Sink
	draining bool // a goroutine writes the queue to sink
	closed   bool // nobody will read: discard
}

// The streams of a channel.
const (
	streamData = iota
	streamStderr
)

func newChannel(m *Mux, typ string, opts Options) *Channel {
	ch := &Channel{mux: m, typ: typ, opts: opts, lane: transport.Bulk, done: make(chan struct{})}
	size := bounds.bulk
	if ch.interactive = opts.Interactive; ch.interactive {
		ch.lane = transport.Control
		size = bounds.interactive
	}
	ch.window = newWindow(size, m.conn.Quirks().MaxWindow, m.known())
	ch.streams[streamData].sink = opts.Sink
	ch.room.L, ch.readable.L = &ch.mu, &ch.mu
	return ch
}

// SetInteractive moves the channel's data to the lane of keystrokes. It is for
// who learns what a channel is for after it was opened, and must be called
// before anything is written.
func (ch *Channel) SetInteractive() {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.lane, ch.interactive = transport.Control, true
	if ch.counted != useNone {
		ch.count(ch.use())
	}
}

// confirm takes what the peer said of its side. mu is held.
func (ch *Channel) confirm(peer, credit, maxPacket uint32) {
	ch.ready = true
	ch.remote, ch.credit = peer, credit
	ch.maxOut = min(maxPacket, uint32(bounds.chunk))
	if near := ch.mux.conn.Quirks().NearFlight; near > 0 && credit > near {
		ch.full = credit
	}
	if ch.err == nil { // else the connection has ended meanwhile
		ch.count(ch.use())
		ch.arm()
	}
	ch.room.Broadcast()
}

// established refuses messages on a channel that the peer has not confirmed or
// has closed.
func (ch *Channel) established() error {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.live()
}

func (ch *Channel) live() error {
	if !ch.ready || ch.gotClose {
		return broken("message on channel %d, which is not open", ch.local)
	}
	return nil
}

// Type is the channel's type ("session", "direct-tcpip").
func (ch *Channel) Type() string { return ch.typ }

// Mux is the connection that the channel is part of.
func (ch *Channel) Mux() *Mux { return ch.mux }

// Done is closed when the channel has ended: the peer has closed it and all its
// requests have been handled, or the connection is gone. Data that came before
// may still be there to read.
func (ch *Channel) Done() <-chan struct{} { return ch.done }

// say sends a message on the channel, in its lane, unless we have closed it.
func (ch *Channel) say(b []byte) error {
	ch.mu.Lock()
	if ch.err != nil || ch.wantClose || ch.sentClose {
		defer ch.mu.Unlock()
		return ch.writeError()
	}
	ch.writers++
	ch.mu.Unlock()
	err := ch.mux.conn.SendLane(ch.lane, b)
	ch.wrote()
	return err
}

// writeError is why nothing can be sent any more. mu is held.
func (ch *Channel) writeError() error {
	switch {
	case ch.err != nil:
		return ch.err
	case ch.stopped:
		return ErrStopped
	}
	return io.ErrClosedPipe
}

// wrote ends what a writer began; the last one sends the CLOSE that waits.
func (ch *Channel) wrote() {
	ch.mu.Lock()
	ch.writers--
	last := ch.writers == 0 && ch.wantClose && !ch.sentClose
	if last {
		ch.sentClose = true
	}
	ch.mu.Unlock()
	if last {
		ch.mux.conn.SendLane(ch.lane, ch.message(wire.MsgChannelClose))
		ch.free()
	}
}

func (ch *Channel) message(msg byte) []byte {
	return wire.AppendUint32([]byte{msg}, ch.remote)
}

// CloseWrite says that no more data follows (EOF).
func (ch *Channel) CloseWrite() error {
	ch.mu.Lock()
	if ch.sentEOF || ch.wantClose || ch.err != nil {
		ch.mu.Unlock()
		return nil
	}
	ch.sentEOF = true
	ch.room.Broadcast()
	ch.mu.Unlock()
	return ch.say(ch.message(wire.MsgChannelEOF))
}

// Close ends the channel: what comes is thrown away, nothing more is sent. The
// peer's own close is not waited for; Done tells it.
func (ch *Channel) Close() error {
	ch.mu.Lock()
	for i := range ch.streams {
		ch.streams[i].closed = true
		ch.streams[i].queue.clear()
	}
	ch.room.Broadcast()
	ch.readable.Broadcast()
	if ch.wantClose || ch.err != nil || !ch.ready {
		ch.mu.Unlock()
		return nil
	}
	ch.wantClose = true
	ch.writers++
	ch.mu.Unlock()
	ch.wrote()
	return nil
}

// free gives the channel's number back once both sides have closed it.
func (ch *Channel) free() {
	ch.mu.Lock()
	over := ch.gotClose && ch.sentClose
	if over {
		ch.window.release()
		ch.count(useNone)
		ch.disarm()
	}
	ch.mu.Unlock()
	if over {
		ch.mux.remove(ch)
	}
}

func (ch *Channel) handleEOF(byte, *wire.Reader) error {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if err := ch.live(); err != nil {
		return err
	}
	ch.gotEOF = true
	ch.readable.Broadcast()
	return nil
}

func (ch *Channel) handleClose(byte, *wire.Reader) error {
	ch.mu.Lock()
	if err := ch.live(); err != nil {
		ch.mu.Unlock()
		return err
	}
	ch.gotEOF, ch.gotClose = true, true
	ch.readable.Broadcast()
	ch.room.Broadcast()
	answer := !ch.wantClose && ch.writers == 0
	nudge := ch.sentClose && ch.mux.conn.Quirks().Nudge
	ch.wantClose = true
	ch.sentClose = ch.sentClose || answer
	ch.mu.Unlock()
	var err error
	if answer {
		err = ch.mux.conn.PostLane(ch.lane, ch.message(wire.MsgChannelClose))
	}
	if nudge && err == nil {
		err = ch.mux.conn.PostLane(ch.lane, wire.AppendString([]byte{wire.MsgIgnore}, ""))
	}
	ch.free()
	if !ch.abandoned.Load() {
		ch.requests.add(nil, maxQueuedRequests+1, ch.mux.conn.Go, ch.request) // whatever became of the answer
	}
	return err
}

// abort ends the channel because the connection has ended.
func (ch *Channel) abort(err error) {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	ch.mu.Lock()
	closed := ch.gotClose
	ch.err, ch.gotClose = err, true
	ch.window.release()
	ch.disarm()
	ch.room.Broadcast()
	ch.readable.Broadcast()
	refused := ch.opened != nil && !ch.ready
	ch.ready = true
	ch.mu.Unlock()
	if refused {
		ch.opened <- err
	}
	if !closed && !ch.abandoned.Load() {
		ch.requests.add(nil, maxQueuedRequests+1, ch.mux.conn.Go, ch.request)
	}
}

func (ch *Channel) handleAdjust(_ byte, r *wire.Reader) error {
	n := r.Uint32()
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if r.End() != nil {
		return broken("malformed window adjustment")
	}
	if err := ch.live(); err != nil {
		return err
	}
	if uint64(ch.credit)+uint64(n) > 1<<32-1 {
		return broken("window of channel %d grows beyond 2^32-1 bytes", ch.local)
	}
	ch.credit += n
	ch.adjusts++
	if ch.full > 0 {
		ch.mux.rtt() // sees to it that it is known
	}
	ch.room.Broadcast()
	return nil
}

// stopWriting is the peer's eow: writers are told, the rest goes on.
func (ch *Channel) stopWriting() {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.stopped = true
	ch.room.Broadcast()
}
