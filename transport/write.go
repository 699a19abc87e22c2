package transport

import (
	"fmt"
	"math"
	"net"
	"sync"
	"time"

	"github.com/nacre-ssh/nacre/internal/netx"
	"github.com/nacre-ssh/nacre/internal/slab"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/wire"
)

// A Lane is one of the queues of outgoing packets. A lower lane leaves first;
// within a lane packets keep their order.
type Lane uint8

const (
	laneKex Lane = iota // key exchange, disconnect: may leave while a rekey is under way
	// Control is for replies, window adjustments and keystrokes.
	Control
	// Bulk is for data in quantity. Callers wait while it is full.
	Bulk
	lanes
)

// A mark on a frame is something that happens when it leaves.
type mark uint8

const (
	markNone     mark = iota
	markRaw           // the identification line: sent as it is
	markHold          // our KEXINIT: only the kex lane may follow
	markNewKeys       // our NEWKEYS: what follows is sealed with the new keys
	markCompress      // no packet: delayed compression starts here
)

// A frame is one outgoing payload inside a slab, with packet.Head bytes before
// it and packet.Tail bytes behind it.
type frame struct {
	slab *slab.Slab
	off  int32 // of the Head room
	n    int32 // payload bytes
	mark mark
}

// A lane holds frames in order. Small payloads share the slab tail.
type lane struct {
	frames []frame // [head:] wait
	head   int
	bytes  int
	tail   *slab.Slab
	used   int
	room   sync.Cond // callers that wait for room
	queue  int       // how many wait
}

// A writer is the outgoing half of a connection. mu guards the queue and is
// never held over a seal or a write; the rest belongs to whoever is busy.
type writer struct {
	mu      sync.Mutex
	lanes   [lanes]lane
	busy    bool // someone is the writer
	hold    bool // a rekey is under way: the kex lane only
	parting bool // the connection has ended: what the kex lane still has is why
	err     error
	idle    sync.Cond // signalled when nobody writes any more

	seal    packet.Sealer
	next    []epoch // one for each NEWKEYS of ours that is queued; guarded by mu
	comp    *packet.Deflater
	seq     uint32
	bytes   uint64 // since the last NEWKEYS
	packets uint64
	limit   uint64 // bytes after which to rekey
	asked   bool   // a rekey was asked for because of a limit

	sink   *netx.Sink
	batch  []frame
	bufs   net.Buffers
	vector [][]byte
}

func (w *writer) init(nc net.Conn) {
	w.seal = packet.NewPlainSealer()
	w.sink = netx.NewSink(nc)
	netx.LimitUnsent(nc, maxUnsent)
	w.idle.L = &w.mu
	for i := range w.lanes {
		w.lanes[i].room.L = &w.mu
	}
}

// A Frame is room for one payload that the caller fills before it leaves. It
// must be given to Commit or to Drop, once.
type Frame struct {
	slab *slab.Slab
}

// Reserve returns a frame and the room for a payload of n bytes in it. It takes
// no lock.
func (c *Conn) Reserve(n int) (Frame, []byte) {
	s := slab.Get(packet.Head + n + packet.Tail)
	return Frame{s}, s.Bytes()[packet.Head : packet.Head+n]
}

// Drop gives a frame back unsent.
func (f Frame) Drop() { f.slab.Release() }

// Commit sends the first n bytes of the room of a frame, waiting while the
// lane is full. It may write, for itself and for others. Not for the goroutine
// that calls Next.
func (c *Conn) Commit(f Frame, n int, to Lane) error {
	w := &c.out
	w.mu.Lock()
	if err := w.wait(to, n, c.cap(to)); err != nil {
		w.mu.Unlock()
		f.slab.Release()
		return err
	}
	if n <= smallPayload && w.busy { // it has to wait: not with a slab of its own
		w.copyIn(to, markNone, f.slab.Bytes()[packet.Head:packet.Head+n])
		f.slab.Release()
	} else {
		w.push(to, frame{slab: f.slab, n: int32(n)})
	}
	c.kick()
	return c.out.failed()
}

// Send sends a payload, which it copies, in the control lane, waiting while that
// is full. Not for the goroutine that calls Next once connections carry
// channels: it uses Post.
func (c *Conn) Send(payload []byte) error { return c.SendLane(Control, payload) }

