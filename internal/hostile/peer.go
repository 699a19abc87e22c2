package hostile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync/atomic"

	"github.com/nacre-ssh/nacre/kex"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/wire"
)

// Markers in the key exchange list.
const (
	StrictClient  = "kex-strict-c-v00@openssh.com"
	StrictServer  = "kex-strict-s-v00@openssh.com"
	ExtInfoClient = "ext-info-c"
	ExtInfoServer = "ext-info-s"
)

// A Peer is one end of a connection. Set the exported fields before the step
// that uses them. It belongs to one goroutine, but for Send and Raw, which may
// run beside Next.
type Peer struct {
	Conn   net.Conn
	Server bool

	Line   string     // our identification without CR LF; "" is a harmless one
	Offer  Offer      // the lists of our KEXINIT; empty ones are filled in
	Signer key.Signer // server: signs the exchange hash

	// HostKey, Sign and Alter let a server lie: about its key (nil: Signer's),
	// about its signature, and in each message 30 to 49 that either role sends
	// (an Alter that returns nil keeps the message back).
	HostKey []byte
	Sign    func(hash []byte, algorithm string) ([]byte, error)
	Alter   func(msg []byte) []byte

	// What is known after the steps.
	Theirs             string // the other side's identification
	OurInit, TheirInit []byte // payloads of the KEXINITs of the last exchange
	Chosen             Choice
	Result             *kex.Result
	SessionID          []byte

	// Log sees the payload of each message that comes, if set.
	Log func(payload []byte)

	sent    atomic.Int64 // bytes written
	in, out half
	buf     []byte // read and not opened yet
	strict  bool
	rekey   bool
}

// half is one direction.
type half struct {
	seal packet.Sealer
	open packet.Opener
	seq  uint32
}

func (p *Peer) init() {
	if p.out.seal == nil {
		p.out.seal, p.in.open = packet.NewPlainSealer(), packet.NewPlainOpener()
	}
}

// Raw writes bytes as they are.
func (p *Peer) Raw(b []byte) error {
	n, err := p.Conn.Write(b)
	p.sent.Add(int64(n))
	return err
}

// Packet seals a payload, at most wire.MaxPayload bytes, and returns the packet
// without sending it. The sequence number is used up.
func (p *Peer) Packet(payload []byte) []byte {
	p.init()
	b := make([]byte, packet.Head+len(payload)+packet.Tail)
	copy(b[packet.Head:], payload)
	n := p.out.seal.Seal(b, len(payload), p.out.seq)
	p.out.seq++
	return b[:n]
}

// Send sends messages, in one write.
func (p *Peer) Send(payloads ...[]byte) error {
	var b []byte
	for _, payload := range payloads {
		b = append(b, p.Packet(payload)...)
	}
	return p.Raw(b)
}

// Skip makes the next packets count as if n more had been sent before, or had
// come before: what Terrapin does to a victim's idea of them.
func (p *Peer) Skip(out, in uint32) {
	p.out.seq += out
	p.in.seq += in
}

// Next returns the payload of the next message; it is the caller's. After
// NEWKEYS it opens with the new keys, if it has them.
func (p *Peer) Next() ([]byte, error) {
	p.init()
	need := 0
	for {
		if need == 0 && len(p.buf) > 0 {
			n, err := p.in.open.Peek(p.buf, p.in.seq)
			if err != nil {
				return nil, err
			}
			need = n
		}
		if need > 0 && len(p.buf) >= need {
			break
		}
		if err := p.fill(); err != nil {
			return nil, err
		}
	}
	payload, err := p.in.open.Open(p.buf[:need:need], p.in.seq)
	if err != nil {
		return nil, err
	}
	p.in.seq++
	payload = bytes.Clone(payload)
	p.buf = p.buf[need:]
	if payload[0] == wire.MsgNewKeys && p.Result != nil {
		if err := p.switchIn(); err != nil {
			return nil, err
		}
	}
	if p.Log != nil {
		p.Log(payload)
	}
	return payload, nil
}

