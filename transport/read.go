package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"

	"github.com/nacre-ssh/nacre/internal/netx"
	"github.com/nacre-ssh/nacre/internal/slab"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/wire"
)

// A reader is the incoming half of a connection. It belongs to the goroutine
// that calls Next.
type reader struct {
	src  *netx.Source
	slab *slab.Slab // what was read: [r:w] is still sealed; nil while idle
	r, w int
	need int  // length of the packet at r, 0 unknown
	busy bool // the last read filled its room: the next slab is a large one

	open    packet.Opener
	comp    *packet.Inflater
	plain   *slab.Slab // the last expanded payload
	seq     uint32
	bytes   uint64 // since the last NEWKEYS
	packets uint64
	asked   bool
	all     atomic.Uint64 // bytes of packets since the beginning
}

var errLongLine = errors.New("identification line is too long")

func (in *reader) init(nc net.Conn) {
	in.src = netx.NewSource(nc)
	in.open = packet.NewPlainOpener()
}

// line reads one line of the identification exchange, without its end.
func (in *reader) line() (string, error) {
	for {
		var b []byte
		if in.slab != nil {
			b = in.slab.Bytes()[in.r:in.w]
		}
		if i := bytes.IndexByte(b, '\n'); i >= 0 && i < wire.MaxVersion {
			in.r += i + 1
			return string(bytes.TrimSuffix(b[:i], []byte("\r"))), nil
		}
		if len(b) >= wire.MaxVersion {
			return string(b[:wire.MaxVersion]), errLongLine
		}
		in.need = len(b) + 1
		if err := in.fill(nil); err != nil {
			return string(b), err
		}
		in.need = 0
	}
}