// SendLane is Send with a lane of the caller's choice, of a payload in parts.
func (c *Conn) SendLane(to Lane, payload ...[]byte) error {
	n := 0
	for _, part := range payload {
		n += len(part)
	}
	if n > wire.MaxPayload {
		return fmt.Errorf("a payload of %d bytes is larger than any packet", n)
	}
	w := &c.out
	w.mu.Lock()
	if err := w.wait(to, n, c.cap(to)); err != nil {
		w.mu.Unlock()
		return err
	}
	w.copyIn(to, markNone, payload...)
	c.kick()
	return c.out.failed()
}

// Post queues a payload, which it copies, in the control lane and returns at
// once; it is for the goroutine that calls Next, which sends what was posted
// before it waits again. A peer that lets too much pile up by not reading is
// disconnected.
func (c *Conn) Post(payload []byte) error { return c.PostLane(Control, payload) }

// PostLane is Post with a lane of the caller's choice.
func (c *Conn) PostLane(to Lane, payload []byte) error {
	w := &c.out
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	limit := c.cap(Control)
	if to == Bulk {
		limit += bounds.bulk
	}
	if w.lanes[to].bytes+len(payload) > limit {
		return broken("too many replies are waiting to be read")
	}
	w.copyIn(to, markNone, payload)
	return nil
}

func (c *Conn) cap(l Lane) int {
	switch {
	case l == Bulk:
		return bounds.bulk
	case c.authed.Load():
		return controlCap
	}
	return controlCapEarly
}

