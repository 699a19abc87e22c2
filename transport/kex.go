package transport

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/kex"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/packet"
)

// An exchange is a key exchange under way, from the first KEXINIT of either side
// to the peer's NEWKEYS. The reader steps it; in a rekey each step runs in a
// goroutine beside, so that data goes on being delivered while a monitor signs
// or a large Diffie-Hellman is computed. Fields are guarded by Conn.kexMu but
// for those that only one step at a time touches.
type exchange struct {
	ctx    context.Context // of signatures; ends with the exchange
	cancel func()
	first  bool
	ours   *kexInit
	theirs *kexInit

	ourInit, theirInit []byte // payloads

	method  kex.Exchange
	guessed string // the method whose first message has left with our KEXINIT
	skip    bool   // the peer's first message was a wrong guess
	chosen  Negotiated

	stepping chan struct{} // closed when the step beside the reader ends; nil: none runs
	ready    chan struct{} // closed when the method is over
	opener   packet.Opener // set before ready is closed
	inComp   compression
	limitIn  uint64
	inKeys   packet.Keys
	timer    *time.Timer
}

func (c *Conn) exchange() *exchange {
	c.kexMu.Lock()
	defer c.kexMu.Unlock()
	return c.kex
}

// Rekey starts a key exchange unless one is under way. It doesn't wait for its
// end. Not for the goroutine that calls Next.
func (c *Conn) Rekey() error {
	c.startKex()
	c.Flush()
	return c.Err()
}

// startKex queues our KEXINIT unless an exchange is under way.
func (c *Conn) startKex() {
	if c.shared {
		return
	}
	if err := c.beginKex(context.Background(), false); err != nil {
		c.fail(err)
	}
}

func (c *Conn) beginKex(ctx context.Context, first bool) error {
	c.kexMu.Lock()
	defer c.kexMu.Unlock()
	if c.kex != nil || c.Err() != nil {
		return nil
	}
	k := &exchange{ctx: ctx, cancel: func() {}, first: first, ready: make(chan struct{})}
	if !first {
		k.ctx, k.cancel = context.WithTimeout(ctx, kexTimeout)
	}
	if err := c.offer(k); err != nil {
		return err
	}
	if !first {
		k.timer = time.AfterFunc(kexTimeout, func() {
			c.fail(kexFailed("the peer did not finish the key exchange within %v", kexTimeout))
		})
	}
	c.kex = k
	return nil
}

// offer makes our KEXINIT and queues it, with a guessed first message where the
// server's lists are known from the last time.
func (c *Conn) offer(k *exchange) error {
	cookie, err := c.cookie()
	if err != nil {
		return err
	}
	a := c.algorithms
	k.ours = &kexInit{
		kex: slices.Clone(a.Kex), hostKeys: a.HostKeys,
		cipherOut: a.Ciphers, cipherIn: a.Ciphers,
		macOut: a.MACs, macIn: a.MACs,
		compressOut: a.Compression, compressIn: a.Compression,
	}
	var guess []byte
	switch {
	case c.server:
		k.ours.hostKeys = c.hostKeyAlgorithms()
	case k.first:
		if method, hostKey, ok := a.guess(c.cfg.Remembered); ok {
			if k.method, err = kex.NewClient(method, c.cfg.Rand); err == nil {
				if guess, err = k.method.Start(); err != nil {
					return err
				}
				k.guessed, k.ours.follows = method, true
				k.ours.kex = toFront(a.Kex, method)
				k.ours.hostKeys = toFront(a.HostKeys, hostKey)
			}
		}
	}
	if k.first {
		k.ours.kex = append(k.ours.kex, c.markers()...)
	}
	k.ourInit = k.ours.marshal(cookie)
	m := markHold
	if k.first {
		m = markNone
	}
	c.control(k.ourInit, m)
	if guess != nil {
		c.control(guess, markNone)
	}
	return nil
}

// markers are the pseudo-methods of our first KEXINIT.
func (c *Conn) markers() []string {
	if c.server {
		return []string{extInfoServer, strictServer}
	}
	return []string{extInfoClient, strictClient}
}

// handleKexInit takes the peer's KEXINIT, answers it if it came first, and
// chooses.
func (c *Conn) handleKexInit(p []byte) error {
	theirs, err := parseKexInit(p)
	if err != nil {
		return broken("malformed KEXINIT")
	}
	if err := c.beginKex(context.Background(), false); err != nil {
		return err
	}
	c.kexMu.Lock()
	defer c.kexMu.Unlock()
	k := c.kex
	if k == nil {
		return ErrClosed
	}
	if k.theirInit != nil {
		return broken("second KEXINIT in one key exchange")
	}
	k.theirs, k.theirInit = theirs, bytes.Clone(p)
	if k.first {
		if err := c.firstKexInit(k); err != nil {
			return err
		}
	}
	if err := c.choose(k); err != nil {
		return err
	}
	return c.startMethod(k)
}

