package testpeer

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// The bytes in flight of a path are rate × delay: 32 MiB carry 600 MiB/s at
// 50 ms one way. Eight times that leave room for a slow receiver before the
// pipe pushes back, as a router's queue would.
const (
	pipeCap   = 256 << 20
	pipeBlock = 256 << 10
	pipeLeast = 16 << 10 // a block with less room than this is not read into again
	pipeBatch = 16       // segments to one write

	// A narrow pipe takes little at a time from a socket that holds little: what
	// doesn't pass waits at the sender, as before a slow link.
	narrowRead   = 16 << 10
	narrowBuffer = 64 << 10
)

// Pipe is a TCP proxy on 127.0.0.1 that delivers every byte a fixed time after
// it came in, in each direction, as a long path does. It adds no limit to the
// rate. Opening a connection costs no delay: time begins with the first byte.
type Pipe struct {
	listener net.Listener
	target   string
	oneWay   time.Duration
	rate     int // bytes a second in each direction; 0: no limit

	conns    atomic.Int64
	up, down atomic.Int64
	turns    atomic.Int64

	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
	wait   sync.WaitGroup
}

// PipeStats is what went through a pipe.
type PipeStats struct {
	Connections int64
	Up, Down    int64 // bytes from and to the client
	// Turns counts how often the client spoke after it had been spoken to (or
	// first). It bounds the round trips that were waited for from above; the
	// time that passed, divided by the round-trip time, is the truth.
	Turns int64
}

// NewPipe listens on a free port and forwards to target (host:port). A
// round trip through it takes 2×oneWay.
func NewPipe(target string, oneWay time.Duration) (*Pipe, error) {
	return NewNarrowPipe(target, oneWay, 0)
}

// NewNarrowPipe is NewPipe with a limit of rate bytes a second in each direction
// of a connection. 0 is no limit.
func NewNarrowPipe(target string, oneWay time.Duration, rate int) (*Pipe, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("delay pipe: %w", err)
	}
	p := &Pipe{listener: l, target: target, oneWay: oneWay, rate: rate, open: map[net.Conn]struct{}{}}
	p.wait.Add(1)
	go p.accept()
	return p, nil
}

// Addr is where to connect to.
func (p *Pipe) Addr() string { return p.listener.Addr().String() }

// Port is the port of Addr.
func (p *Pipe) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// Stats may be called at any time.
func (p *Pipe) Stats() PipeStats {
	return PipeStats{Connections: p.conns.Load(), Up: p.up.Load(), Down: p.down.Load(), Turns: p.turns.Load()}
}

// Close ends all connections and returns when the pipe's goroutines are gone.
func (p *Pipe) Close() error {
	p.mu.Lock()
	p.closed = true
	err := p.listener.Close()
	for c := range p.open {
		c.Close()
	}
	p.mu.Unlock()
	p.wait.Wait()
	return err
}

func (p *Pipe) accept() {
	defer p.wait.Done()
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wait.Add(1)
		go p.serve(c)
	}
}

// hold remembers c for Close, and says whether it may be used.
func (p *Pipe) hold(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.Close()
		return false
	}
	p.open[c] = struct{}{}
	return true
}

func (p *Pipe) release(c net.Conn) {
	c.Close()
	p.mu.Lock()
	delete(p.open, c)
	p.mu.Unlock()
}

func (p *Pipe) serve(client net.Conn) {
	defer p.wait.Done()
	if !p.hold(client) {
		return
	}
	defer p.release(client)
	server, err := net.Dial("tcp", p.target)
	if err != nil || !p.hold(server) {
		return
	}
	defer p.release(server)
	p.conns.Add(1)
	if p.rate > 0 {
		for _, c := range []net.Conn{client, server} {
			c.(*net.TCPConn).SetReadBuffer(narrowBuffer)
		}
	}

	var spoken atomic.Bool // the client was the last to speak
	up := &lane{from: client, to: server, delay: p.oneWay, rate: p.rate, count: &p.up, seen: func() {
		if !spoken.Swap(true) {
			p.turns.Add(1)
		}
	}}
	down := &lane{from: server, to: client, delay: p.oneWay, rate: p.rate, count: &p.down, sent: func() { spoken.Store(false) }}
	var both sync.WaitGroup
	both.Go(up.run)
	both.Go(down.run)
	both.Wait()
}

// block is one pooled buffer that holds the bytes of several reads. refs counts
// the segments in it that are not written yet, and the reader while it fills
// it.
type block struct {
	buf  [pipeBlock]byte
	refs atomic.Int32
}

var blocks = sync.Pool{New: func() any { return new(block) }}

