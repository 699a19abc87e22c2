package kex

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/wire"
)

// What a step can find wrong beside malformed messages (the errors of wire).
var (
	// ErrUnknownMethod says that a name is in no row of the table.
	ErrUnknownMethod = errors.New("unknown key exchange method")
	// ErrUnexpected says that a message came that the state has no room for.
	ErrUnexpected = errors.New("unexpected key exchange message")
	// ErrOver says that the exchange is complete or has failed.
	ErrOver = errors.New("key exchange is over")
	// ErrPublicValue says that the peer's public value is not one of the group's.
	ErrPublicValue = errors.New("peer's public value is invalid")
	// ErrGroup says that no acceptable Diffie-Hellman group was asked for or sent.
	ErrGroup = errors.New("Diffie-Hellman group is not acceptable")

	errParams  = errors.New("key exchange was stepped without the versions and KEXINITs")
	errStarted = errors.New("key exchange was started twice")

	errNotStarted = errors.New("key exchange was stepped before its start")
)

// An Exchange is one side of one key exchange. It belongs to one goroutine at a
// time. The first error ends it: every later step returns [ErrOver].
type Exchange interface {
	// Start returns this side's first message (message number included), or
	// nil when the peer speaks first. It needs nothing of the peer's. A client
	// calls it once, before the first Step; on a server it may be left out.
	// The caller owns the message.
	Start() ([]byte, error)

	// Step takes the payload of one message numbered 30 to 49, which it does
	// not keep. It returns a message to send, or nil, and a Result when the
	// exchange is complete. On the server the caller signs Result.H and sends
	// Result.Reply(signature). The caller owns what is returned. Nothing is
	// kept of p, which must be whole in each Step.
	Step(p *Params, msg []byte) (send []byte, done *Result, err error)
}

// Params are the parts of the exchange hash that the transport knows
// (RFC 4253, section 8).
type Params struct {
	ClientVersion []byte // identification lines without CR LF
	ServerVersion []byte
	ClientInit    []byte // KEXINIT payloads with their message number
	ServerInit    []byte
	HostKey       []byte // server only: the blob of our host key
}

func (p *Params) check() error {
	if p == nil || len(p.ClientVersion) == 0 || len(p.ServerVersion) == 0 ||
		len(p.ClientInit) == 0 || len(p.ServerInit) == 0 {
		return errParams
	}
	return nil
}

// NewClient begins the client's side of a method. No key is made before Start.
// A nil random means crypto/rand.
func NewClient(method string, random io.Reader) (Exchange, error) {
	m, err := find(method)
	if err != nil {
		return nil, err
	}
	if m.agreement == nil {
		return &gexClient{hash: m.hash, random: orDefault(random)}, nil
	}
	return &client{
		agreement: m.agreement, hash: m.hash, random: orDefault(random),
		numbers: plainNumbers,
	}, nil
}

// NewServer begins the server's side of a method. Only group exchange uses
// moduli; nil means the built-in groups. A nil random means crypto/rand.
func NewServer(method string, random io.Reader, moduli Moduli) (Exchange, error) {
	m, err := find(method)
	if err != nil {
		return nil, err
	}
	if m.agreement == nil {
		if moduli == nil {
			moduli = Builtin()
		}
		return &gexServer{hash: m.hash, random: orDefault(random), moduli: moduli}, nil
	}
	return &server{
		agreement: m.agreement, hash: m.hash, random: orDefault(random),
		numbers: plainNumbers,
	}, nil
}

func orDefault(random io.Reader) io.Reader {
	if random == nil {
		return rand.Reader
	}
	return random
}

// An agreement is the maths of one method that needs one message each way.
// Public values are the contents of the string (or mpint, which on the wire is
// a string too) that carries them. K is returned as it is hashed: encoded as an
// mpint or a string, whichever the method says.
type agreement interface {
	// offer makes the client's key. finish is called at most once.
	offer(random io.Reader) (public []byte, finish finisher, err error)
	// answer makes the server's key and completes. It keeps nothing of peer.
	answer(random io.Reader, peer []byte) (public, k []byte, err error)
}

