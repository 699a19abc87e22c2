package client

import (
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// Bounds of hiding keystrokes, OpenSSH's (ssh_config(5), ObscureKeystrokeTiming).
const (
	// maxKeys is how much may wait for the next moment, in bytes: more was not
	// typed, and nobody learns anything from it.
	maxKeys = 256
	// chaffLeast and chaffMore are how long false keystrokes follow the last
	// true one: the first and, at random, up to the second on top.
	chaffLeast = 1024 * time.Millisecond
	chaffMore  = 2048 * time.Millisecond
	// fuzzShare is the part of the interval by which moments vary.
	fuzzShare = 10
)

// A typist hides the rhythm of typing from who sees the packets: the first key
// leaves at once, those after it at moments of a fixed distance, and where there
// is none a packet of the same size leaves in its place. A while after the last
// key it rests. Its methods may be called from any goroutine.
type typist struct {
	send     func([]byte) (int, error)
	chaff    func() error
	idle     func() bool // says that hiding would be of no use now
	over     <-chan struct{}
	start    func(func())
	interval time.Duration

	mu      sync.Mutex
	waiting []byte
	until   time.Time     // when false keystrokes end
	active  chan struct{} // closed when the round ends; nil while resting
	err     error
}

// typist makes the typist of a session with a terminal, nil where keystrokes
// leave as they come: nobody asked for more, or the server takes no pings.
func (c *Client) typist(s *Session) *typist {
	if c.hideKeys <= 0 || s.opts.PTY == nil || !c.Conn.CanPing() {
		return nil
	}
	return &typist{
		send: s.Channel.Write, chaff: c.Conn.Chaff, over: s.Done(), start: c.Conn.Go, interval: c.hideKeys,
		idle: func() bool { return !c.Mux.Interactive() || c.Conn.Rekeying() },
	}
}

// write sends keys, now or at the next moment. It does not keep b. An error may
// be that of keys before.
func (t *typist) write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.err != nil:
		return 0, t.err
	case len(t.waiting)+len(b) > maxKeys || t.idle():
		t.rest()
		if err := t.flush(); err != nil {
			return 0, err
		}
		return t.send(b)
	}
	t.until = time.Now().Add(chaffLeast + rand.N(chaffMore))
	if t.active != nil {
		t.waiting = append(t.waiting, b...)
		return len(b), nil
	}
	t.active = make(chan struct{})
	round, more := t.active, rand.N(t.fuzz()) // not every round has the same distance
	t.start(func() { t.run(round, more) })
	return t.send(b)
}

func (t *typist) fuzz() time.Duration { return max(t.interval/fuzzShare, 1) }

// moment is how long it is to the next one.
func (t *typist) moment(more time.Duration) time.Duration {
	return t.interval - t.fuzz() + rand.N(t.fuzz()) + more
}

// rest ends a round. mu is held.
func (t *typist) rest() {
	if t.active != nil {
		close(t.active)
		t.active = nil
	}
}

// flush sends what waits. mu is held.
func (t *typist) flush() error {
	if len(t.waiting) == 0 || t.err != nil {
		return t.err
	}
	_, t.err = t.send(t.waiting)
	t.waiting = t.waiting[:0]
	return t.err
}

// finish sends what waits and rests.
func (t *typist) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rest()
	t.flush()
}

// run keeps the moments of one round.
func (t *typist) run(round chan struct{}, more time.Duration) {
	timer := time.NewTimer(t.moment(more))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-round:
			return
		case <-t.over:
			return
		}
		if !t.tick(round) {
			return
		}
		timer.Reset(t.moment(more))
	}
}

// tick is one moment; it reports whether there is another.
func (t *typist) tick(round chan struct{}) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.active != round {
		return false
	}
	var err error
	switch {
	case len(t.waiting) > 0:
		err = t.flush()
	case t.idle() || !time.Now().Before(t.until):
		t.rest()
		return false
	default:
		err = t.chaff()
	}
	if err != nil {
		t.rest()
	}
	return err == nil
}

// Write sends p to the program. Where keystrokes are hidden, an error may be
// that of a Write before.
func (s *Session) Write(p []byte) (int, error) {
	if s.typist != nil {
		return s.typist.write(p)
	}
	return s.Channel.Write(p)
}

// ReadFrom sends what it reads from r until r ends; see [mux.Channel.ReadFrom].
func (s *Session) ReadFrom(r io.Reader) (int64, error) {
	if s.typist == nil {
		return s.Channel.ReadFrom(r)
	}
	b, total := make([]byte, 32<<10), int64(0)
	for {
		n, err := r.Read(b)
		if n > 0 {
			sent, werr := s.Write(b[:n])
			total += int64(sent)
			if werr != nil {
				return total, werr
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// CloseWrite says that no more data follows.
func (s *Session) CloseWrite() error {
	if s.typist != nil {
		s.typist.finish()
	}
	return s.Channel.CloseWrite()
}
