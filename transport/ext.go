package transport

import (
	"bytes"
	"sync/atomic"
	"time"

	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/wire"
)

// Extensions (RFC 8308, section 3; PROTOCOL, sections 1.9 and 1.11).
const (
	extServerSigAlgs = "server-sig-algs"
	extPing          = "ping@openssh.com"
	extHostBound     = "publickey-hostbound@openssh.com"
)

const compressDelayed = packet.CompressDelayed

// compression names what a direction does from its NEWKEYS on.
type compression struct{ on bool }

// compressionOf tells whether a direction compresses at once; delayed
// compression does so only once the user is authenticated.
func compressionOf(method string, authed bool) compression {
	return compression{method == packet.CompressZlib || method == packet.CompressDelayed && authed}
}

func (c compression) deflater() *packet.Deflater {
	if c.on {
		return new(packet.Deflater)
	}
	return nil
}

func (c compression) inflater() *packet.Inflater {
	if c.on {
		return newInflater()
	}
	return nil
}

func newInflater() *packet.Inflater { return new(packet.Inflater) }

// extInfo is our EXT_INFO (RFC 8308, section 2.3).
func (c *Conn) extInfo() []byte {
	entries := []string{extPing, "0"}
	if c.server {
		algorithms := c.cfg.UserKeyAlgorithms
		if len(algorithms) == 0 {
			algorithms = DefaultUserKeys()
		}
		entries = append(entries, extServerSigAlgs, join(algorithms), extHostBound, "0")
	}
	b := wire.AppendUint32([]byte{wire.MsgExtInfo}, uint32(len(entries)/2))
	for _, s := range entries {
		b = wire.AppendString(b, s)
	}
	return b
}

func (c *Conn) handleExtInfo(p []byte) error {
	if c.authed.Load() && !c.server {
		c.log.Debug("extension info after authentication")
	}
	r := wire.NewReader(p[1:])
	n := r.Uint32()
	if n > maxExtensions {
		return broken("extension info with %d entries", n)
	}
	ext, kept := make(map[string][]byte, n), 0
	for range n {
		name, value := r.Bytes(), r.Bytes()
		if kept += len(name) + len(value); kept > maxExtInfo {
			continue // nothing that we know is so large
		}
		ext[string(name)] = bytes.Clone(value)
	}
	if r.End() != nil {
		return broken("malformed extension info")
	}
	c.extMu.Lock()
	defer c.extMu.Unlock()
	c.ext = ext
	return nil
}

// A pinger measures round trips inside SSH.
type pinger struct {
	sent atomic.Int64 // when the outstanding ping left, UnixNano; 0 none
	rtt  atomic.Int64 // nanoseconds, the smallest so far
}

// RTT is the smallest measured round trip to the peer, 0 when there was none
// yet. The smallest is the path's own: later ones include what waits in queues.
func (c *Conn) RTT() time.Duration { return time.Duration(c.ping.rtt.Load()) }

// CanPing reports whether the peer answers pings.
func (c *Conn) CanPing() bool {
	v, ok := c.PeerExt(extPing)
	return ok && string(v) == "0"
}

// PostPing queues a ping unless one is out; it leaves as what Post is given. The
// answer updates RTT.
func (c *Conn) PostPing() error {
	if !c.ping.sent.CompareAndSwap(0, time.Now().UnixNano()) {
		return nil
	}
	return c.Post(wire.AppendString([]byte{wire.MsgPing}, pingText))
}

// pingText is in the pings that measure, and chaffText in the others. Both make a
// packet of the size of one keystroke's.
const (
	pingText  = "nacre"
	chaffText = "PING!"
)

// Chaff sends a packet that looks like a keystroke on a channel, and has the peer
// send one that looks like its echo: a ping. The peer must answer pings. Not for
// the goroutine that calls Next.
func (c *Conn) Chaff() error {
	return c.Send(wire.AppendString([]byte{wire.MsgPing}, chaffText))
}

// Rekeying reports whether a key exchange is under way.
func (c *Conn) Rekeying() bool { return c.exchange() != nil }

// Measured takes a round trip that somebody else measured.
func (c *Conn) Measured(d time.Duration) {
	d = max(d, time.Microsecond)
	for {
		old := c.ping.rtt.Load()
		if old > 0 && old <= int64(d) || c.ping.rtt.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

func (c *Conn) handlePing(p []byte) error {
	r := wire.NewReader(p[1:])
	data := r.Bytes()
	if r.End() != nil {
		return broken("malformed ping")
	}
	return c.Post(wire.AppendString([]byte{wire.MsgPong}, data))
}

func (c *Conn) handlePong(p []byte) error {
	r := wire.NewReader(p[1:])
	if r.String() != pingText {
		return nil // chaff's
	}
	if sent := c.ping.sent.Swap(0); sent != 0 {
		c.Measured(time.Duration(time.Now().UnixNano() - sent))
	}
	return nil // nobody asked: ignored
}
