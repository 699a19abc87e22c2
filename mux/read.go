package mux

import (
	"io"
	"sync"

	"github.com/nacre-ssh/nacre/internal/netx"
	"github.com/nacre-ssh/nacre/wire"
)

func (ch *Channel) handleData(_ byte, r *wire.Reader) error {
	b := r.Bytes()
	if r.End() != nil {
		return broken("malformed channel data")
	}
	return ch.receive(streamData, b)
}

func (ch *Channel) handleExtended(_ byte, r *wire.Reader) error {
	code, b := r.Uint32(), r.Bytes()
	if r.End() != nil {
		return broken("malformed extended data")
	}
	if code != wire.ExtendedStderr {
		return ch.receive(-1, b)
	}
	return ch.receive(streamStderr, b)
}

// receive takes data from the reader: into the sink if that is idle, else into
// the queue. A stream of -1 is unknown and thrown away, but counted.
func (ch *Channel) receive(i int, b []byte) error {
	ch.mu.Lock()
	if err := ch.live(); err != nil {
		ch.mu.Unlock()
		return err
	}
	if ch.gotEOF {
		ch.mu.Unlock()
		return broken("data on channel %d after its end", ch.local)
	}
	if !ch.window.take(len(b)) {
		ch.mu.Unlock()
		return broken("%d bytes on channel %d, more than its window", len(b), ch.local)
	}
	ch.touch()
	if i < 0 || ch.streams[i].closed {
		return ch.consumed(len(b), true)
	}
	s := &ch.streams[i]
	if s.sink == nil || s.draining {
		s.queue.add(b, ch.mux.conn.Hold)
		ch.readable.Broadcast()
		ch.mu.Unlock()
		return nil
	}
	sink := s.sink
	ch.mu.Unlock()
	n, err := sink.TryWrite(b) // only the reader comes here, so nothing overtakes
	ch.mu.Lock()
	if err != nil {
		ch.breakOff(i)
		return ch.consumed(len(b), true)
	}
	if n < len(b) {
		s.queue.add(b[n:], ch.mux.conn.Hold)
		s.draining = true
		ch.mux.conn.Go(func() { ch.drain(i) })
	}
	return ch.consumed(n, true)
}

// consumed gives credit back for n bytes. mu is held and is released.
func (ch *Channel) consumed(n int, onReader bool) error {
	adjust := uint32(0)
	if n > 0 && !ch.gotEOF {
		adjust = ch.window.consume(n, ch.mux.path)
	}
	if adjust == 0 || ch.sentClose || ch.wantClose {
		ch.mu.Unlock()
		return nil
	}
	b := append(make([]byte, 0, 9), wire.MsgChannelWindowAdjust) // on the stack: this is often
	b = wire.AppendUint32(wire.AppendUint32(b, ch.remote), adjust)
	err := ch.mux.conn.Post(b) // with mu held: no CLOSE may come before it
	ch.mu.Unlock()
	if err != nil || onReader {
		return err
	}
	return ch.mux.conn.Flush()
}

// drain writes a queue to its sink until it is empty.
func (ch *Channel) drain(i int) {
	s := &ch.streams[i]
	var turn netx.Turn
	for {
		turn.Yield()
		ch.mu.Lock()
		b, held := s.queue.hold()
		if b == nil || s.closed {
			s.draining = false
			ch.readable.Broadcast()
			ch.mu.Unlock()
			held.release()
			return
		}
		sink := s.sink
		ch.mu.Unlock()
		_, err := sink.Write(b)
		held.release()
		ch.mu.Lock()
		n := len(b)
		if err != nil {
			n = s.queue.size
			ch.breakOff(i)
		} else if !s.closed {
			s.queue.drop(n)
		}
		ch.consumed(n, false)
	}
}

