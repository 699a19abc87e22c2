package transport

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nacre-ssh/nacre/internal/netx"
	"github.com/nacre-ssh/nacre/wire"
)

// A Conn is one SSH connection after its first key exchange. One goroutine calls
// Next; all other methods may be called from any goroutine unless they say
// otherwise.
type Conn struct {
	nc     net.Conn
	cfg    *Config
	server bool
	shared bool // no keys, see Shared
	log    *slog.Logger

	ours, theirs string // identification lines without CR LF
	quirks       Quirks
	sessionID    []byte
	hostKey      []byte // blob of the server's key
	hostProof    []byte // the server's signature of the session id; nil after an import
	algorithms   Algorithms
	strict       bool
	peerLists    PeerLists

	in  reader
	out writer

	kexMu   sync.Mutex
	kex     *exchange // under way, or nil
	chosen  Negotiated
	limitIn uint64      // bytes after which to rekey; the reader's
	timer   *time.Timer // RekeyInterval

	extMu sync.Mutex
	ext   map[string][]byte

	authed atomic.Bool
	ping   pinger
	kept   *kept // for Export

	once   sync.Once
	closed chan struct{}
	cause  atomic.Pointer[error]
}

// Client identifies itself on nc, runs the first key exchange as a client and
// returns the connection. When ctx ends before that, nc is closed. The Conn owns
// nc from then on, and nc is closed if Client fails.
func Client(ctx context.Context, nc net.Conn, cfg *Config) (*Conn, error) {
	return newConn(ctx, nc, cfg, false)
}

// Server is Client for the other side.
func Server(ctx context.Context, nc net.Conn, cfg *Config) (*Conn, error) {
	if len(cfg.HostKeys) == 0 {
		nc.Close()
		return nil, errors.New("a server needs at least one host key")
	}
	return newConn(ctx, nc, cfg, true)
}

func newConn(ctx context.Context, nc net.Conn, cfg *Config, server bool) (*Conn, error) {
	c := makeConn(nc, cfg, server)
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	err := c.handshake(ctx)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		err = c.fail(err)
		c.in.release()
		return nil, err
	}
	return c, nil
}

// Go starts a goroutine of the connection's, as [Config.Go] says.
func (c *Conn) Go(f func()) {
	if c.cfg.Go != nil {
		c.cfg.Go(f)
		return
	}
	go f()
}

func makeConn(nc net.Conn, cfg *Config, server bool) *Conn {
	c := &Conn{nc: nc, cfg: cfg, server: server, log: cfg.Logger, closed: make(chan struct{})}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.algorithms = cfg.Algorithms.withDefaults(server)
	version := cfg.Version
	if version == "" {
		version = Version
	}
	c.ours = "SSH-2.0-" + version
	c.in.init(nc)
	c.out.init(nc)
	c.limitIn, c.out.limit = rekeyBytesSmallBlock, rekeyBytesSmallBlock
	if cfg.Exportable {
		c.kept = new(kept)
	}
	return c
}

// handshake brings the connection to the end of its first key exchange.
func (c *Conn) handshake(ctx context.Context) error {
	c.out.mu.Lock()
	c.out.copyIn(laneKex, markRaw, []byte(c.ours+"\r\n"))
	c.out.mu.Unlock()
	if err := c.beginKex(ctx, true); err != nil {
		return err
	}
	c.flushPosted() // the peer may be writing, too
	if err := c.readIdentification(); err != nil {
		return err
	}
	for c.exchange() != nil {
		p, err := c.next(true)
		if err != nil {
			return err
		}
		if p != nil {
			return broken("message %d in the middle of the first key exchange", p[0])
		}
		c.flushPosted()
	}
	return c.readExtInfo()
}

// readExtInfo handles what the server sent together with its NEWKEYS and is here
// already, so that auth knows the server's extensions without waiting for them.
func (c *Conn) readExtInfo() error {
	for !c.server && c.complete() {
		p, err := c.next(false)
		if err != nil {
			return err
		}
		if p != nil {
			return broken("message %d before anything was asked", p[0])
		}
	}
	return nil
}

