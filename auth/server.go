package auth

import (
	"context"
	"net/netip"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// ServerConfig is what a server lets users in by. It is read only, and may serve
// many connections at once as far as Remote and Policy do.
type ServerConfig struct {
	Policy Policy
	// Remote is where the peer is; RemoteHost is its verified name, if there
	// is one. Permits are checked against them.
	Remote     netip.Addr
	RemoteHost string
	// MaxTries is how many failures end the connection. 0: 6.
	MaxTries int
	// PubkeyAcceptedAlgorithms are the signature algorithms taken, which
	// transport should announce as server-sig-algs. Empty: DefaultAlgorithms.
	PubkeyAcceptedAlgorithms []string
	// RequiredRSASize is in bits; smaller RSA keys are refused. 0: 1024.
	RequiredRSASize int
	// PermitEmptyPasswords lets Policy see empty passwords.
	PermitEmptyPasswords bool
	// ParseKey reads a public key blob, which it may keep. Nil:
	// key.ParsePublic, which knows no certificates. With cert.ParsePublic an
	// account gets *cert.Certificate values, which it must judge by
	// cert.Verify.
	ParseKey func(blob []byte) (key.Public, error)
	// Banner is sent before the first reply, at most 64 KiB of it. May be nil.
	Banner func(user string) string
	// Trace gets each step. May be nil.
	Trace func(Event)
}

// A Tuner is an [Account] for whose login other things hold: Tune changes them,
// once, before anything but the user's name is known. Policy, Remote and
// RemoteHost stay as they are.
type Tuner interface {
	Account
	Tune(c *ServerConfig)
}

// session is the server's side of one conversation.
type session struct {
	conn Conn
	cfg  *ServerConfig

	user    string // fixed by the first request
	account Account
	plan    plan

	requests int // USERAUTH_REQUESTs and repeated SERVICE_REQUESTs
	failures int // those that MaxTries counts
	kept     []byte

	permit *Permit // of the steps so far, merged
	used   [][]byte
	done   []string
	key    key.Public
}

// outcome is what a method makes of a request. Without a permit the request is
// refused, unless it was answered already or abandoned.
type outcome struct {
	permit    *Permit
	why       error // for the trace, never for the peer
	key       key.Public
	algorithm string
	answered  bool // the reply was sent: PK_OK
	abandoned bool // the peer went on to another request
	counts    bool // an abandoned conversation that is a failure nevertheless
}

// A serverMethod is one way to prove who one is. It reads its own fields of the
// request.
type serverMethod struct {
	wire  string // the name in requests
	name  string // the name in method lists
	serve func(ctx context.Context, s *session, r *wire.Reader) (outcome, error)
}

func serverMethods() [5]serverMethod {
	return [...]serverMethod{
		{methodPublicKey, methodPublicKey, servePlainKey},
		{methodHostbound, methodPublicKey, serveHostboundKey},
		{methodPassword, methodPassword, servePassword},
		{methodInteractive, methodInteractive, serveInteractive},
		{methodNone, methodNone, serveNone},
	}
}

// Server authenticates the peer of conn, whose first key exchange is done. The
// grace time is ctx's: when it ends the caller closes the connection. It returns
// a [*ProtocolError] when the peer broke the protocol or failed too often, and
// otherwise what the connection or the context failed with. After a nil error,
// with SUCCESS sent, the caller tells the transport.
func Server(ctx context.Context, conn Conn, cfg ServerConfig) (*Result, error) {
	s := &session{conn: conn, cfg: &cfg}
	msg, err := receive(ctx, conn)
	if err != nil {
		return nil, err
	}
	if msg[0] != wire.MsgServiceRequest {
		return nil, unexpected(msg[0])
	}
	for {
		done, err := s.message(ctx, msg)
		if err != nil {
			return nil, err
		}
		if done {
			return &Result{User: s.user, Methods: s.done, Key: s.key, Permit: s.permit}, nil
		}
		if msg, err = s.next(ctx); err != nil {
			return nil, err
		}
	}
}

// next returns the message that ended a conversation, or waits for another.
func (s *session) next(ctx context.Context) ([]byte, error) {
	if msg := s.kept; msg != nil {
		s.kept = nil
		return msg, nil
	}
	return receive(ctx, s.conn)
}

// message serves one message; done means that the user is in.
func (s *session) message(ctx context.Context, msg []byte) (done bool, err error) {
	if s.requests++; s.requests > maxServerRequests {
		return false, tooManyFailures()
	}
	r := wire.NewReader(msg[1:])
	switch msg[0] {
	case wire.MsgServiceRequest:
		return false, s.service(ctx, &r)
	case wire.MsgUserauthRequest:
		return s.request(ctx, &r)
	}
	return false, unexpected(msg[0])
}

// service answers SERVICE_REQUEST (RFC 4253, section 10). Paramiko repeats it
// before each attempt, so it is answered each time.
func (s *session) service(ctx context.Context, r *wire.Reader) error {
	name := r.Bytes()
	if err := r.End(); err != nil {
		return malformed("service request", err)
	}
	if string(name) != serviceUserauth {
		return noService()
	}
	return post(ctx, s.conn, wire.AppendString([]byte{wire.MsgServiceAccept}, serviceUserauth))
}

// request serves one USERAUTH_REQUEST (RFC 4252, section 5).
func (s *session) request(ctx context.Context, r *wire.Reader) (done bool, err error) {
	began := time.Now()
	user, service, method := r.Bytes(), r.Bytes(), r.Bytes()
	if err := r.Err(); err != nil {
		return false, malformed("authentication request", err)
	}
	first := s.account == nil
	if err := s.identify(ctx, user, service); err != nil {
		return false, err
	}
	m := s.find(method)
	var o outcome
	if m.serve != nil {
		if o, err = m.serve(ctx, s, r); err != nil {
			return false, err
		}
	}
	switch {
	case o.answered:
		return false, nil
	case o.abandoned:
		return false, s.abandon(o)
	case o.permit != nil && o.why == nil:
		o.why = s.grant(m.name, o)
		if o.why == nil {
			return s.stepped(ctx, m.name, o)
		}
	}
	free := first && string(method) == methodNone
	return false, s.refuse(ctx, began, m.name, o, free)
}

// identify fixes the user by the first request and holds the others to it.
func (s *session) identify(ctx context.Context, user, service []byte) error {
	if string(service) != serviceConnection && s.account == nil {
		return noService()
	}
	if s.account != nil {
		if string(user) != s.user || string(service) != serviceConnection {
			return protocolError("Change of username or service not allowed")
		}
		return nil
	}
	if !properUser(user) {
		return &ProtocolError{wire.DisconnectIllegalUserName, "illegal user name"}
	}
	s.user = string(user)
	s.account = s.cfg.Policy.Begin(ctx, s.user)
	if s.account == nil {
		s.account = Refuse(nil)
	}
	if t, ok := s.account.(Tuner); ok {
		t.Tune(s.cfg)
	}
	s.plan = newPlan(s.account.Methods())
	return s.sendBanner(ctx)
}

// properUser refuses names that no system has and that only harm where they are
// printed or looked up. Whether the rest is a user is for the policy.
func properUser(user []byte) bool {
	if len(user) > maxUser || !utf8.Valid(user) {
		return false
	}
	for _, c := range string(user) {
		if unicode.IsControl(c) {
			return false
		}
	}
	return true
}

func (s *session) sendBanner(ctx context.Context) error {
	if s.cfg.Banner == nil {
		return nil
	}
	text := s.cfg.Banner(s.user)
	if text == "" {
		return nil
	}
	b := wire.AppendString([]byte{wire.MsgUserauthBanner}, text[:min(len(text), maxBanner)])
	return post(ctx, s.conn, wire.AppendString(b, "")) // language tag
}

// find returns the method that a request names, or none when there is no such
// method or it is not its turn: such requests are not even read.
func (s *session) find(name []byte) serverMethod {
	for _, m := range serverMethods() {
		if m.wire == string(name) && s.plan.allows(m.name) {
			return m
		}
		if m.wire == string(name) {
			return serverMethod{name: m.name}
		}
	}
	return serverMethod{name: "unknown method"}
}

// grant adds a step's permit to those before it and checks the sum. Nothing is
// kept of a step whose sum doesn't hold.
func (s *session) grant(method string, o outcome) error {
	step := Step{Method: method, Algorithm: o.algorithm}
	if o.key != nil {
		step.KeyType, step.Fingerprint = o.key.Type(), fingerprint(o.key)
	}
	own := *o.permit
	own.Steps = []Step{step}
	merged, err := s.sum(&own)
	if err != nil {
		return err
	}
	s.permit = merged
	return nil
}

// sum is what the steps so far and this one permit together, if that holds here
// and now.
func (s *session) sum(p *Permit) (*Permit, error) {
	merged, err := Merge(s.permit, p)
	if err != nil {
		return nil, err
	}
	return merged, merged.Check(s.cfg.Remote, s.cfg.RemoteHost, time.Now())
}

// stepped tells the peer that a step succeeded: SUCCESS after the last, else
// FAILURE with partial success.
func (s *session) stepped(ctx context.Context, method string, o outcome) (done bool, err error) {
	s.done = append(s.done, method)
	if o.key != nil {
		s.key = o.key
		s.used = append(s.used, cert.PlainKey(o.key).Blob())
	}
	e := Event{Kind: EventSuccess, User: s.user, Method: method, Key: o.key, Algorithm: o.algorithm}
	if s.plan.advance(method) {
		if err := s.send(ctx, []byte{wire.MsgUserauthSuccess}); err != nil {
			return false, err
		}
		s.trace(e)
		return true, nil
	}
	e.Kind, e.Partial, e.Methods = EventContinue, true, s.plan.next()
	s.trace(e)
	return false, s.sendFailure(ctx, true)
}

// refuse answers a failed attempt, in the same shape and after the same time
// whatever the reason. free is OpenSSH's leniency: a first "none", which asks
// only for the list, neither counts nor waits.
func (s *session) refuse(ctx context.Context, began time.Time, method string, o outcome, free bool) error {
	s.trace(Event{Kind: EventRefuse, User: s.user, Method: method, Key: o.key, Algorithm: o.algorithm, Err: o.why})
	if free {
		return s.sendFailure(ctx, false)
	}
	if err := pause(ctx, began, s.user); err != nil {
		return err
	}
	if err := s.count(); err != nil {
		return err
	}
	return s.sendFailure(ctx, false)
}

func (s *session) abandon(o outcome) error {
	if !o.counts {
		return nil
	}
	s.trace(Event{Kind: EventRefuse, User: s.user, Method: methodInteractive, Err: errAbandoned})
	return s.count()
}

// count notes a failure and ends the connection at the last one, with the
// reason that OpenSSH gives.
func (s *session) count() error {
	tries := s.cfg.MaxTries
	if tries == 0 {
		tries = defaultMaxTries
	}
	if s.failures++; s.failures >= tries {
		return tooManyFailures()
	}
	return nil
}

func (s *session) sendFailure(ctx context.Context, partial bool) error {
	b := wire.AppendNameList([]byte{wire.MsgUserauthFailure}, s.plan.next())
	return s.send(ctx, wire.AppendBool(b, partial))
}

func (s *session) send(ctx context.Context, payload []byte) error {
	return send(ctx, s.conn, payload)
}

func (s *session) trace(e Event) {
	if s.cfg.Trace != nil {
		s.cfg.Trace(e)
	}
}

// accepts tells whether the algorithm is among those configured.
func (s *session) accepts(algorithm string) bool {
	return slices.Contains(acceptedAlgorithms(s.cfg.PubkeyAcceptedAlgorithms), algorithm)
}

func tooManyFailures() error { return protocolError("Too many authentication failures") }

func noService() error {
	return &ProtocolError{wire.DisconnectServiceNotAvailable, "service is not available"}
}
