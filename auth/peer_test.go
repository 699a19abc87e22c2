package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/netip"
	"sync"
	"testing"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

var (
	testSession = []byte("session identifier of 32 bytes..")
	testHostKey = []byte("the blob of the server's host key")
	testAddr    = netip.MustParseAddr("192.0.2.7")
)

// facts are what both test connections know.
type facts struct {
	hostKey []byte
	ext     map[string]string
}

func (f *facts) SessionID() []byte { return testSession }

func (f *facts) HostKey() []byte {
	if f.hostKey != nil {
		return f.hostKey
	}
	return testHostKey
}

func (f *facts) PeerExt(name string) ([]byte, bool) {
	v, ok := f.ext[name]
	return []byte(v), ok
}

// lending holds callers to Next's contract: what it returned is spoilt by the
// next call.
type lending struct{ last []byte }

func (l *lending) lend(msg []byte) []byte {
	for i := range l.last {
		l.last[i] = 0xaa
	}
	l.last = append([]byte(nil), msg...)
	return l.last
}

// script is a Conn whose peer says its lines whatever it hears, then hangs up.
type script struct {
	facts
	lending
	lines  [][]byte
	sent   [][]byte
	before int // messages sent before the first Next
	read   int
}

func (s *script) Next() ([]byte, error) {
	if s.read == 0 {
		s.before = len(s.sent)
	}
	if s.read++; s.read > len(s.lines) {
		return nil, io.EOF
	}
	return s.lend(s.lines[s.read-1]), nil
}

func (s *script) Send(p []byte) error {
	s.sent = append(s.sent, append([]byte(nil), p...))
	return nil
}

// kinds are the numbers of what was sent.
func (s *script) kinds() []byte {
	var kinds []byte
	for _, m := range s.sent {
		kinds = append(kinds, m[0])
	}
	return kinds
}

// queue is one direction of a pair.
type queue struct {
	mu     sync.Mutex
	cond   *sync.Cond
	msgs   [][]byte
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.cond = sync.NewCond(&q.mu)
	return q
}

func (q *queue) put(p []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return io.ErrClosedPipe
	}
	q.msgs = append(q.msgs, append([]byte(nil), p...))
	q.cond.Signal()
	return nil
}

func (q *queue) get() ([]byte, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.msgs) == 0 && !q.closed {
		q.cond.Wait()
	}
	if len(q.msgs) == 0 {
		return nil, io.EOF
	}
	p := q.msgs[0]
	q.msgs = q.msgs[1:]
	return p, nil
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.cond.Broadcast()
}

// end is one end of a pair. flights counts how often it turned from sending to
// waiting: the round trips of a client.
type end struct {
	facts
	lending
	in, out *queue
	turned  bool
	flights int
}

func newPair() (client, server *end) {
	up, down := newQueue(), newQueue()
	return &end{in: down, out: up}, &end{in: up, out: down}
}

func (e *end) Next() ([]byte, error) {
	if e.turned {
		e.turned = false
		e.flights++
	}
	p, err := e.in.get()
	if err != nil {
		return nil, err
	}
	return e.lend(p), nil
}

func (e *end) Send(p []byte) error {
	e.turned = true
	return e.out.put(p)
}

func (e *end) close() {
	e.in.close()
	e.out.close()
}

// result is what both sides of a conversation came to.
type result struct {
	client, server       *Result
	clientErr, serverErr error
	flights              int
}

// converse runs both sides to their end. Whoever fails hangs up.
func converse(t testing.TB, client ClientConfig, server ServerConfig, ext map[string]string) result {
	t.Helper()
	c, s := newPair()
	c.ext = ext
	var res result
	done := make(chan struct{})
	go func() {
		defer close(done)
		res.server, res.serverErr = Server(t.Context(), s, server)
		if res.serverErr != nil {
			s.close()
		}
	}()
	if client.User == "" {
		client.User = "alice"
	}
	client.Host = "host"
	res.client, res.clientErr = Client(t.Context(), c, client)
	if res.clientErr != nil {
		c.close()
	}
	<-done
	res.flights = c.flights
	return res
}

// rules is a Policy and an Account made of functions.
type rules struct {
	methods  [][]string
	key      func(k key.Public, algorithm string) (*Permit, error)
	password func(string) (*Permit, error)
	talk     func() Conversation
	asked    []string // users
}

func (p *rules) Begin(_ context.Context, user string) Account {
	p.asked = append(p.asked, user)
	if user != "alice" {
		return Refuse(p.methods)
	}
	return p
}

func (p *rules) Methods() [][]string { return p.methods }

func (p *rules) PublicKey(_ context.Context, k key.Public, algorithm string) (*Permit, error) {
	if p.key == nil {
		return nil, nil
	}
	return p.key(k, algorithm)
}

func (p *rules) Password(_ context.Context, password string) (*Permit, error) {
	if p.password == nil {
		return nil, nil
	}
	return p.password(password)
}

func (p *rules) Interactive(context.Context) Conversation {
	if p.talk == nil {
		return nil
	}
	return p.talk()
}