// breakOff stops a stream that nobody reads any more and tells the peer
// (PROTOCOL, section 2.1). mu is held.
func (ch *Channel) breakOff(i int) {
	s := &ch.streams[i]
	if s.closed {
		return
	}
	s.closed = true
	s.queue.clear()
	ch.readable.Broadcast()
	if i == streamData && !ch.gotEOF && ch.mux.conn.Quirks().EOW {
		ch.mux.conn.Go(func() { ch.Ask(eow, false, nil) })
	}
}

// CloseRead says that what comes on a stream is of no use any more: it is thrown
// away, and the peer is told where it understands.
func (ch *Channel) CloseRead() error {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.breakOff(streamData)
	return nil
}

// Read reads data, waiting for some. It returns io.EOF after the peer's EOF or
// close, and the connection's error if that ended first. Not together with
// WriteTo.
func (ch *Channel) Read(p []byte) (int, error) { return ch.read(streamData, p) }

func (ch *Channel) read(i int, p []byte) (int, error) {
	s := &ch.streams[i]
	ch.mu.Lock()
	for s.queue.size == 0 || len(p) == 0 {
		if err := ch.readEnd(s); err != nil || len(p) == 0 {
			ch.mu.Unlock()
			return 0, err
		}
		ch.readable.Wait()
	}
	n := 0
	for n < len(p) && s.queue.size > 0 {
		m := copy(p[n:], s.queue.first())
		s.queue.drop(m)
		n += m
	}
	return n, ch.consumed(n, false)
}

// readEnd tells why no more will come, nil when it may. mu is held.
func (ch *Channel) readEnd(s *stream) error {
	switch {
	case s.closed:
		return io.ErrClosedPipe
	case ch.gotEOF:
		return io.EOF
	case ch.err != nil:
		return ch.err
	}
	return nil
}

// SetSink has the data of the channel, and what has come already, pushed to
// sink. It can't be undone.
func (ch *Channel) SetSink(sink Sink) { ch.setSink(streamData, sink) }

// SetSink is [Channel.SetSink] for extended data.
func (s *Stderr) SetSink(sink Sink) { s.ch.setSink(streamStderr, sink) }

func (ch *Channel) setSink(i int, sink Sink) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	s := &ch.streams[i]
	s.sink = sink
	if s.queue.size > 0 && !s.draining {
		s.draining = true
		ch.mux.conn.Go(func() { ch.drain(i) })
	}
}

// WriteTo pushes the channel's data to w until its end and returns how many
// bytes were taken. If w has a descriptor that can be written without waiting,
// the reader writes to it straight from the packets.
func (ch *Channel) WriteTo(w io.Writer) (int64, error) { return ch.writeTo(streamData, w) }

func (ch *Channel) writeTo(i int, w io.Writer) (int64, error) {
	sink := &countingSink{Sink: sinkFor(w)}
	ch.setSink(i, sink)
	ch.mu.Lock()
	defer ch.mu.Unlock()
	s := &ch.streams[i]
	for {
		if s.closed && !s.draining {
			return sink.outcome()
		}
		if s.queue.size == 0 && !s.draining {
			if err := ch.readEnd(s); err != nil {
				n, _ := sink.outcome()
				if err == io.EOF {
					err = nil
				}
				return n, err
			}
		}
		ch.readable.Wait()
	}
}

// sinkFor makes a Sink of any writer.
func sinkFor(w io.Writer) Sink {
	if s, ok := w.(Sink); ok {
		return s
	}
	return netx.NewSink(w)
}

// countingSink remembers what became of what it was given.
type countingSink struct {
	Sink
	mu  sync.Mutex // a channel may be closed while the reader writes
	n   int64
	err error
}

func (s *countingSink) note(n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n += int64(n)
	s.err = err
}

func (s *countingSink) outcome() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n, s.err
}

func (s *countingSink) TryWrite(b []byte) (int, error) {
	n, err := s.Sink.TryWrite(b)
	s.note(n, err)
	return n, err
}

func (s *countingSink) Write(b []byte) (int, error) {
	n, err := s.Sink.Write(b)
	s.note(n, err)
	return n, err
}
