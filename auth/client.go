package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// ClientConfig is what a client logs in with. It is read only, and may serve
// many connections at once.
type ClientConfig struct {
	User string
	// Host is how people call the server; it appears in errors only.
	Host string
	// Methods are tried in this order, as far as the server takes them. When
	// the first is PublicKeys, its first key is the first attempt; else the
	// server is asked with "none" what it takes.
	Methods []ClientMethod
	// PubkeyAcceptedAlgorithms are the signature algorithms to use, best
	// first. Empty: DefaultAlgorithms.
	PubkeyAcceptedAlgorithms []string
	// RequiredRSASize is in bits; smaller RSA keys are not offered. 0: 1024.
	RequiredRSASize int
	// LegacyRSA says that this server is known not to understand rsa-sha2-*:
	// ssh-rsa goes first where PubkeyAcceptedAlgorithms has it.
	LegacyRSA bool
	// Banner gets each banner, 64 KiB in all. The text is the server's: escape
	// it before printing. May be nil.
	Banner func(text string)
	// ChangePassword answers a server that wants a new password. The prompt is
	// the server's: escape it. It returns the old and the new password. Nil:
	// such a login fails and says so.
	ChangePassword func(ctx context.Context, prompt string) (old, changed string, err error)
	// InteractiveDevices are the devices that keyboard-interactive asks the
	// server for, as names with commas; "" leaves the choice to it.
	InteractiveDevices string
	// Trace gets each step. May be nil.
	Trace func(Event)
}

// Result is a completed authentication. It is immutable.
type Result struct {
	User string
	// Methods are the methods that succeeded, in order.
	Methods []string
	// Key is the key of the last publickey step, or nil.
	Key key.Public
	// Permit is what the session may do; nil on the client.
	Permit *Permit
}

// A ClientMethod is one way to authenticate, made by a constructor of this
// package. It is immutable and serves many connections.
type ClientMethod interface {
	// Name is the method's name on the wire.
	Name() string
	// begin makes the state of one conversation.
	begin() attempts
}

// attempts are one method's attempts in one conversation.
type attempts interface {
	// next makes one attempt and returns what the server said to it, or
	// errSpent when nothing is left to try and nothing was sent.
	next(ctx context.Context, d *dialogue) (verdict, error)
	// renew restores what can be tried: a partial success began another step.
	renew()
}

var errSpent = errors.New("nothing left to try")

// A verdict is the server's answer to an attempt.
type verdict struct {
	success bool
	partial bool
	methods []string // that can continue
	key     key.Public
}

// Client authenticates cfg.User over conn, whose first key exchange is done. It
// returns an [*Error] when the server refused, a [*ProtocolError] when it broke
// the protocol, and otherwise what the connection, the context or a prompt
// failed with. After a nil error the caller tells the transport.
func Client(ctx context.Context, conn Conn, cfg ClientConfig) (*Result, error) {
	d := &dialogue{conn: conn, cfg: &cfg}
	for _, m := range cfg.Methods {
		d.contenders = append(d.contenders, &contender{name: m.Name(), attempts: m.begin()})
	}
	return d.run(ctx)
}

// A contender is a method in this conversation.
type contender struct {
	name     string
	attempts attempts
	spent    bool
}

// dialogue is the client's side of one conversation.
type dialogue struct {
	conn       Conn
	cfg        *ClientConfig
	contenders []*contender

	requested bool // SERVICE_REQUEST was sent
	accepted  bool // SERVICE_ACCEPT came
	probed    bool // "none" was sent
	answered  bool // some attempt has its verdict: remaining is known
	remaining []string
	tried     []string
	succeeded []string
	key       key.Public

	requests, messages, partials, banner int
}

func (d *dialogue) run(ctx context.Context) (*Result, error) {
	var last *contender
	for {
		c := d.pick()
		if c == nil {
			return nil, &Error{User: d.cfg.User, Host: d.cfg.Host, Tried: d.tried, Remaining: d.remaining}
		}
		if c != last && (d.answered || c.name != methodNone) {
			d.trace(Event{Kind: EventMethod, Method: c.name})
		}
		last = c
		v, err := c.attempts.next(ctx, d)
		switch {
		case errors.Is(err, errSpent) || errors.Is(err, ErrSkip):
			c.spent = true
			continue
		case err != nil:
			return nil, err
		}
		if err := d.follow(c, v); err != nil {
			return nil, err
		}
		if v.success {
			return &Result{User: d.cfg.User, Methods: d.succeeded, Key: d.key}, nil
		}
	}
}

// pick chooses who goes next: until the server has said what it takes, only a
// method that can't disturb a person may speak; a question asked in vain costs
// more than a round trip.
func (d *dialogue) pick() *contender {
	if !d.answered {
		if len(d.contenders) > 0 {
			c := d.contenders[0]
			if !c.spent && (c.name == methodPublicKey || c.name == methodNone) {
				return c
			}
		}
		return &contender{name: methodNone, attempts: noneAttempts{}}
	}
	for _, c := range d.contenders {
		if !c.spent && (c.name == methodNone || slices.Contains(d.remaining, c.name)) {
			return c
		}
	}
	return nil
}