// fill reads more bytes behind those that are there. Before it waits, post is
// called.
func (in *reader) fill(post func()) error {
	if post != nil {
		post()
	}
	if in.slab == nil {
		size := slab.Small
		if in.busy {
			size = slab.Large
		}
		s, n, err := in.src.ReadSlab(size)
		if err != nil {
			return err
		}
		in.slab, in.r, in.w = s, 0, n
		in.busy = n == len(s.Bytes())
		return nil
	}
	in.makeRoom()
	room := in.slab.Bytes()[in.w:]
	n, err := in.src.Read(room)
	in.w += n
	in.busy = n == len(room)
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// makeRoom sees to it that the packet at r can be read whole into one slab.
func (in *reader) makeRoom() {
	size := max(in.need, 1)
	if in.busy {
		size = slab.Large
	}
	b := in.slab.Bytes()
	if in.r+max(in.need, in.w-in.r+1) <= len(b) && len(b)-in.w >= 8<<10 {
		return
	}
	if in.need <= len(b) && !in.slab.Shared() && (size <= len(b) || in.w-in.r > 0) {
		in.w = copy(b, b[in.r:in.w])
		in.r = 0
		return
	}
	fresh := slab.Get(max(size, in.w-in.r+1))
	n := copy(fresh.Bytes(), b[in.r:in.w])
	in.slab.Release()
	in.slab, in.r, in.w = fresh, 0, n
}

// packet reads and opens the next packet. The payload is valid until the next
// call.
func (c *Conn) packet() ([]byte, error) {
	in := &c.in
	for {
		if in.slab != nil {
			b := in.slab.Bytes()[in.r:in.w]
			if in.need == 0 {
				n, err := in.open.Peek(b, in.seq)
				if err != nil {
					return nil, c.damaged(err)
				}
				in.need = n
			}
			if in.need > 0 && len(b) >= in.need {
				p, err := in.open.Open(b[:in.need:in.need], in.seq)
				if err != nil {
					return nil, c.damaged(err)
				}
				in.r += in.need
				in.bytes += uint64(in.need)
				in.all.Add(uint64(in.need))
				in.packets++
				in.need = 0
				in.seq++
				return in.expand(p)
			}
			if len(b) == 0 {
				in.slab.Release()
				in.slab = nil
			}
		}
		if err := in.fill(c.flushPosted); err != nil {
			return nil, c.lost(err)
		}
	}
}

// complete reports whether the next packet has been read whole.
func (c *Conn) complete() bool {
	in := &c.in
	if in.slab == nil {
		return false
	}
	b := in.slab.Bytes()[in.r:in.w]
	if in.need == 0 {
		in.need, _ = in.open.Peek(b, in.seq) // an error comes up again
	}
	return in.need > 0 && len(b) >= in.need
}

// damaged is the end of a connection by a packet that can't be opened.
func (c *Conn) damaged(err error) error {
	reason := uint32(wire.DisconnectProtocolError)
	if errors.Is(err, packet.ErrMAC) {
		reason = wire.DisconnectMACError
	}
	return &DisconnectError{Reason: reason, Text: "damaged packet: " + err.Error()}
}

// lost is the end of a connection by its socket.
func (c *Conn) lost(err error) error {
	if was := c.Err(); was != nil {
		return was
	}
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("connection lost: %w", err)
}

// expand undoes compression.
func (in *reader) expand(p []byte) ([]byte, error) {
	if in.comp == nil {
		return p, nil
	}
	if in.plain == nil || in.plain.Shared() {
		if in.plain != nil {
			in.plain.Release()
		}
		in.plain = slab.Get(slab.Large)
	}
	out, err := in.comp.Inflate(in.plain.Bytes()[:0:slab.Large], p)
	if err != nil || len(out) == 0 {
		return nil, &DisconnectError{Reason: wire.DisconnectCompressionError, Text: packet.ErrCompression.Error()}
	}
	return out, nil
}

// Hold keeps the slab in which the last payload of Next lies, for who wants to
// use a part of it beyond the next call. The caller releases it.
func (c *Conn) Hold() *slab.Slab {
	s := c.in.slab
	if c.in.comp != nil {
		s = c.in.plain
	}
	s.Hold()
	return s
}

// Buffered reports whether the next packet may be there already, so that it is
// worth waiting with replies.
func (c *Conn) Buffered() bool { return c.in.w > c.in.r }

// Next returns the payload of the next message that is not the transport's own:
// numbers from 50 up, service requests and their answer. It is valid until the
// next call, unless the caller holds its slab. Key exchanges, pings and the rest
// happen within. The error is final; a *DisconnectError when one side said why.
func (c *Conn) Next() ([]byte, error) {
	for {
		p, err := c.next(false)
		if err != nil {
			err = c.fail(err)
			c.in.release()
			return nil, err
		}
		if p != nil {
			return p, nil
		}
	}
}

// release gives the buffers back when nothing will be read any more.
func (in *reader) release() {
	for _, s := range []**slab.Slab{&in.slab, &in.plain} {
		if *s != nil {
			(*s).Release()
			*s = nil
		}
	}
	in.r, in.w, in.need = 0, 0, 0
}

// next reads one message and handles it if it is the transport's: then it
// returns nil.
func (c *Conn) next(first bool) ([]byte, error) {
	p, err := c.packet()
	if err != nil {
		return nil, err
	}
	in := &c.in
	if !in.asked && !first && (in.bytes >= c.limitIn || in.packets >= rekeyPackets) {
		in.asked = true
		c.startKex()
	}
	msg := p[0]
	if c.shared {
		if err := sharedAllows(msg); err != nil {
			return nil, err
		}
	}
	if err := c.allowed(msg, first); err != nil {
		return nil, err
	}
	if msg >= wire.MsgUserauthRequest && msg < wire.MsgPing || msg == wire.MsgServiceRequest || msg == wire.MsgServiceAccept {
		return p, nil
	}
	if msg >= wire.MsgKexFirst && msg <= wire.MsgKexLast {
		return nil, c.handleKex(p)
	}
	for i := range handlers {
		if handlers[i].msg == msg {
			return nil, handlers[i].handle(c, p)
		}
	}
	return nil, c.unimplemented(in.seq - 1)
}

// handlers are the messages that the transport keeps to itself.
var handlers = [...]struct {
	msg    byte
	handle func(c *Conn, p []byte) error
}{
	{wire.MsgDisconnect, (*Conn).handleDisconnect},
	{wire.MsgIgnore, func(*Conn, []byte) error { return nil }},
	{wire.MsgUnimplemented, (*Conn).handleUnimplemented},
	{wire.MsgDebug, (*Conn).handleDebug},
	{wire.MsgExtInfo, (*Conn).handleExtInfo},
	{wire.MsgKexInit, (*Conn).handleKexInit},
	{wire.MsgNewKeys, (*Conn).handleNewKeys},
	{wire.MsgPing, (*Conn).handlePing},
	{wire.MsgPong, (*Conn).handlePong},
}

// allowed refuses what may not be sent during a key exchange. In the first one
// nothing else may come at all, whether or not the peer offers strict key
// exchange: that is where Terrapin put its packets.
func (c *Conn) allowed(msg byte, first bool) error {
	kexMessage := msg == wire.MsgKexInit || msg == wire.MsgNewKeys || msg >= wire.MsgKexFirst && msg <= wire.MsgKexLast
	if first {
		if kexMessage || msg == wire.MsgDisconnect {
			return nil
		}
		return broken("message %d in the middle of the first key exchange", msg)
	}
	if kexMessage || msg <= wire.MsgDebug || msg >= wire.MsgGlobalRequest && c.quirks.DataInKex {
		return nil
	}
	if k := c.exchange(); k != nil && k.theirInit != nil {
		return broken("message %d in the middle of a key exchange", msg)
	}
	return nil
}

// unimplemented answers a message that means nothing to us (RFC 4253,
// section 11.4).
func (c *Conn) unimplemented(seq uint32) error {
	if c.shared {
		return broken("a message that nobody knows on a shared connection")
	}
	return c.Post(wire.AppendUint32([]byte{wire.MsgUnimplemented}, seq))
}

// Unimplemented answers the message that Next returned last as unknown. It is
// for the goroutine that calls Next.
func (c *Conn) Unimplemented() error { return c.unimplemented(c.in.seq - 1) }

func (c *Conn) handleDisconnect(p []byte) error {
	r := wire.NewReader(p[1:])
	reason, text := r.Uint32(), r.String()
	if r.Err() != nil {
		return broken("malformed disconnect")
	}
	if len(text) > 1024 {
		text = text[:1024]
	}
	return &DisconnectError{Reason: reason, Text: text, Remote: true}
}

func (c *Conn) handleUnimplemented(p []byte) error {
	r := wire.NewReader(p[1:])
	seq := r.Uint32()
	if r.End() != nil {
		return broken("malformed unimplemented message")
	}
	c.log.Debug("peer does not know a message of ours", "sequence", seq)
	return nil
}

func (c *Conn) handleDebug(p []byte) error {
	r := wire.NewReader(p[1:])
	r.Bool()
	text := r.Bytes()
	r.Bytes()
	if r.End() != nil {
		return broken("malformed debug message")
	}
	c.log.Debug(fmt.Sprintf("Remote: %.1024s", text))
	return nil
}
