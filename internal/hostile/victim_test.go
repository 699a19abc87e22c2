package hostile

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/internal/leakcheck"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// patience is the time limit of everything that must end by itself.
const patience = 20 * time.Second

// signers are the victims' and the peers' host keys, by algorithm.
var signers = sync.OnceValue(func() map[string]key.Signer {
	list := map[string]key.Signer{}
	for _, typ := range []string{key.TypeEd25519, key.TypeECDSA256, key.TypeECDSA384, key.TypeRSA} {
		bits := 0
		if typ == key.TypeRSA {
			bits = 2048
		}
		k, err := key.Generate(rand.Reader, typ, bits)
		if err != nil {
			panic(err)
		}
		for _, algorithm := range k.Public().Algorithms() {
			list[algorithm] = k
		}
	}
	return list
})

// A stack is nacre's engine on one end of a connection: transport, auth and mux,
// put together as a server or a client does it.
type stack struct {
	t      testing.TB
	role   string // "server" or "client"
	peer   *Peer  // the other end
	nc     net.Conn
	cancel context.CancelFunc
	done   chan struct{} // closed when the stack has ended
	err    error         // why; valid after done

	transport transport.Config
	mux       mux.Config
	authed    chan *mux.Mux // gets the Mux when it runs
}

var roles = []string{"server", "client"}

// attack starts a stack and returns it with a Peer that has said nothing yet.
// change may alter its configuration.
func attack(t testing.TB, role string, change ...func(*stack)) *stack {
	t.Helper()
	a, b := sockets(t)
	s := &stack{t: t, role: role, nc: b, done: make(chan struct{}), authed: make(chan *mux.Mux, 1)}
	s.peer = &Peer{Conn: a, Server: role == "client", Signer: signers()[key.TypeEd25519]}
	s.transport = transport.Config{
		HostKeys:      []key.Signer{signers()[key.TypeEd25519]},
		VerifyHostKey: func(context.Context, key.Public) error { return nil },
	}
	s.mux = mux.Config{MaxChannels: 64, Open: func(in *mux.Incoming) { in.Accept(nil, mux.Options{}) }}
	for _, f := range change {
		f(s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.cancel = cancel
	a.SetDeadline(time.Now().Add(patience))
	go func() {
		defer close(s.done)
		s.err = s.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		a.Close()
		s.wait()
	})
	return s
}

// sockets returns both ends of a connection.
func sockets(t testing.TB) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// deafen makes the buffers towards the peer small, so that it is felt soon when
// the peer doesn't read.
func deafen(s *stack) {
	s.peer.Conn.(*net.TCPConn).SetReadBuffer(8 << 10)
	s.nc.(*net.TCPConn).SetWriteBuffer(8 << 10)
}

// run is the life of the stack. ctx is the grace time.
func (s *stack) run(ctx context.Context) error {
	begin := transport.Client
	if s.role == "server" {
		begin = transport.Server
	}
	conn, err := begin(ctx, s.nc, &s.transport)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := s.authenticate(ctx, conn); err != nil {
		var broke *auth.ProtocolError
		if errors.As(err, &broke) {
			conn.Disconnect(broke.Reason, broke.Text)
		}
		return err
	}
	conn.AuthSucceeded()
	m := mux.New(conn, s.mux)
	s.authed <- m
	return m.Run()
}

func (s *stack) authenticate(ctx context.Context, conn *transport.Conn) error {
	if s.role == "client" {
		_, err := auth.Client(ctx, conn, auth.ClientConfig{User: "alice", Methods: []auth.ClientMethod{
			auth.None(),
			auth.Password(func(context.Context) (string, error) { return "guess", nil }, 3),
			auth.KeyboardInteractive(func(_ context.Context, _, _ string, p []auth.Prompt) ([]string, error) {
				return make([]string, len(p)), nil
			}, 3),
		}})
		return err
	}
	_, err := auth.Server(ctx, conn, auth.ServerConfig{
		Policy: everybody{}, Remote: netip.MustParseAddr("127.0.0.1"), PermitEmptyPasswords: true,
	})
	return err
}

// everybody lets anyone in who asks with an empty password or none.
type everybody struct{}

func (everybody) Begin(context.Context, string) auth.Account { return everybody{} }
func (everybody) Methods() [][]string {
	return [][]string{{"none"}, {"password"}, {"keyboard-interactive"}, {"publickey"}}
}
func (everybody) PublicKey(context.Context, key.Public, string) (*auth.Permit, error) {
	return nil, nil
}
func (everybody) Password(_ context.Context, password string) (*auth.Permit, error) {
	if password == "" {
		return &auth.Permit{}, nil
	}
	return nil, nil
}
func (everybody) Interactive(ctx context.Context) auth.Conversation {
	return auth.OneQuestion("Password: ", everybody{}.Password)
}

// wait returns why the stack ended, which it must have done or do by itself.
func (s *stack) wait() error {
	s.t.Helper()
	select {
	case <-s.done:
		return s.err
	case <-time.After(patience):
		s.t.Errorf("the %s hangs:\n%s", s.role, stacks())
		return nil
	}
}

func stacks() []byte {
	b := make([]byte, 1<<20)
	return b[:runtime.Stack(b, true)]
}

// must fails the test when a step of the peer's own failed.
func (s *stack) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("the hostile peer of the %s: %v", s.role, err)
	}
}

