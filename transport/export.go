package transport

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/nacre-ssh/nacre/internal/slab"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/wire"
)

// kept is what a connection remembers of its keys for the case that it is
// exported.
type kept struct{ in, out packet.Keys }

// stateVersion is the first word of an exported connection.
const stateVersion = 1

// maxState caps the encoding of a State: a slab of unread bytes and small change.
const maxState = slab.Large + 16<<10

// ErrBusy says that a connection can't be exported now: a key exchange is under
// way, or compression has begun.
var ErrBusy = errors.New("connection can't be handed over in the middle of a key exchange or with compression running")

// Export encodes the connection's state, so that another process that holds its
// socket can carry on with Import: keys, sequence numbers, what was read but not
// opened, who the peer is. It holds the secrets of the connection. It waits for
// the end of a key exchange that is under way, and until everything sent before
// has left. Afterwards this Conn must not be used;
// its net.Conn is left open. Only the goroutine that calls Next may call it,
// right after authentication, before any channel is open; needs
// [Config.Exportable].
func (c *Conn) Export() ([]byte, error) {
	if !c.cfg.Exportable {
		return nil, errors.New("connection was not made to be handed over")
	}
	if err := c.finishKex(); err != nil {
		return nil, err
	}
	if err := c.Drain(); err != nil {
		return nil, err
	}
	c.kexMu.Lock()
	defer c.kexMu.Unlock()
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	if c.kex != nil || c.chosen.In.Compression == packet.CompressZlib || c.chosen.Out.Compression == packet.CompressZlib {
		return nil, ErrBusy
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	b := wire.AppendUint32(nil, stateVersion)
	b = wire.AppendBool(b, c.server)
	b = wire.AppendBool(b, c.strict)
	b = wire.AppendBool(b, c.authed.Load())
	for _, s := range []string{c.ours, c.theirs, c.chosen.Kex, c.chosen.HostKey} {
		b = wire.AppendString(b, s)
	}
	b = wire.AppendString(b, c.sessionID)
	b = wire.AppendString(b, c.hostKey)
	b = appendDirection(b, c.chosen.In, c.kept.in, c.in.open.IV())
	b = wire.AppendUint32(b, c.in.seq)
	b = wire.AppendUint64(b, c.in.bytes)
	b = wire.AppendUint64(b, c.in.packets)
	b = appendDirection(b, c.chosen.Out, c.kept.out, c.out.seal.IV())
	b = wire.AppendUint32(b, c.out.seq)
	b = wire.AppendUint64(b, c.out.bytes)
	b = wire.AppendUint64(b, c.out.packets)
	b = c.appendExt(b)
	var unread []byte
	if c.in.slab != nil {
		unread = c.in.slab.Bytes()[c.in.r:c.in.w]
	}
	b = wire.AppendString(b, unread)
	if c.in.slab != nil {
		c.in.slab.Release()
		c.in.slab = nil
	}
	c.out.stop(ErrClosed)
	return b, nil
}

// finishKex reads on to the end of the key exchange that is under way, if any:
// a peer may have begun one while it authenticated.
func (c *Conn) finishKex() error {
	for c.exchange() != nil {
		p, err := c.next(false)
		if err != nil {
			return c.fail(err)
		}
		if p != nil {
			return ErrBusy
		}
	}
	return nil
}

func appendDirection(b []byte, d Direction, k packet.Keys, iv []byte) []byte {
	if iv == nil {
		iv = k.IV
	}
	for _, s := range []string{d.Cipher, d.MAC, d.Compression} {
		b = wire.AppendString(b, s)
	}
	b = wire.AppendString(b, iv)
	b = wire.AppendString(b, k.Key)
	return wire.AppendString(b, k.MAC)
}

func (c *Conn) appendExt(b []byte) []byte {
	c.extMu.Lock()
	defer c.extMu.Unlock()
	b = wire.AppendUint32(b, uint32(len(c.ext)))
	for name, value := range c.ext {
		b = wire.AppendString(b, name)
		b = wire.AppendString(b, value)
	}
	return b
}

// Import carries on with a connection that another process exported, on the
// same socket. cfg must allow the same algorithms and, for a server, hold
// signers for the same host keys. The Conn owns nc; state is not kept.
func Import(nc net.Conn, state []byte, cfg *Config) (*Conn, error) {
	if len(state) > maxState {
		return nil, fmt.Errorf("handed-over state of %d bytes is too large", len(state))
	}
	r := wire.NewReader(state)
	if v := r.Uint32(); v != stateVersion {
		return nil, fmt.Errorf("handed-over state has version %d, not %d", v, stateVersion)
	}
	c := makeConn(nc, cfg, r.Bool())
	c.strict = r.Bool()
	c.authed.Store(r.Bool())
	c.ours, c.theirs, c.chosen.Kex, c.chosen.HostKey = r.String(), r.String(), r.String(), r.String()
	c.sessionID, c.hostKey = slices.Clone(r.Bytes()), slices.Clone(r.Bytes())
	inDir, inKeys := readDirection(&r)
	c.in.seq, c.in.bytes, c.in.packets = r.Uint32(), r.Uint64(), r.Uint64()
	outDir, outKeys := readDirection(&r)
	c.out.seq, c.out.bytes, c.out.packets = r.Uint32(), r.Uint64(), r.Uint64()
	c.readExt(&r)
	unread := r.Bytes()
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("handed-over state: %w", err)
	}
	if len(unread) > slab.Large {
		return nil, fmt.Errorf("handed-over state: %d unread bytes, more than are ever kept", len(unread))
	}
	var err error
	if c.in.open, err = packet.NewOpener(inDir.Cipher, inDir.MAC, inKeys); err != nil {
		return nil, fmt.Errorf("handed-over state: %w", err)
	}
	if c.out.seal, err = packet.NewSealer(outDir.Cipher, outDir.MAC, outKeys); err != nil {
		return nil, fmt.Errorf("handed-over state: %w", err)
	}
	c.chosen.In, c.chosen.Out, c.chosen.Strict = inDir, outDir, c.strict
	c.quirks = quirksOf(c.theirs)
	c.limitIn, c.out.limit = c.limit(inDir.Cipher), c.limit(outDir.Cipher)
	if c.kept != nil {
		c.kept.in, c.kept.out = inKeys, outKeys
	}
	if len(unread) > 0 {
		c.in.slab = slab.Get(len(unread))
		c.in.w = copy(c.in.slab.Bytes(), unread)
	}
	if c.authed.Load() {
		c.AuthSucceeded()
	}
	c.kexMu.Lock()
	c.schedule()
	c.kexMu.Unlock()
	return c, nil
}

func readDirection(r *wire.Reader) (Direction, packet.Keys) {
	d := Direction{Cipher: r.String(), MAC: r.String(), Compression: r.String()}
	return d, packet.Keys{IV: r.Bytes(), Key: r.Bytes(), MAC: r.Bytes()}
}

func (c *Conn) readExt(r *wire.Reader) {
	n := r.Uint32()
	if n == 0 || n > maxExtensions {
		return
	}
	c.ext = make(map[string][]byte, n)
	for range n {
		name := r.String()
		c.ext[name] = slices.Clone(r.Bytes())
	}
}
