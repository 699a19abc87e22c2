package mux

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/nacre-ssh/nacre/internal/netx"
	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

// reserve waits until the peer's window has room and takes up to n bytes of it.
// The caller is a writer until it calls wrote.
func (ch *Channel) reserve(n int) (int, error) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if err := ch.waitRoom(1); err != nil {
		return 0, err
	}
	n = int(min(uint32(min(n, bounds.chunk)), ch.maxOut, ch.usable()))
	ch.take(n)
	return n, nil
}

// take takes n bytes of the peer's window. mu is held, and the caller is a writer
// until it calls wrote.
func (ch *Channel) take(n int) {
	ch.credit -= uint32(n)
	ch.writers++
	ch.touch()
}

// WriteWhole sends p in one packet and waits until the peer's window has room for
// it. It drops what is larger than the packets that the peer takes, and says so.
// It is for datagrams. It does not keep p.
func (ch *Channel) WriteWhole(p []byte) (sent bool, err error) {
	ch.mu.Lock()
	if len(p) == 0 || uint32(len(p)) > ch.maxOut {
		defer ch.mu.Unlock()
		return false, ch.waitRoom(0)
	}
	if err := ch.waitRoom(len(p)); err != nil {
		ch.mu.Unlock()
		return false, err
	}
	ch.take(len(p))
	ch.mu.Unlock()
	err = ch.sendData(streamData, headData, p)
	ch.wrote()
	return err == nil, err
}

// usable is how much of the peer's window may be taken now. mu is held.
func (ch *Channel) usable() uint32 {
	spare := ch.spared()
	if ch.credit <= spare {
		return 0
	}
	return ch.credit - spare
}

// spared is how much of the peer's window is not to be used now. mu is held.
func (ch *Channel) spared() uint32 {
	if ch.full == 0 {
		return 0
	}
	p := ch.mux.known()
	if p.rtt > nearPath {
		return 0
	}
	flight := ch.mux.conn.Quirks().NearFlight
	if p.short() && p.beside { // such a peer gives its window back in larger parts than we do
		flight = min(flight, 2*p.flight())
	}
	return ch.full - uint32(min(uint64(ch.full), uint64(flight)<<ch.eased))
}

// maxEased is how often the flight is doubled at most: nothing is spared any more.
const maxEased = 16

// watch sees to it that a writer doesn't wait for ever while there is room that is
// spared: a peer may be another than it says, and give its window back in parts
// larger than what it is sent. mu is held.
func (ch *Channel) watch() {
	if ch.full == 0 || ch.credit == 0 || ch.eased == maxEased {
		return
	}
	ch.seen = ch.adjusts
	if ch.stall == nil {
		ch.stall = time.AfterFunc(stallTime, ch.ease)
		return
	}
	ch.stall.Reset(stallTime)
}

// ease spares less where nothing was given back for a time. There may be some room,
// and a datagram that waits for more.
func (ch *Channel) ease() {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.adjusts == ch.seen && ch.err == nil {
		ch.eased++
		ch.room.Broadcast()
	}
}

// awaitRoom waits until the peer's window has room.
func (ch *Channel) awaitRoom() error {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.waitRoom(1)
}

// waitRoom waits until the peer's window has room for n bytes. mu is held.
func (ch *Channel) waitRoom(n int) error {
	for {
		if ch.err != nil || ch.wantClose || ch.sentEOF || ch.stopped {
			return ch.writeError()
		}
		if ch.usable() >= uint32(n) {
			return nil
		}
		ch.watch()
		ch.room.Wait()
	}
}

// hasRoom reports whether the peer's window has room now.
func (ch *Channel) hasRoom() bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.usable() > 0
}

// roomNow is how much data one packet can carry as the window stands, or could
// carry if it is closed at the moment.
func (ch *Channel) roomNow() int {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	n := min(uint32(bounds.chunk), ch.maxOut)
	if room := ch.usable(); room > 0 {
		n = min(n, room)
	}
	return int(n)
}

// Write sends p as data, waiting for the peer's window as often as it takes. It
// does not keep p.
func (ch *Channel) Write(p []byte) (int, error) { return ch.write(streamData, p) }