func (p *Peer) fill() error {
	if cap(p.buf)-len(p.buf) < 4096 {
		p.buf = append(make([]byte, 0, max(64<<10, 2*len(p.buf))), p.buf...)
	}
	n, err := p.Conn.Read(p.buf[len(p.buf):cap(p.buf)])
	p.buf = p.buf[:len(p.buf)+n]
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// A GoneError says that a DISCONNECT came.
type GoneError struct {
	Reason uint32
	Text   string
}

func (e *GoneError) Error() string {
	return fmt.Sprintf("disconnected: %s (reason %d)", e.Text, e.Reason)
}

// Expect returns the next message that has one of the numbers. A DISCONNECT in
// its place is a [*GoneError]; other messages are passed over.
func (p *Peer) Expect(numbers ...byte) ([]byte, error) {
	for {
		m, err := p.Next()
		if err != nil {
			return nil, err
		}
		if slices.Contains(numbers, m[0]) {
			return m, nil
		}
		if m[0] == wire.MsgDisconnect {
			r := wire.NewReader(m[1:])
			return nil, &GoneError{Reason: r.Uint32(), Text: r.String()}
		}
	}
}

// Hello exchanges the identification lines.
func (p *Peer) Hello() error {
	if err := p.SendLine(); err != nil {
		return err
	}
	return p.ReadLine()
}

// SendLine sends our identification.
func (p *Peer) SendLine() error {
	if p.Line == "" {
		p.Line = "SSH-2.0-hostile"
	}
	return p.Raw([]byte(p.Line + "\r\n"))
}

// ReadLine reads the other side's.
func (p *Peer) ReadLine() error {
	for {
		line, rest, ok := bytes.Cut(p.buf, []byte("\n"))
		if !ok {
			if err := p.fill(); err != nil {
				return err
			}
			continue
		}
		p.buf = rest
		if p.Theirs = string(bytes.TrimSuffix(line, []byte("\r"))); len(p.Theirs) > 4 && p.Theirs[:4] == "SSH-" {
			return nil
		}
	}
}

// SendInit sends our KEXINIT.
func (p *Peer) SendInit() error {
	p.OurInit = p.Offer.Payload(p.Server, !p.rekey)
	return p.Send(p.OurInit)
}

// ReadInit waits for theirs, and chooses if ours has been made.
func (p *Peer) ReadInit() error {
	m, err := p.Expect(wire.MsgKexInit)
	if err != nil {
		return err
	}
	return p.TakeInit(m)
}

// TakeInit is ReadInit for a KEXINIT that has come already.
func (p *Peer) TakeInit(m []byte) (err error) {
	p.TheirInit = m
	if p.OurInit == nil {
		return errors.New("our KEXINIT comes first")
	}
	ours, err := ParseOffer(p.OurInit)
	if err != nil {
		return err
	}
	theirs, err := ParseOffer(p.TheirInit)
	if err != nil {
		return err
	}
	client, server := ours, theirs
	if p.Server {
		client, server = theirs, ours
	}
	if !p.rekey {
		p.strict = slices.Contains(client.Kex, StrictClient) && slices.Contains(server.Kex, StrictServer)
	}
	p.Chosen, err = choose(client, server)
	return err
}

// Params are the parts of the exchange hash.
func (p *Peer) Params() *kex.Params {
	k := &kex.Params{
		ClientVersion: []byte(p.Line), ServerVersion: []byte(p.Theirs),
		ClientInit: p.OurInit, ServerInit: p.TheirInit,
	}
	if p.Server {
		k.ClientVersion, k.ServerVersion = k.ServerVersion, k.ClientVersion
		k.ClientInit, k.ServerInit = k.ServerInit, k.ClientInit
		if k.HostKey = p.HostKey; k.HostKey == nil && p.Signer != nil {
			k.HostKey = p.Signer.Public().Blob()
		}
	}
	return k
}

// Agree runs the chosen method up to NEWKEYS, which it leaves to [Peer.NewKeys].
func (p *Peer) Agree() error {
	method, err := p.method()
	if err != nil {
		return err
	}
	msg, err := method.Start()
	for err == nil {
		if msg != nil {
			if err := p.tell(msg); err != nil {
				return err
			}
		}
		if p.Result != nil {
			return nil
		}
		var in []byte
		if in, err = p.Expect(30, 31, 32, 33, 34); err != nil {
			return err
		}
		if msg, p.Result, err = method.Step(p.Params(), in); err != nil {
			return err
		}
		if p.Result != nil && p.Server {
			msg, err = p.reply()
		}
		if p.Result != nil && p.SessionID == nil {
			p.SessionID = p.Result.H
		}
	}
	return err
}

func (p *Peer) method() (kex.Exchange, error) {
	p.Result = nil
	if p.Server {
		return kex.NewServer(p.Chosen.Kex, nil, nil)
	}
	return kex.NewClient(p.Chosen.Kex, nil)
}

// tell sends a message of the method unless Alter keeps it back.
func (p *Peer) tell(msg []byte) error {
	if p.Alter != nil {
		if msg = p.Alter(msg); msg == nil {
			return nil
		}
	}
	return p.Send(msg)
}

// reply signs the exchange hash.
func (p *Peer) reply() (msg []byte, err error) {
	sign := p.Sign
	if sign == nil {
		sign = func(hash []byte, algorithm string) ([]byte, error) {
			return p.Signer.Sign(context.Background(), algorithm, hash)
		}
	}
	sig, err := sign(p.Result.H, p.Chosen.HostKey)
	if err != nil {
		return nil, err
	}
	return p.Result.Reply(sig), nil
}

// NewKeys sends NEWKEYS and waits for the other side's.
func (p *Peer) NewKeys() error {
	if err := p.SendNewKeys(); err != nil {
		return err
	}
	return p.ReadNewKeys()
}

// SendNewKeys sends NEWKEYS and seals with the new keys from then on.
func (p *Peer) SendNewKeys() (err error) {
	if err := p.Send([]byte{wire.MsgNewKeys}); err != nil {
		return err
	}
	return p.SwitchOut()
}

// SwitchOut seals with the new keys from now on, without a word.
func (p *Peer) SwitchOut() (err error) {
	letters, cipher, mac := "ACE", p.Chosen.CipherToServer, p.Chosen.MACToServer
	if p.Server {
		letters, cipher, mac = "BDF", p.Chosen.CipherToClient, p.Chosen.MACToClient
	}
	if p.strict {
		p.out.seq = 0
	}
	keys, err := p.keys(letters, cipher, mac)
	if err == nil {
		p.out.seal, err = packet.NewSealer(cipher, mac, keys)
	}
	return err
}

// ReadNewKeys waits for NEWKEYS.
func (p *Peer) ReadNewKeys() error {
	_, err := p.Expect(wire.MsgNewKeys)
	return err
}

// switchIn opens with the new keys from now on.
func (p *Peer) switchIn() error {
	p.rekey = true
	letters, cipher, mac := "BDF", p.Chosen.CipherToClient, p.Chosen.MACToClient
	if p.Server {
		letters, cipher, mac = "ACE", p.Chosen.CipherToServer, p.Chosen.MACToServer
	}
	if p.strict {
		p.in.seq = 0
	}
	keys, err := p.keys(letters, cipher, mac)
	if err == nil {
		p.in.open, err = packet.NewOpener(cipher, mac, keys)
	}
	return err
}

func (p *Peer) keys(letters, cipher, mac string) (packet.Keys, error) {
	iv, k, m, err := packet.Sizes(cipher, mac)
	if err != nil {
		return packet.Keys{}, err
	}
	return packet.Keys{
		IV:  p.Result.Key(letters[0], p.SessionID, iv),
		Key: p.Result.Key(letters[1], p.SessionID, k),
		MAC: p.Result.Key(letters[2], p.SessionID, m),
	}, nil
}

// Handshake takes all steps of the first key exchange, as an honest peer would.
func (p *Peer) Handshake() error {
	if err := p.Hello(); err != nil {
		return fmt.Errorf("identification: %w", err)
	}
	return p.Exchange()
}

// Exchange takes all steps of a key exchange.
func (p *Peer) Exchange() error {
	for _, step := range []struct {
		name string
		take func() error
	}{{"KEXINIT", p.SendInit}, {"their KEXINIT", p.ReadInit}, {"the method", p.Agree}, {"NEWKEYS", p.NewKeys}} {
		if err := step.take(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// Strict reports whether strict key exchange is in force.
func (p *Peer) Strict() bool { return p.strict }
