package transport

import (
	"fmt"
	"slices"
	"time"

	"github.com/nacre-ssh/nacre/kex"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/wire"
)

// An epoch is what packets are sealed with from one NEWKEYS of ours on.
type epoch struct {
	seal  packet.Sealer
	comp  compression
	limit uint64
	dir   Direction
	keys  packet.Keys
}

// finish derives the keys, queues our NEWKEYS, and has the opener ready for the
// peer's.
func (c *Conn) finish(k *exchange, done *kex.Result) error {
	if k.first {
		c.sessionID = done.H
	}
	toServer := packetKeys(done, c.sessionID, 'A', 'C', 'E')
	toClient := packetKeys(done, c.sessionID, 'B', 'D', 'F')
	ours, theirs := toServer, toClient
	if c.server {
		ours, theirs = theirs, ours
	}
	out, in := k.chosen.Out, k.chosen.In
	outKeys, err := ours(out)
	if err != nil {
		return err
	}
	if k.inKeys, err = theirs(in); err != nil {
		return err
	}
	e := epoch{dir: out, keys: outKeys, comp: compressionOf(out.Compression, c.authed.Load()), limit: c.limit(out.Cipher)}
	if e.seal, err = packet.NewSealer(out.Cipher, out.MAC, outKeys); err != nil {
		return err
	}
	if k.opener, err = packet.NewOpener(in.Cipher, in.MAC, k.inKeys); err != nil {
		return err
	}
	k.inComp, k.limitIn = compressionOf(in.Compression, c.authed.Load()), c.limit(in.Cipher)
	close(k.ready)

	c.out.mu.Lock()
	c.out.next = append(c.out.next, e)
	c.out.copyIn(laneKex, markNewKeys, []byte{wire.MsgNewKeys})
	if k.first && c.wantsExtInfo(k) {
		c.out.copyIn(laneKex, markNone, c.extInfo())
	}
	c.out.mu.Unlock()
	return nil
}

// packetKeys returns the function that derives the keys of one direction
// (RFC 4253, section 7.2).
func packetKeys(done *kex.Result, session []byte, iv, enc, mac byte) func(Direction) (packet.Keys, error) {
	return func(d Direction) (packet.Keys, error) {
		n, k, m, err := packet.Sizes(d.Cipher, d.MAC)
		if err != nil {
			return packet.Keys{}, fmt.Errorf("deriving keys: %w", err)
		}
		return packet.Keys{IV: done.Key(iv, session, n), Key: done.Key(enc, session, k), MAC: done.Key(mac, session, m)}, nil
	}
}

func (c *Conn) wantsExtInfo(k *exchange) bool {
	marker := extInfoServer
	if c.server {
		marker = extInfoClient
	}
	return slices.Contains(k.theirs.kex, marker)
}

// limit is how many bytes one epoch of a cipher may carry.
func (c *Conn) limit(cipher string) uint64 {
	limit := uint64(rekeyBytesSmallBlock)
	if packet.BlockSize(cipher) >= 16 {
		limit = rekeyBytesBigBlock
	}
	if want := c.cfg.RekeyBytes; want > 0 && want < limit {
		limit = want
	}
	return limit
}

// handleNewKeys puts the peer's new keys to use and ends the exchange.
func (c *Conn) handleNewKeys(p []byte) error {
	if len(p) != 1 {
		return broken("malformed NEWKEYS")
	}
	c.kexMu.Lock()
	k := c.kex
	var stepping chan struct{}
	if k != nil {
		stepping = k.stepping
	}
	c.kexMu.Unlock()
	if k == nil || k.theirInit == nil {
		return broken("NEWKEYS outside a key exchange")
	}
	if stepping != nil {
		select {
		case <-stepping:
		case <-c.closed:
		}
		if err := c.Err(); err != nil {
			return err
		}
	}
	if !k.over() {
		return broken("NEWKEYS before the end of the key exchange")
	}
	c.in.open, c.in.comp = k.opener, k.inComp.inflater()
	c.in.bytes, c.in.packets, c.in.asked = 0, 0, false
	c.limitIn = k.limitIn
	if c.strict {
		c.in.seq = 0
	}
	c.kexMu.Lock()
	defer c.kexMu.Unlock()
	c.chosen = k.chosen
	c.kex = nil
	k.stop()
	if c.cfg.Exportable {
		c.kept.in = k.inKeys
	}
	c.schedule()
	return nil
}

// schedule arms the clock for the next rekey. kexMu is held.
func (c *Conn) schedule() {
	if c.cfg.RekeyInterval <= 0 || c.Err() != nil {
		return
	}
	if c.timer == nil {
		c.timer = time.AfterFunc(c.cfg.RekeyInterval, func() { c.Rekey() })
		return
	}
	c.timer.Reset(c.cfg.RekeyInterval)
}