// States of a connection, in their order.
const (
	connected  = iota // nothing was said
	identified        // identification lines were exchanged
	inited            // both KEXINITs are there, the method has not begun
	agreed            // the method is over, their NEWKEYS was sent, ours not
	keyed             // the first key exchange is over
	inAuth            // authentication is under way
	open              // the user is in
	rekeying          // our second KEXINIT was sent, theirs has come
	rekeyed           // the second method is over, NEWKEYS not sent
	noOfStates
)

var stateNames = [...]string{"connected", "identified", "inited", "agreed", "keyed", "inAuth", "open", "rekeying", "rekeyed"}

// reach takes an attacked stack to a state, as an honest peer would.
func (s *stack) reach(state int) *stack {
	s.t.Helper()
	p := s.peer
	for at, step := range [...]func() error{
		identified: p.Hello,
		inited:     func() error { return errors.Join(p.SendInit(), p.ReadInit()) },
		agreed:     p.Agree,
		keyed:      p.NewKeys,
		inAuth:     s.beginAuth,
		open:       s.endAuth,
		rekeying:   func() error { return errors.Join(p.SendInit(), p.ReadInit()) },
		rekeyed:    p.Agree,
	} {
		if step == nil || at > state {
			continue
		}
		if err := step(); err != nil {
			s.t.Fatalf("%s: on the way to %s: %v (%v)", s.role, stateNames[at], err, s.ended())
		}
	}
	return s
}

// ended is why the stack ended, nil while it runs.
func (s *stack) ended() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

func (s *stack) beginAuth() error {
	if s.role == "client" {
		if _, err := s.peer.Expect(wire.MsgServiceRequest); err != nil {
			return err
		}
		if err := s.peer.Send(wire.AppendString([]byte{wire.MsgServiceAccept}, "ssh-userauth")); err != nil {
			return err
		}
		_, err := s.peer.Expect(wire.MsgUserauthRequest)
		return err
	}
	if err := s.peer.Send(wire.AppendString([]byte{wire.MsgServiceRequest}, "ssh-userauth")); err != nil {
		return err
	}
	_, err := s.peer.Expect(wire.MsgServiceAccept)
	return err
}

func (s *stack) endAuth() error {
	if s.role == "client" {
		return s.peer.Send([]byte{wire.MsgUserauthSuccess})
	}
	if err := s.peer.Send(userauth("alice", "none")); err != nil {
		return err
	}
	_, err := s.peer.Expect(wire.MsgUserauthSuccess)
	return err
}

func userauth(user, method string, rest ...byte) []byte {
	b := wire.AppendString([]byte{wire.MsgUserauthRequest}, user)
	b = wire.AppendString(b, "ssh-connection")
	return append(wire.AppendString(b, method), rest...)
}

// verdict is what became of a stack after a provocation.
type verdict struct {
	alive  bool
	reason uint32 // of the DISCONNECT that came; 0 none
	text   string
	err    error // what the stack ended with
	told   []byte
}

// verdict probes the stack: it is alive if it answers a ping, and if it is not,
// it must have ended. In a key exchange finish completes that first.
func (s *stack) verdict(finish func() error) (v verdict) {
	s.t.Helper()
	err := finish()
	if err == nil {
		err = s.peer.Send(wire.AppendString([]byte{wire.MsgPing}, "alive?"))
	}
	// A write that failed says nothing yet: the reason may have come before.
	for {
		m, nextErr := s.peer.Next()
		if nextErr != nil {
			break
		}
		if m[0] == wire.MsgPong && err == nil && len(m) == 11 {
			v.alive = true
			return v
		}
		v.told = append(v.told, m[0])
		if m[0] == wire.MsgDisconnect {
			r := wire.NewReader(m[1:])
			v.reason, v.text = r.Uint32(), r.String()
			break
		}
	}
	var gone *GoneError
	if errors.As(err, &gone) {
		v.reason, v.text = gone.Reason, gone.Text
	}
	s.peer.Conn.Close()
	v.err = s.wait()
	return v
}

func nothing() error { return nil }

// heap is the memory in use, in bytes, with nothing left to collect.
func heap() int64 {
	runtime.GC()
	runtime.GC() // the first leaves what pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

// budget watches what the victim takes from here on.
type budget struct {
	t          testing.TB
	heap       int64
	goroutines int
}

func newBudget(t testing.TB) *budget { return &budget{t, heap(), runtime.NumGoroutine()} }

// check fails the test when more than so many bytes or goroutines were taken.
func (b *budget) check(what string, bytes int64, goroutines int) {
	b.t.Helper()
	n := heap() - b.heap
	for range 5 { // what is in flight at one moment isn't at the next
		if n <= bytes {
			break
		}
		n = min(n, heap()-b.heap)
	}
	if n > bytes {
		b.t.Errorf("%s: %d KiB more are in use, at most %d may", what, n>>10, bytes>>10)
	}
	if n := runtime.NumGoroutine() - b.goroutines; n > goroutines {
		b.t.Errorf("%s: %d goroutines more are running, at most %d may", what, n, goroutines)
	}
}