// readIdentification reads the peer's identification line (RFC 4253,
// section 4.2). A server may say other lines before it, a client may not.
func (c *Conn) readIdentification() error {
	total := 0
	for {
		line, err := c.in.line()
		if err != nil {
			if errors.Is(err, errLongLine) {
				return &IdentificationError{Line: line}
			}
			if errors.Is(err, io.EOF) || total == 0 && isReset(err) {
				return &IdentificationError{Line: line}
			}
			return err
		}
		if strings.HasPrefix(line, "SSH-") {
			if !strings.HasPrefix(line, "SSH-2.0-") && !strings.HasPrefix(line, "SSH-1.99-") {
				return &IdentificationError{Line: line}
			}
			c.theirs = line
			c.quirks = quirksOf(line)
			c.log.Debug("remote identification", "line", line, "kind", c.quirks.Name)
			return nil
		}
		if total += len(line) + 2; c.server || total > maxBanner {
			return &IdentificationError{Line: line}
		}
	}
}

// SessionID is the first exchange hash, which names the connection. The caller
// must not change it.
func (c *Conn) SessionID() []byte { return c.sessionID }

// HostKey is the wire encoding of the server's host key. The caller must not
// change it.
func (c *Conn) HostKey() []byte { return c.hostKey }

// HostProof is the server's signature of SessionID with its host key, from the
// first key exchange, for those who were told of the connection and did not see
// it. It is nil on the server's side and for a connection that was imported. The
// caller must not change it.
func (c *Conn) HostProof() []byte { return c.hostProof }

// PeerVersion is the peer's identification line without CR LF. Escape it before
// printing.
func (c *Conn) PeerVersion() string { return c.theirs }

// Quirks is what is special about the peer.
func (c *Conn) Quirks() Quirks { return c.quirks }

// PeerLists is what the server prefers, to be remembered for [Config.Remembered].
func (c *Conn) PeerLists() PeerLists { return c.peerLists }

// Traffic is how many bytes of packets were sent and received so far.
func (c *Conn) Traffic() (sent, received uint64) { return c.out.all.Load(), c.in.all.Load() }

// Negotiated tells the algorithms of the last finished key exchange.
func (c *Conn) Negotiated() Negotiated {
	c.kexMu.Lock()
	defer c.kexMu.Unlock()
	return c.chosen
}

// NetConn is the connection below. It belongs to the Conn.
func (c *Conn) NetConn() net.Conn { return c.nc }

// SetQoS gives the connection's packets a class of service: the byte of the IP
// header. What has no socket of its own has no packets, and is left alone.
func (c *Conn) SetQoS(class int) error { return netx.SetQoS(c.nc, class) }

// PeerExt returns an extension that the peer announced (RFC 8308).
func (c *Conn) PeerExt(name string) ([]byte, bool) {
	c.extMu.Lock()
	defer c.extMu.Unlock()
	v, ok := c.ext[name]
	return v, ok
}

// ServerSigAlgs lists the signature algorithms that the server takes for user
// authentication, or nil when it didn't say (RFC 8308, section 3.1).
func (c *Conn) ServerSigAlgs() []string {
	v, ok := c.PeerExt(extServerSigAlgs)
	if !ok {
		return nil
	}
	return strings.Split(string(v), ",")
}

// AuthSucceeded tells the transport that the user is authenticated: right after
// USERAUTH_SUCCESS was sent or received. Delayed compression starts here.
func (c *Conn) AuthSucceeded() {
	c.kexMu.Lock()
	chosen := c.chosen
	c.kexMu.Unlock()
	c.authed.Store(true)
	if chosen.In.Compression == compressDelayed {
		c.in.comp = newInflater()
	}
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	if chosen.Out.Compression == compressDelayed {
		c.out.push(Control, frame{mark: markCompress})
	}
}

