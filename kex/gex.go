package kex

import (
	"crypto"
	"fmt"
	"io"
	"math/big"

	"github.com/nacre-ssh/nacre/wire"
)

// Message numbers of group exchange (RFC 4419, section 5).
const (
	msgGexRequestOld = wire.MsgKexFirst // dropped by OpenSSH, refused here
	msgGexGroup      = wire.MsgKexFirst + 1
	msgGexInit       = wire.MsgKexFirst + 2
	msgGexReply      = wire.MsgKexFirst + 3
	msgGexRequest    = wire.MsgKexFirst + 4
)

// preferredGroupBits is the size that our client asks for. 3072 bits are as
// strong as curve25519, and unlike the 8192 that OpenSSH asks for with most
// ciphers, every server's group of that size is quick and some old servers
// fail beyond 4096.
const preferredGroupBits = 3072

var gexNumbers = numbers{init: msgGexInit, reply: msgGexReply}

// sizes is what a client asks for, in bits.
type sizes struct{ min, prefer, max uint32 }

// hashed returns what group exchange adds to the exchange hash between host key
// and public values (RFC 4419, section 3).
func (s sizes) hashed(p, g *big.Int) []byte {
	b := make([]byte, 0, 3*4+2*(4+1)+(p.BitLen()+g.BitLen())/8+2)
	b = s.append(b)
	b = wire.AppendMpint(b, p)
	return wire.AppendMpint(b, g)
}

func (s sizes) append(b []byte) []byte {
	b = wire.AppendUint32(b, s.min)
	b = wire.AppendUint32(b, s.prefer)
	return wire.AppendUint32(b, s.max)
}

// gexClient asks for a group, then goes on as the client of that group.
type gexClient struct {
	hash    crypto.Hash
	random  io.Reader
	started bool
	over    bool
	inner   *client // set when the group has come
}

// asked is what each of our clients asks for.
var asked = sizes{min: MinGroupBits, prefer: preferredGroupBits, max: MaxGroupBits}

func (c *gexClient) Start() ([]byte, error) {
	if c.over {
		return nil, ErrOver
	}
	if c.started {
		return nil, errStarted
	}
	c.started = true
	return asked.append([]byte{msgGexRequest}), nil
}

func (c *gexClient) Step(p *Params, msg []byte) ([]byte, *Result, error) {
	if c.inner != nil {
		return c.inner.Step(p, msg)
	}
	if c.over {
		return nil, nil, ErrOver
	}
	if !c.started {
		c.over = true
		return nil, nil, errNotStarted
	}
	d, err := parseGroup(msg)
	if err != nil {
		c.over = true
		return nil, nil, err
	}
	c.inner = &client{
		agreement: d, hash: c.hash, random: c.random,
		numbers: gexNumbers, group: asked.hashed(d.p, d.g),
	}
	send, err := c.inner.Start()
	return send, nil, err
}

func parseGroup(msg []byte) (*group, error) {
	r, err := open(msg, msgGexGroup)
	if err != nil {
		return nil, err
	}
	d := &group{p: r.Mpint(), g: r.Mpint()}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("reading the server's group: %w", err)
	}
	if err := d.check(MinGroupBits, MaxGroupBits); err != nil {
		return nil, err
	}
	return d, nil
}

// gexServer chooses a group, then goes on as the server of that group.
type gexServer struct {
	hash   crypto.Hash
	random io.Reader
	moduli Moduli
	over   bool
	inner  *server // set when the group has been sent
}

func (s *gexServer) Start() ([]byte, error) {
	if s.over {
		return nil, ErrOver
	}
	return nil, nil
}

func (s *gexServer) Step(p *Params, msg []byte) ([]byte, *Result, error) {
	if s.inner != nil {
		return s.inner.Step(p, msg)
	}
	if s.over {
		return nil, nil, ErrOver
	}
	want, err := parseRequest(msg)
	if err != nil {
		s.over = true
		return nil, nil, err
	}
	d, err := s.choose(want)
	if err != nil {
		s.over = true
		return nil, nil, err
	}
	s.inner = &server{
		agreement: d, hash: s.hash, random: s.random,
		numbers: gexNumbers, group: want.hashed(d.p, d.g),
	}
	send := wire.AppendMpint([]byte{msgGexGroup}, d.p)
	return wire.AppendMpint(send, d.g), nil, nil
}

func parseRequest(msg []byte) (sizes, error) {
	if len(msg) > 0 && msg[0] == msgGexRequestOld {
		return sizes{}, fmt.Errorf("%w: the group exchange request of before RFC 4419", ErrUnexpected)
	}
	r, err := open(msg, msgGexRequest)
	if err != nil {
		return sizes{}, err
	}
	want := sizes{min: r.Uint32(), prefer: r.Uint32(), max: r.Uint32()}
	if err := r.End(); err != nil {
		return sizes{}, fmt.Errorf("reading the group exchange request: %w", err)
	}
	if want.min > want.prefer || want.prefer > want.max || want.max < MinGroupBits || want.min > MaxGroupBits {
		return sizes{}, fmt.Errorf("%w: client asks for %d to %d bits, preferably %d",
			ErrGroup, want.min, want.max, want.prefer)
	}
	return want, nil
}

// choose keeps what the client asked for within our own limits. The hash covers
// what was asked for, unclamped.
func (s *gexServer) choose(want sizes) (*group, error) {
	least, most := int(max(want.min, MinGroupBits)), int(min(want.max, MaxGroupBits))
	prefer := int(min(max(want.prefer, MinGroupBits), MaxGroupBits))
	p, g, err := s.moduli.Choose(least, prefer, most)
	if err != nil {
		return nil, err
	}
	d := &group{p: p, g: g}
	if err := d.check(least, most); err != nil {
		return nil, err
	}
	return d, nil
}