func (b *block) done() {
	if b.refs.Add(-1) == 0 {
		blocks.Put(b)
	}
}

// segment is what one read brought, and when it is due.
type segment struct {
	in   *block
	data []byte
	due  time.Time
}

// lane is one direction of a connection: a reader that stamps and a writer that
// waits, with a queue between them.
type lane struct {
	from, to   net.Conn
	delay      time.Duration
	rate       int // bytes a second; 0: no limit
	count      *atomic.Int64
	seen, sent func() // after a read, before a write; either may be nil

	mu     sync.Mutex
	wake   sync.Cond
	queue  []segment
	queued int   // bytes
	end    error // why the reader ended; io.EOF is orderly
	ended  time.Time
	broken bool // the writer ended
}

func (l *lane) run() {
	l.wake.L = &l.mu
	var reader sync.WaitGroup
	reader.Go(l.read)
	l.write()
	reader.Wait()
}

func (l *lane) read() {
	var b *block
	fill := 0
	var free time.Time // when what was read has passed the narrow place
	for {
		if b == nil {
			b, fill = blocks.Get().(*block), 0
			b.refs.Store(1)
		}
		room := b.buf[fill:]
		if l.rate > 0 {
			time.Sleep(time.Until(free)) // the narrow place itself
			room = room[:min(len(room), narrowRead)]
		}
		n, err := l.from.Read(room)
		if n > 0 {
			now := time.Now()
			if l.rate > 0 {
				if now.After(free) {
					free = now
				}
				free = free.Add(time.Duration(n) * time.Second / time.Duration(l.rate))
				now = free
			}
			b.refs.Add(1)
			l.put(segment{b, b.buf[fill : fill+n], now.Add(l.delay)})
			fill += n
		}
		if err != nil {
			b.done()
			l.finish(err)
			return
		}
		if pipeBlock-fill < pipeLeast {
			b.done()
			b = nil
		}
	}
}

func (l *lane) put(s segment) {
	l.count.Add(int64(len(s.data)))
	if l.seen != nil {
		l.seen()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.queued > pipeCap && !l.broken {
		l.wake.Wait()
	}
	if l.broken {
		s.in.done()
		return
	}
	l.queue = append(l.queue, s)
	l.queued += len(s.data)
	l.wake.Broadcast()
}

func (l *lane) finish(err error) {
	l.mu.Lock()
	l.end, l.ended = err, time.Now()
	l.wake.Broadcast()
	l.mu.Unlock()
}

// next returns the segments that are due, after it has waited for the first of
// them. None means that the lane is at its end.
func (l *lane) next(into []segment) []segment {
	l.mu.Lock()
	for len(l.queue) == 0 && l.end == nil {
		l.wake.Wait()
	}
	if len(l.queue) == 0 {
		l.mu.Unlock()
		return nil
	}
	due := l.queue[0].due
	l.mu.Unlock()
	if wait := time.Until(due); wait > 0 {
		time.Sleep(wait) // the delay itself
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 1
	for n < len(l.queue) && n < pipeBatch && !l.queue[n].due.After(now) {
		n++
	}
	into = append(into, l.queue[:n]...)
	clear(l.queue[:n])
	l.queue = l.queue[n:]
	for _, s := range into {
		l.queued -= len(s.data)
	}
	l.wake.Broadcast()
	return into
}

func (l *lane) write() {
	var due []segment
	vector := make(net.Buffers, 0, pipeBatch)
	for {
		due = l.next(due[:0])
		if len(due) == 0 {
			l.hangUp()
			return
		}
		if l.sent != nil {
			l.sent()
		}
		vector = vector[:0]
		for _, s := range due {
			vector = append(vector, s.data)
		}
		rest := vector
		_, err := rest.WriteTo(l.to)
		for _, s := range due {
			s.in.done()
		}
		if err != nil {
			l.abandon()
			return
		}
	}
}

// hangUp passes on how the reader ended: an end of file closes one half, a
// failure all.
func (l *lane) hangUp() {
	if errors.Is(l.end, io.EOF) {
		time.Sleep(time.Until(l.ended.Add(l.delay))) // a FIN travels as a byte does
		if tcp, ok := l.to.(*net.TCPConn); ok {
			tcp.CloseWrite()
			return
		}
	}
	l.to.Close()
}

// abandon is for a receiver that is gone: the sender learns it as a reset.
func (l *lane) abandon() {
	l.from.Close()
	l.mu.Lock()
	l.broken = true
	for _, s := range l.queue {
		s.in.done()
	}
	l.queue = nil
	l.wake.Broadcast()
	l.mu.Unlock()
}