// firstKexInit takes what only the first KEXINIT says.
func (c *Conn) firstKexInit(k *exchange) error {
	marker := strictClient
	if !c.server {
		marker = strictServer
	}
	c.strict = slices.Contains(k.theirs.kex, marker)
	if c.strict && c.in.seq != 1 {
		return broken("strict key exchange: KEXINIT was not the first packet")
	}
	if !c.server && !c.quirks.NoGuess {
		c.peerLists = PeerLists{Kex: unmarked(k.theirs.kex), HostKeys: slices.Clone(k.theirs.hostKeys)}
	}
	return nil
}

func unmarked(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), isMarker)
}

// choose settles the algorithms. kexMu is held.
func (c *Conn) choose(k *exchange) error {
	client, server := k.ours, k.theirs
	if c.server {
		client, server = server, client
	}
	n, toServer, toClient, err := negotiate(client, server)
	if err != nil {
		var failed *NegotiationError
		if errors.As(err, &failed) && c.server {
			failed.Ours, failed.Theirs = failed.Theirs, failed.Ours
		}
		return err
	}
	n.Strict = c.strict
	n.Out, n.In = toServer, toClient
	if c.server {
		n.Out, n.In = toClient, toServer
	}
	k.chosen = n
	prone := packet.TerrapinProne(n.Out.Cipher, n.Out.MAC) || packet.TerrapinProne(n.In.Cipher, n.In.MAC)
	if prone && !c.strict {
		if c.cfg.RequireStrictKex {
			return kexFailed("the peer lacks strict key exchange, without which %s can be truncated (CVE-2023-48795)", n.In.Cipher)
		}
		c.log.Warn("the peer lacks strict key exchange: a man in the middle can drop packets unseen at the start (CVE-2023-48795)", "cipher", n.In.Cipher)
	}
	c.log.Debug("key exchange", "method", n.Kex, "hostkey", n.HostKey, "out", n.Out, "in", n.In, "strict", n.Strict, "lacks", c.lacks(k))
	return nil
}

