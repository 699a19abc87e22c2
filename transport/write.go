package transport

import (
	"fmt"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nacre-ssh/nacre/internal/netx"
	"github.com/nacre-ssh/nacre/internal/slab"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/wire"
)

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
	limit   uint64        // bytes after which to rekey
	asked   bool          // a rekey was asked for because of a limit
	all     atomic.Uint64 // bytes of packets since the beginning

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
	if err := c.enqueue(f, n, to); err != nil {
		return err
	}
	c.kick()
	return c.out.failed()
}

// Enqueue is Commit for who sends more at once: it leaves the writing to the
// Commit or the Flush that must follow, unless it has to wait for room.
func (c *Conn) Enqueue(f Frame, n int, to Lane) error {
	err := c.enqueue(f, n, to)
	if err == nil {
		c.out.mu.Unlock()
	}
	return err
}

// enqueue queues a frame. Without an error w.mu is held.
func (c *Conn) enqueue(f Frame, n int, to Lane) error {
	w := &c.out
	if err := c.room(to, n); err != nil {
		f.slab.Release()
		return err
	}
	if n <= smallPayload && w.busy { // it has to wait: not with a slab of its own
		w.copyIn(to, markNone, f.slab.Bytes()[packet.Head:packet.Head+n])
		f.slab.Release()
	} else {
		w.push(to, frame{slab: f.slab, n: int32(n)})
	}
	return nil
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
	if err := c.room(to, n); err != nil {
		return err
	}
	c.out.copyIn(to, markNone, payload...)
	c.kick()
	return c.out.failed()
}

// room waits until a lane has room for n bytes. Without an error w.mu is held.
func (c *Conn) room(to Lane, n int) error {
	w, limit := &c.out, c.cap(to)
	w.mu.Lock()
	if w.lanes[to].full(n, limit) && !w.busy { // enqueued, and nobody writes it yet
		c.kick()
		w.mu.Lock()
	}
	err := w.wait(to, n, limit)
	if err != nil {
		w.mu.Unlock()
	}
	return err
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

func (w *writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
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

// Flush writes what was posted or enqueued. Not for the goroutine that calls Next.
func (c *Conn) Flush() error {
	c.out.mu.Lock()
	c.kick()
	return c.out.failed()
}

// write is the work of the writer: batches until the queue is empty, or until
// budget is spent and another goroutine takes over.
func (c *Conn) write(budget int) {
	var turn netx.Turn
	for {
		turn.Yield()
		n, ok := c.prepare()
		if !ok {
			return
		}
		err := c.out.sink.WriteBuffers(&c.out.bufs)
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
	err := c.out.sink.WriteBuffers(&c.out.bufs)
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