func (w *writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// wait returns when a lane has room for n bytes; callers are served in the
// order in which they came. w.mu is held.
func (w *writer) wait(to Lane, n, limit int) error {
	l := &w.lanes[to]
	for first := true; w.err == nil && l.bytes > 0 && (l.bytes+n > limit || first && l.queue > 0); first = false {
		l.queue++
		l.room.Wait()
		l.queue--
	}
	return w.err
}

// push queues a frame. w.mu is held.
func (w *writer) push(to Lane, f frame) {
	l := &w.lanes[to]
	if l.head >= 32 && 2*l.head >= len(l.frames) { // it never runs empty: the room of what has left serves again
		n := copy(l.frames, l.frames[l.head:])
		clear(l.frames[n:])
		l.frames, l.head = l.frames[:n], 0
	}
	l.frames = append(l.frames, f)
	l.bytes += f.cost()
}

// cost is what a frame counts for in the caps: what it holds, so that a million
// tiny packets are not taken for a megabyte.
func (f *frame) cost() int { return int(f.n) + frameCost }

// copyIn queues a copy of a payload, given in parts. w.mu is held.
func (w *writer) copyIn(to Lane, m mark, payload ...[]byte) {
	if w.err != nil {
		return // nobody takes it any more
	}
	l := &w.lanes[to]
	n := 0
	for _, part := range payload {
		n += len(part)
	}
	need := packet.Head + n + packet.Tail
	if l.tail == nil || l.used+need > len(l.tail.Bytes()) {
		if l.tail != nil {
			l.tail.Release()
		}
		l.tail, l.used = slab.Get(need), 0
	}
	l.tail.Hold()
	room := l.tail.Bytes()[l.used+packet.Head:][:0]
	for _, part := range payload {
		room = append(room, part...)
	}
	w.push(to, frame{slab: l.tail, off: int32(l.used), n: int32(n), mark: m})
	l.used += need
}

// control queues a payload in the kex lane with a mark. It does not write.
func (c *Conn) control(payload []byte, m mark) {
	c.out.mu.Lock()
	c.out.copyIn(laneKex, m, payload)
	c.out.mu.Unlock()
}

// kick makes the caller the writer if there is none. w.mu is held and is
// released.
func (c *Conn) kick() {
	w := &c.out
	if w.busy || w.err != nil {
		w.mu.Unlock()
		return
	}
	w.busy = true
	w.mu.Unlock()
	c.write(bounds.budget)
}

// Flush writes what was posted. Not for the goroutine that calls Next.
func (c *Conn) Flush() {
	c.out.mu.Lock()
	c.kick()
}

// write is the work of the writer: batches until the queue is empty, or until
// budget is spent and another goroutine takes over.
func (c *Conn) write(budget int) {
	for {
		n, ok := c.prepare()
		if !ok {
			return
		}
		_, err := c.out.bufs.WriteTo(c.nc)
		if !c.wrote(err) {
			return
		}
		if budget -= n; budget <= 0 {
			c.Go(func() { c.write(math.MaxInt) })
			return
		}
	}
}

// flushPosted writes what is queued without ever waiting: what does not fit
// into the socket now is left to a goroutine. It is the reader's way to write.
func (c *Conn) flushPosted() {
	w := &c.out
	w.mu.Lock()
	if w.busy || w.err != nil || w.empty() {
		w.mu.Unlock()
		return
	}
	w.busy = true
	w.mu.Unlock()
	for {
		if _, ok := c.prepare(); !ok {
			return
		}
		for len(w.bufs) > 0 {
			n, err := w.sink.TryWrite(w.bufs[0])
			if err != nil {
				c.wrote(err)
				return
			}
			if n < len(w.bufs[0]) {
				w.bufs[0] = w.bufs[0][n:]
				c.Go(c.finishWrite)
				return
			}
			w.bufs = w.bufs[1:]
		}
		if !c.wrote(nil) {
			return
		}
	}
}

// finishWrite carries on with a batch that the reader could not write whole.
func (c *Conn) finishWrite() {
	_, err := c.out.bufs.WriteTo(c.nc)
	if c.wrote(err) {
		c.write(math.MaxInt)
	}
}

// wrote ends a batch: its slabs go back, and on an error so does the role.
func (c *Conn) wrote(err error) bool {
	w := &c.out
	for i := range w.batch {
		if w.batch[i].slab != nil {
			w.batch[i].slab.Release()
		}
		w.batch[i] = frame{}
	}
	w.batch = w.batch[:0]
	clear(w.vector)
	if cap(w.vector) > 64 {
		w.vector, w.batch = nil, nil // an idle connection keeps no large arrays
	}
	if err == nil {
		return true
	}
	w.mu.Lock()
	w.busy, w.parting = false, false
	w.stop(fmt.Errorf("connection lost while writing: %w", err))
	w.mu.Unlock()
	c.nc.Close() // the reader learns it from its read
	return false
}

// stop makes every caller fail with err from now on and frees the queue. w.mu is
// held.
func (w *writer) stop(err error) {
	if w.err == nil {
		w.err = err
	}
	for i := range w.lanes {
		l := &w.lanes[i]
		l.room.Broadcast()
		if w.parting && Lane(i) == laneKex {
			continue
		}
		for _, f := range l.frames[l.head:] {
			if f.slab != nil {
				f.slab.Release()
			}
		}
		l.frames, l.head, l.bytes = nil, 0, 0
		l.release()
	}
	w.idle.Broadcast()
}

func (l *lane) release() {
	if l.tail != nil {
		l.tail.Release()
		l.tail, l.used = nil, 0
	}
}

func (w *writer) empty() bool {
	for i := range w.lanes {
		if l := &w.lanes[i]; len(l.frames) > l.head && (i == int(laneKex) || !w.hold) {
			return false
		}
	}
	return true
}

// prepare takes the next batch from the queue and seals it into w.bufs. It
// reports false, and the caller is the writer no more, when there is nothing to
// send.
func (c *Conn) prepare() (int, bool) {
	w := &c.out
	w.mu.Lock()
	w.take()
	if len(w.batch) == 0 {
		w.busy = false
		w.idle.Broadcast()
		if w.parting {
			w.parting = false
			go linger(c.nc)
		}
		w.mu.Unlock()
		return 0, false
	}
	w.mu.Unlock()
	n, err := c.sealBatch()
	if err != nil {
		c.wrote(err)
		return 0, false
	}
	return n, true
}

// take moves up to bounds.batch from the lanes to the batch. w.mu is held.
func (w *writer) take() {
	total := 0
	for i := range w.lanes {
		l := &w.lanes[i]
		for l.head < len(l.frames) && total < bounds.batch {
			if w.hold && Lane(i) != laneKex || w.err != nil && !w.parting {
				return
			}
			f := l.frames[l.head]
			l.frames[l.head] = frame{}
			l.head++
			l.bytes -= f.cost()
			total += int(f.n)
			w.batch = append(w.batch, f)
			switch f.mark {
			case markHold:
				w.hold = true
			case markNewKeys:
				w.hold = false
			}
		}
		if l.head == len(l.frames) {
			l.head, l.frames = 0, l.frames[:0]
			if cap(l.frames) > 64 {
				l.frames = nil
			}
			l.release()
		}
		if l.queue > 0 {
			l.room.Signal()
		}
	}
}

// sealBatch seals the frames of the batch and gathers them in w.bufs. Packets
// that share a slab are moved together, so that they leave as one piece.
func (c *Conn) sealBatch() (int, error) {
	w := &c.out
	w.vector = w.vector[:0]
	total := 0
	for i := range w.batch {
		f := &w.batch[i]
		if f.mark == markCompress {
			w.comp = new(packet.Deflater)
			continue
		}
		if w.comp != nil && f.mark != markRaw {
			if err := w.compress(f); err != nil {
				return 0, err
			}
		}
		b := f.slab.Bytes()[f.off:]
		n := int(f.n)
		if f.mark == markRaw {
			b = b[packet.Head:]
		} else {
			n = w.seal.Seal(b, n, w.seq)
			w.seq++
			w.bytes += uint64(n)
			w.packets++
		}
		w.gather(b[:n:len(b)], i > 0 && w.batch[i-1].slab == f.slab)
		total += n
		if f.mark == markNewKeys {
			c.switchSealer()
		}
	}
	w.bufs = w.vector
	if !w.asked && (w.bytes >= w.limit || w.packets >= rekeyPackets) {
		w.asked = true
		c.startKex()
	}
	return total, nil
}

// gather adds a packet to the pieces to be written, behind the last one when
// both are in the same slab.
func (w *writer) gather(p []byte, together bool) {
	if last := len(w.vector) - 1; together && last >= 0 {
		piece := w.vector[last]
		if room := cap(piece) - len(piece); room >= len(p) {
			w.vector[last] = append(piece, p...) // moves down within the slab
			return
		}
	}
	w.vector = append(w.vector, p)
}

// compress replaces a frame's payload by its compressed form in a slab of its
// own.
func (w *writer) compress(f *frame) error {
	big := slab.Get(slab.Large)
	payload := f.slab.Bytes()[f.off+packet.Head:][:f.n]
	room := big.Bytes()[packet.Head : packet.Head : len(big.Bytes())-packet.Tail]
	out, err := w.comp.Deflate(room, payload)
	if err != nil || len(out) > cap(room) {
		big.Release()
		return fmt.Errorf("compressing a packet of %d bytes: %w", f.n, err)
	}
	f.slab.Release()
	f.slab, f.off, f.n = big, 0, int32(len(out))
	return nil
}

// switchSealer puts the keys of the exchange that our NEWKEYS ends to use.
func (c *Conn) switchSealer() {
	w := &c.out
	w.mu.Lock()
	e := w.next[0]
	w.next = w.next[1:]
	w.mu.Unlock()
	w.seal, w.comp, w.limit = e.seal, e.comp.deflater(), e.limit
	w.bytes, w.packets, w.asked = 0, 0, false
	if c.cfg.Exportable {
		c.kept.out = e.keys
	}
	if c.strict {
		w.seq = 0
	}
}

// Drain waits until all that was sent before has been handed to the system, or
// the connection has failed.
func (c *Conn) Drain() error {
	w := &c.out
	w.mu.Lock()
	for w.err == nil && (w.busy || !w.empty()) {
		if !w.busy {
			c.kick()
			w.mu.Lock()
			continue
		}
		w.idle.Wait()
	}
	defer w.mu.Unlock()
	return w.err
}

// Disconnect tells the peer why the connection ends, waits at most a second for
// it to leave, and closes. Not for the goroutine that calls Next.
func (c *Conn) Disconnect(reason uint32, text string) error {
	c.postDisconnect(reason, text)
	c.nc.SetWriteDeadline(time.Now().Add(lingerTime))
	c.Drain()
	return c.closeWith(ErrClosed, true)
}

func (c *Conn) postDisconnect(reason uint32, text string) {
	if c.shared {
		return // it would end the connection for all who share it
	}
	b := wire.AppendUint32([]byte{wire.MsgDisconnect}, reason)
	b = wire.AppendString(b, text)
	c.control(wire.AppendString(b, ""), markNone)
}