// fail ends the connection because of err, tells the peer if it is to be told,
// and returns the error that callers are to see: the first one wins.
func (c *Conn) fail(err error) error {
	if was := c.cause.Load(); was != nil {
		return *was
	}
	if reason, text, tell := reasonOf(err); tell {
		c.postDisconnect(reason, text)
		c.flushPosted()
	}
	c.closeWith(err, false)
	return *c.cause.Load()
}

// reasonOf tells what a peer is told about err. Details that could serve as an
// oracle stay here.
func reasonOf(err error) (uint32, string, bool) {
	var gone *DisconnectError
	var negotiation *NegotiationError
	var hostKey *HostKeyError
	switch {
	case errors.As(err, &gone):
		return gone.Reason, gone.Text, !gone.Remote
	case errors.As(err, &negotiation):
		return wire.DisconnectKeyExchangeFailed, "no matching " + negotiation.What + " found", true
	case errors.As(err, &hostKey):
		return wire.DisconnectHostKeyNotVerifiable, "host key verification failed", true
	}
	return 0, "", false
}

// DisconnectNow ends the connection for the reason that e gives, without waiting
// for the peer; it is for the goroutine that calls Next.
func (c *Conn) DisconnectNow(e *DisconnectError) {
	c.fail(e)
	c.in.release()
}

// Close ends the connection at once, without a word to the peer.
func (c *Conn) Close() error { return c.closeWith(ErrClosed, false) }

// Closed is closed when the connection has ended.
func (c *Conn) Closed() <-chan struct{} { return c.closed }

// Err tells why the connection has ended, or nil while it lives.
func (c *Conn) Err() error {
	if err := c.cause.Load(); err != nil {
		return *err
	}
	return nil
}

func (c *Conn) closeWith(err error, told bool) error {
	c.once.Do(func() {
		c.cause.Store(&err)
		forWriters := err
		if errors.Is(err, io.EOF) {
			forWriters = io.ErrUnexpectedEOF // the end for a reader only
		}
		var gone *DisconnectError
		tell := errors.As(err, &gone) && !gone.Remote
		c.out.mu.Lock()
		c.out.parting = tell && c.out.busy // the one who writes sends the reason and closes
		parting := c.out.parting
		c.out.stop(forWriters)
		c.out.mu.Unlock()
		c.kexMu.Lock()
		if c.timer != nil {
			c.timer.Stop()
		}
		if c.kex != nil {
			c.kex.stop()
		}
		c.kexMu.Unlock()
		switch {
		case parting:
			c.nc.SetWriteDeadline(time.Now().Add(lingerTime))
		case told || tell:
			go linger(c.nc)
		default:
			c.nc.Close()
		}
		close(c.closed)
	})
	return nil
}

// linger closes nc after the peer has had the chance to read what was sent to
// it: closing at once would throw it away if the peer has sent something that
// we have not read.
func linger(nc net.Conn) {
	if half, ok := nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		nc.SetDeadline(time.Now().Add(lingerTime))
		io.CopyN(io.Discard, nc, 1<<20)
	}
	nc.Close()
}

func (c *Conn) rand() io.Reader {
	if c.cfg.Rand != nil {
		return c.cfg.Rand
	}
	return rand.Reader
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}

// cookie is the random start of a KEXINIT.
func (c *Conn) cookie() (b [16]byte, err error) {
	_, err = io.ReadFull(c.rand(), b[:])
	if err != nil {
		err = fmt.Errorf("reading random bytes: %w", err)
	}
	return b, err
}

// hostKeyAlgorithms lists what the server can sign with, in the order of the
// preference list.
func (c *Conn) hostKeyAlgorithms() []string {
	var names []string
	for _, name := range c.algorithms.HostKeys {
		for _, signer := range c.cfg.HostKeys {
			if slices.Contains(signer.Public().Algorithms(), name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