// lacks are the algorithms that a client would rather have used, and that the
// server hasn't got.
func (c *Conn) lacks(k *exchange) []string {
	if c.server {
		return nil
	}
	var names []string
	for _, list := range [...]struct {
		chosen       string
		ours, theirs []string
	}{
		{k.chosen.Kex, c.algorithms.Kex, k.theirs.kex}, {k.chosen.HostKey, c.algorithms.HostKeys, k.theirs.hostKeys},
		{k.chosen.Out.Cipher, c.algorithms.Ciphers, k.theirs.cipherOut}, {k.chosen.Out.MAC, c.algorithms.MACs, k.theirs.macOut},
	} {
		for _, name := range list.ours[:max(0, slices.Index(list.ours, list.chosen))] {
			if !slices.Contains(list.theirs, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// startMethod begins the chosen method. kexMu is held.
func (c *Conn) startMethod(k *exchange) (err error) {
	right := guessRight(k.ours, k.theirs)
	k.skip = k.theirs.follows && !right
	if c.server {
		k.method, err = kex.NewServer(k.chosen.Kex, c.cfg.Rand, c.cfg.Moduli)
		return err
	}
	if k.guessed != "" && right && k.guessed == k.chosen.Kex {
		return nil
	}
	if k.method, err = kex.NewClient(k.chosen.Kex, c.cfg.Rand); err != nil {
		return err
	}
	if k.first || !kex.Slow(k.chosen.Kex) {
		msg, err := k.method.Start()
		if err == nil {
			c.control(msg, markNone)
		}
		return err
	}
	k.stepping = make(chan struct{})
	c.Go(func() { c.beside(k, k.method.Start) })
	return nil
}

// beside runs a piece of a rekey in its own goroutine and sends what it returns
// and queued. The next step may begin as soon as that is on its way, never
// before: two steps at once would be two owners of one method.
func (c *Conn) beside(k *exchange, work func() ([]byte, error)) {
	msg, err := work()
	if err != nil {
		c.fail(err) // first, so that who waits for the step learns this reason
	}
	c.kexMu.Lock()
	close(k.stepping)
	k.stepping = nil
	c.kexMu.Unlock()
	if err != nil {
		return
	}
	if msg != nil {
		c.control(msg, markNone)
	}
	c.Flush()
}

// handleKex takes a message of the method, numbered 30 to 49.
func (c *Conn) handleKex(p []byte) error {
	c.kexMu.Lock()
	k := c.kex
	if k == nil || k.theirInit == nil {
		c.kexMu.Unlock()
		return broken("key exchange message %d outside a key exchange", p[0])
	}
	if k.skip {
		k.skip = false
		c.kexMu.Unlock()
		return nil
	}
	if k.stepping != nil || k.over() {
		c.kexMu.Unlock()
		return broken("key exchange message %d out of turn", p[0])
	}
	if !k.first {
		k.stepping = make(chan struct{})
	}
	c.kexMu.Unlock()
	if k.first {
		send, err := c.step(k, p)
		if send != nil {
			c.control(send, markNone)
		}
		return err
	}
	msg := bytes.Clone(p)
	c.Go(func() { c.beside(k, func() ([]byte, error) { return c.step(k, msg) }) })
	return nil
}

// over reports whether the method has ended: only NEWKEYS may follow.
func (k *exchange) over() bool {
	select {
	case <-k.ready:
		return true
	default:
		return false
	}
}

// step gives the method one message, finishes the exchange if it was the last,
// and returns what to send if it was not.
func (c *Conn) step(k *exchange, msg []byte) ([]byte, error) {
	p := &kex.Params{
		ClientVersion: []byte(c.ours), ServerVersion: []byte(c.theirs),
		ClientInit: k.ourInit, ServerInit: k.theirInit,
	}
	var signer key.Signer
	if c.server {
		p.ClientVersion, p.ServerVersion = p.ServerVersion, p.ClientVersion
		p.ClientInit, p.ServerInit = p.ServerInit, p.ClientInit
		signer = c.signerFor(k.chosen.HostKey)
		p.HostKey = signer.Public().Blob()
	}
	send, done, err := k.method.Step(p, msg)
	if err != nil {
		return nil, kexFailed("key exchange failed: %v", err)
	}
	if done == nil {
		return send, nil
	}
	if c.server {
		err = c.prove(k, signer, done)
	} else {
		err = c.verify(k, done)
	}
	if err != nil {
		return nil, err
	}
	return nil, c.finish(k, done)
}

// signerFor returns the host key that signs with an algorithm of the table of
// what was offered.
func (c *Conn) signerFor(algorithm string) key.Signer {
	for _, signer := range c.cfg.HostKeys {
		if slices.Contains(signer.Public().Algorithms(), algorithm) {
			return signer
		}
	}
	panic("transport: a host key algorithm was negotiated that was not offered")
}

// prove signs the exchange hash and queues the reply.
func (c *Conn) prove(k *exchange, signer key.Signer, done *kex.Result) error {
	sig, err := signer.Sign(k.ctx, k.chosen.HostKey, done.H)
	if err != nil {
		c.log.Error("signing with the host key", "err", err)
		return kexFailed("the server could not sign with its host key")
	}
	c.hostKey = signer.Public().Blob()
	c.control(done.Reply(sig), markNone)
	return nil
}

// verify checks that the server holds the key it shows and that it is the right
// one.
func (c *Conn) verify(k *exchange, done *kex.Result) error {
	pub, err := cert.ParsePublic(done.HostKey)
	if err != nil {
		return kexFailed("the server's host key is unusable: %v", err)
	}
	if !slices.Contains(pub.Algorithms(), k.chosen.HostKey) {
		return kexFailed("the server sent a host key of type %q where %s was agreed on", pub.Type(), k.chosen.HostKey)
	}
	if err := pub.Verify(k.chosen.HostKey, done.H, done.Signature); err != nil {
		return kexFailed("the server's signature is wrong: %v", err)
	}
	if !k.first {
		if !bytes.Equal(done.HostKey, c.hostKey) {
			return kexFailed("the server changed its host key during the connection")
		}
		return nil
	}
	c.hostKey, c.hostProof = bytes.Clone(done.HostKey), bytes.Clone(done.Signature)
	if c.cfg.VerifyHostKey == nil {
		return &HostKeyError{errors.New("no host key is trusted: VerifyHostKey is not set")}
	}
	if err := c.cfg.VerifyHostKey(k.ctx, pub); err != nil {
		return &HostKeyError{err}
	}
	return nil
}

// stop ends what the exchange left running.
func (k *exchange) stop() {
	k.cancel()
	if k.timer != nil {
		k.timer.Stop()
	}
}