// permitKeys takes the given keys, with one permit each.
func permitKeys(permits map[*key.Private]*Permit) func(key.Public, string) (*Permit, error) {
	return func(k key.Public, _ string) (*Permit, error) {
		for mine, permit := range permits {
			if key.Equal(mine.Public(), k) {
				return permit, nil
			}
		}
		return nil, nil
	}
}

func permitPassword(want string, permit *Permit) func(string) (*Permit, error) {
	return func(got string) (*Permit, error) {
		if got == want {
			return permit, nil
		}
		return nil, nil
	}
}

// quiz asks two rounds, then for nothing, then decides.
type quiz struct {
	permit *Permit
	round  int
	closed *int
}

func (q *quiz) Next(_ context.Context, answers []string) (*Challenge, *Permit, error) {
	q.round++
	switch q.round {
	case 1:
		return &Challenge{Name: "quiz", Instruction: "answer", Prompts: []Prompt{{"Password: ", false}, {"Colour: ", true}}}, nil, nil
	case 2:
		if len(answers) != 2 || answers[0] != "sesame" || answers[1] != "blue" {
			return nil, nil, nil
		}
		return &Challenge{Instruction: "well done"}, nil, nil
	}
	if len(answers) != 0 {
		return nil, nil, errors.New("answers to no question")
	}
	return nil, q.permit, nil
}

func (q *quiz) Close() {
	if q.closed != nil {
		*q.closed++
	}
}

func answerQuiz(secret string) Answers {
	return func(_ context.Context, _, _ string, prompts []Prompt) ([]string, error) {
		if len(prompts) == 0 {
			return nil, nil
		}
		return []string{secret, "blue"}, nil
	}
}

func says(password string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return password, nil }
}

// keyring makes each key once a test binary: RSA is slow to make.
type keyring struct {
	mu   sync.Mutex
	keys map[string]*key.Private
}

var ring = keyring{keys: map[string]*key.Private{}}

func testKey(t testing.TB, typ string, bits int, name string) *key.Private {
	t.Helper()
	ring.mu.Lock()
	defer ring.mu.Unlock()
	id := typ + name
	if k := ring.keys[id]; k != nil {
		return k
	}
	k, err := key.Generate(rand.Reader, typ, bits)
	if err != nil {
		t.Fatal(err)
	}
	ring.keys[id] = k
	return k
}

func ed(t testing.TB, name string) *key.Private { return testKey(t, key.TypeEd25519, 0, name) }

// Messages that scripts are made of.

func serviceRequest() []byte {
	return wire.AppendString([]byte{wire.MsgServiceRequest}, serviceUserauth)
}

func serviceAccept() []byte {
	return wire.AppendString([]byte{wire.MsgServiceAccept}, serviceUserauth)
}

func noneRequest(user string) []byte { return appendRequest(nil, user, methodNone) }

func passwordRequest(user, password string) []byte {
	b := wire.AppendBool(appendRequest(nil, user, methodPassword), false)
	return wire.AppendString(b, password)
}

func interactiveRequest(user string) []byte {
	b := wire.AppendString(appendRequest(nil, user, methodInteractive), "")
	return wire.AppendString(b, "")
}

func infoResponse(answers ...string) []byte {
	b := wire.AppendUint32([]byte{wire.MsgUserauthInfoResponse}, uint32(len(answers)))
	for _, a := range answers {
		b = wire.AppendString(b, a)
	}
	return b
}

func queryRequest(user string, k key.Public, algorithm string) []byte {
	return appendPublicKeyRequest(nil, user, methodPublicKey, false, algorithm, k.Blob(), nil)
}

// signedWith is a publickey request with a signature over what lie makes of the
// data to sign; a nil lie tells the truth.
func signedWith(t testing.TB, user, form string, k key.Signer, algorithm string, lie func(data []byte) []byte) []byte {
	t.Helper()
	request := appendPublicKeyRequest(nil, user, form, true, algorithm, k.Public().Blob(), testHostKey)
	data := append(wire.AppendString(nil, testSession), request...)
	if lie != nil {
		data = lie(data)
	}
	signature, err := k.Sign(t.Context(), algorithm, data)
	if err != nil {
		t.Fatal(err)
	}
	return wire.AppendString(request, signature)
}

func failure(partial bool, methods ...string) []byte {
	return wire.AppendBool(wire.AppendNameList([]byte{wire.MsgUserauthFailure}, methods), partial)
}

func success() []byte { return []byte{wire.MsgUserauthSuccess} }

func pkOK(algorithm string, blob []byte) []byte {
	return wire.AppendString(wire.AppendString([]byte{wire.MsgUserauthPKOK}, algorithm), blob)
}

func banner(text string) []byte {
	return wire.AppendString(wire.AppendString([]byte{wire.MsgUserauthBanner}, text), "")
}

// wantReason asserts a ProtocolError.
func wantReason(t testing.TB, err error, reason uint32) {
	t.Helper()
	var p *ProtocolError
	if !errors.As(err, &p) {
		t.Fatalf("got %v, want a ProtocolError", err)
	}
	if p.Reason != reason {
		t.Fatalf("reason %d (%s), want %d", p.Reason, p.Text, reason)
	}
}