// A finisher holds the client's secret and turns the server's public value into
// K. It keeps nothing of peer.
type finisher func(peer []byte) (k []byte, err error)

// numbers are the message numbers of the last two messages.
type numbers struct{ init, reply byte }

// RFC 4253, section 8; RFC 5656, section 4; RFC 8731, section 3.
var plainNumbers = numbers{init: wire.MsgKexFirst, reply: wire.MsgKexFirst + 1}

// client is the client of an agreement: it sends its public value and waits for
// the reply.
type client struct {
	agreement agreement
	hash      crypto.Hash
	random    io.Reader
	numbers   numbers
	group     []byte // what group exchange adds to the hash

	public  []byte
	finish  finisher // set between Start and the reply
	started bool
	over    bool
}

func (c *client) Start() ([]byte, error) {
	if c.over {
		return nil, ErrOver
	}
	if c.started {
		return nil, errStarted
	}
	c.started = true
	public, finish, err := c.agreement.offer(c.random)
	if err != nil {
		c.over = true
		return nil, fmt.Errorf("making the key exchange's key: %w", err)
	}
	c.public, c.finish = public, finish
	msg := make([]byte, 0, 1+4+len(public))
	msg = append(msg, c.numbers.init)
	return wire.AppendString(msg, public), nil
}

func (c *client) Step(p *Params, msg []byte) ([]byte, *Result, error) {
	finish := c.finish
	if c.over {
		return nil, nil, ErrOver
	}
	// Whatever comes, it is the last message this exchange looks at, and the
	// secret serves once.
	c.over, c.finish = true, nil
	if !c.started {
		return nil, nil, errNotStarted
	}
	if err := p.check(); err != nil {
		return nil, nil, err
	}
	r, err := open(msg, c.numbers.reply)
	if err != nil {
		return nil, nil, err
	}
	hostKey, peer, signature := r.Bytes(), r.Bytes(), r.Bytes()
	if err := r.End(); err != nil {
		return nil, nil, fmt.Errorf("reading the key exchange reply: %w", err)
	}
	k, err := finish(peer)
	if err != nil {
		return nil, nil, err
	}
	t := transcript{p: p, hostKey: hostKey, group: c.group, client: c.public, server: peer, k: k}
	return nil, &Result{
		Hash: c.hash, H: t.sum(c.hash), K: k,
		HostKey:   append([]byte(nil), hostKey...),
		Signature: append([]byte(nil), signature...),
	}, nil
}

// server is the server of an agreement: one message completes it.
type server struct {
	agreement agreement
	hash      crypto.Hash
	random    io.Reader
	numbers   numbers
	group     []byte

	over bool
}

func (s *server) Start() ([]byte, error) {
	if s.over {
		return nil, ErrOver
	}
	return nil, nil
}

func (s *server) Step(p *Params, msg []byte) ([]byte, *Result, error) {
	if s.over {
		return nil, nil, ErrOver
	}
	s.over = true
	if err := p.check(); err != nil {
		return nil, nil, err
	}
	r, err := open(msg, s.numbers.init)
	if err != nil {
		return nil, nil, err
	}
	peer := r.Bytes()
	if err := r.End(); err != nil {
		return nil, nil, fmt.Errorf("reading the client's key exchange value: %w", err)
	}
	public, k, err := s.agreement.answer(s.random, peer)
	if err != nil {
		return nil, nil, err
	}
	t := transcript{p: p, hostKey: p.HostKey, group: s.group, client: peer, server: public, k: k}
	return nil, &Result{
		Hash: s.hash, H: t.sum(s.hash), K: k,
		HostKey: append([]byte(nil), p.HostKey...),
		public:  public, number: s.numbers.reply,
	}, nil
}

// open checks a message's number and size and returns a reader of its body.
func open(msg []byte, number byte) (wire.Reader, error) {
	if len(msg) == 0 || len(msg) > wire.MaxPayload {
		return wire.Reader{}, ErrUnexpected
	}
	if msg[0] != number {
		return wire.Reader{}, fmt.Errorf("%w: number %d where %d was due", ErrUnexpected, msg[0], number)
	}
	return wire.NewReader(msg[1:]), nil
}