func (ch *Channel) write(stream int, p []byte) (int, error) {
	head := headData
	if stream == streamStderr {
		head = headExtended
	}
	sent := 0
	for sent < len(p) {
		n, err := ch.reserve(len(p) - sent)
		if err != nil {
			return sent, err
		}
		err = ch.sendData(stream, head, p[sent:sent+n])
		ch.wrote()
		if err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, nil
}

// sendData sends one packet of data: small ones share a slab with others.
func (ch *Channel) sendData(stream, head int, p []byte) error {
	if len(p) <= smallData {
		var b [headExtended]byte
		ch.header(b[:], stream, len(p))
		return ch.mux.conn.SendLane(ch.lane, b[:head], p)
	}
	frame, b := ch.mux.conn.Reserve(head + len(p))
	ch.header(b, stream, len(p))
	copy(b[head:], p)
	return ch.mux.conn.Commit(frame, len(b), ch.lane)
}

// header writes what comes before n bytes of data (RFC 4254, section 5.2).
func (ch *Channel) header(b []byte, stream, n int) {
	b[0] = wire.MsgChannelData
	binary.BigEndian.PutUint32(b[1:], ch.remote)
	if stream == streamStderr {
		b[0] = wire.MsgChannelExtendedData
		binary.BigEndian.PutUint32(b[5:], wire.ExtendedStderr)
		b = b[4:]
	}
	binary.BigEndian.PutUint32(b[5:], uint32(n))
}

// ReadFrom sends what it reads from r until r ends, and returns how many bytes
// that were. Data is read into the packets; while r has nothing, no buffer is
// held if r has a descriptor to wait for. An error of the channel's own is
// returned even though r may have more: what was read and not sent is lost.
func (ch *Channel) ReadFrom(r io.Reader) (int64, error) { return ch.readFrom(streamData, r) }

func (ch *Channel) readFrom(stream int, r io.Reader) (int64, error) {
	p := &pump{ch: ch, stream: stream, head: headData}
	if stream == streamStderr {
		p.head = headExtended
	}
	src := netx.NewSource(r)
	var total int64
	for {
		// Not before the peer has room; but no credit is taken until there is
		// something to send, since a small window may be all that the other
		// stream has.
		if err := ch.awaitRoom(); err != nil {
			return total, err
		}
		n, err := p.burst(src)
		total += n
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// A pump lends packets to a Source, to be filled where they will be sealed.
type pump struct {
	ch     *Channel
	stream int
	head   int
	frame  transport.Frame
	b      []byte
}

// Lend is netx.Lender's.
func (p *pump) Lend() []byte {
	p.frame, p.b = p.ch.mux.conn.Reserve(p.head + p.ch.roomNow())
	return p.b[p.head:]
}

// Back is netx.Lender's.
func (p *pump) Back() { p.frame.Drop() }

// burst waits for something to read and sends it, with what else is there up to
// bounds.burst: the less often either side is woken, the less bulk data costs.
func (p *pump) burst(src *netx.Source) (sent int64, err error) {
	n, err := src.ReadLent(p)
	for n > 0 {
		whole := n == len(p.b)-p.head
		if err = p.send(n); err != nil {
			break
		}
		if sent += int64(n); !whole || sent >= int64(bounds.burst) || !p.ch.hasRoom() {
			break
		}
		n, err = src.TryReadLent(p)
	}
	if sent > 0 {
		err = cmp.Or(p.ch.mux.conn.Flush(), err)
	}
	return sent, err
}

// send enqueues the n bytes that were read into the packet. Where another writer
// was quicker and the window no longer holds them, they go in pieces.
func (p *pump) send(n int) error {
	got, err := p.ch.reserve(n)
	if err != nil {
		p.frame.Drop()
		return err
	}
	if got == n {
		p.ch.header(p.b, p.stream, n)
		err := p.ch.mux.conn.Enqueue(p.frame, p.head+n, p.ch.lane)
		p.ch.wrote()
		return err
	}
	defer p.frame.Drop()
	data := p.b[p.head : p.head+n]
	err = p.ch.sendData(p.stream, p.head, data[:got])
	p.ch.wrote()
	if err == nil {
		_, err = p.ch.write(p.stream, data[got:])
	}
	return err
}

// Stderr is the channel's extended data as a stream of its own.
func (ch *Channel) Stderr() *Stderr { return &Stderr{ch} }

// Stderr reads and writes a channel's extended data of type stderr. It shares
// the channel's window.
type Stderr struct{ ch *Channel }

// Write sends p as extended data.
func (s *Stderr) Write(p []byte) (int, error) { return s.ch.write(streamStderr, p) }

// ReadFrom sends what it reads from r; see [Channel.ReadFrom].
func (s *Stderr) ReadFrom(r io.Reader) (int64, error) { return s.ch.readFrom(streamStderr, r) }

// Read reads extended data; see [Channel.Read].
func (s *Stderr) Read(p []byte) (int, error) { return s.ch.read(streamStderr, p) }

// WriteTo pushes extended data to w; see [Channel.WriteTo].
func (s *Stderr) WriteTo(w io.Writer) (int64, error) { return s.ch.writeTo(streamStderr, w) }