// follow takes a verdict to heart.
func (d *dialogue) follow(c *contender, v verdict) error {
	if v.success || v.partial {
		d.succeeded = append(d.succeeded, c.name)
		if v.key != nil {
			d.key = v.key
		}
	}
	if v.success {
		d.trace(Event{Kind: EventSuccess, Method: c.name, Key: v.key})
		return nil
	}
	d.answered, d.remaining = true, v.methods
	if !v.partial {
		d.trace(Event{Kind: EventRefuse, Method: c.name, Key: v.key})
	}
	d.trace(Event{Kind: EventContinue, Method: c.name, Key: v.key, Methods: v.methods, Partial: v.partial})
	if !v.partial {
		return nil
	}
	if d.partials++; d.partials > maxPartial {
		return protocolError("too many partial successes")
	}
	for _, c := range d.contenders {
		c.spent = false
		c.attempts.renew()
	}
	return nil
}

// request sends one USERAUTH_REQUEST. The first goes out right behind the
// service request, without waiting for its answer.
func (d *dialogue) request(ctx context.Context, method string, payload []byte) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	if d.requests++; d.requests > maxClientRequests {
		return protocolError("too many authentication attempts")
	}
	if !d.requested {
		d.requested = true
		if err := post(ctx, d.conn, wire.AppendString([]byte{wire.MsgServiceRequest}, serviceUserauth)); err != nil {
			return err
		}
	}
	if !slices.Contains(d.tried, method) {
		d.tried = append(d.tried, method)
	}
	return send(ctx, d.conn, payload)
}

// receive returns the next answer to a request: its number, from 51, 52 and 60
// to 79, and its fields, which are valid until the next call.
func (d *dialogue) receive(ctx context.Context) (byte, wire.Reader, error) {
	for {
		msg, err := receive(ctx, d.conn)
		if err != nil {
			return 0, wire.Reader{}, err
		}
		if d.messages++; d.messages > maxClientMessages {
			return 0, wire.Reader{}, protocolError("too many messages during authentication")
		}
		kind, r := msg[0], wire.NewReader(msg[1:])
		switch {
		case !d.accepted:
			err = d.accept(kind, &r)
		case kind == wire.MsgUserauthBanner:
			err = d.showBanner(&r)
		case kind == wire.MsgUserauthFailure, kind == wire.MsgUserauthSuccess,
			kind >= wire.MsgUserauthPKOK && kind <= wire.MsgUserauthMethodLast:
			return kind, r, nil
		default:
			err = unexpected(kind)
		}
		if err != nil {
			return 0, wire.Reader{}, err
		}
	}
}

// accept takes SERVICE_ACCEPT (RFC 4253, section 10), which nothing of the
// authentication protocol may precede. Old servers leave the name out.
func (d *dialogue) accept(kind byte, r *wire.Reader) error {
	if kind != wire.MsgServiceAccept {
		return unexpected(kind)
	}
	if r.Len() > 0 {
		name := r.Bytes()
		if err := r.End(); err != nil {
			return malformed("service accept", err)
		}
		if string(name) != serviceUserauth {
			return protocolError("the server accepted a service that was not asked for")
		}
	}
	d.accepted = true
	return nil
}

// showBanner passes a banner on (RFC 4252, section 5.4), as far as the cap of
// all banners together allows.
func (d *dialogue) showBanner(r *wire.Reader) error {
	text := r.Bytes()
	r.Bytes() // language tag
	if err := r.End(); err != nil {
		return malformed("banner", err)
	}
	text = text[:min(len(text), maxBanner-d.banner)]
	d.banner += len(text)
	if d.cfg.Banner != nil && len(text) > 0 {
		d.cfg.Banner(string(text))
	}
	return nil
}

// verdict waits for SUCCESS or FAILURE.
func (d *dialogue) verdict(ctx context.Context) (verdict, error) {
	kind, r, err := d.receive(ctx)
	if err != nil {
		return verdict{}, err
	}
	return readVerdict(kind, &r)
}

// readVerdict reads SUCCESS or FAILURE (RFC 4252, section 5.1); anything else
// has no place here.
func readVerdict(kind byte, r *wire.Reader) (verdict, error) {
	var v verdict
	switch kind {
	case wire.MsgUserauthSuccess:
		v.success = true
	case wire.MsgUserauthFailure:
		v.methods = r.NameList()
		v.partial = r.Bool()
	default:
		return verdict{}, unexpected(kind)
	}
	if err := r.End(); err != nil {
		return verdict{}, malformed("answer to an authentication request", err)
	}
	return v, nil
}

func (d *dialogue) trace(e Event) {
	if d.cfg.Trace != nil {
		d.cfg.Trace(e)
	}
}
