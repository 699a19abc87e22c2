package server

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/internal/leakcheck"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/term"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// patience is far more than anything here takes.
const patience = 20 * time.Second

// users is a policy: alice's password is "sesame", and her permit is the one
// given.
type users struct{ permit *auth.Permit }

func (u users) Begin(_ context.Context, name string) auth.Account { return &person{u, name} }

type person struct {
	users
	name string
}

func (p *person) Known() bool                                   { return p.name == "alice" }
func (p *person) Methods() [][]string                           { return [][]string{{"publickey"}, {"password"}} }
func (p *person) Interactive(context.Context) auth.Conversation { return nil }

func (p *person) PublicKey(context.Context, key.Public, string) (*auth.Permit, error) {
	return nil, errors.New("no keys here")
}

func (p *person) Password(_ context.Context, password string) (*auth.Permit, error) {
	if p.name != "alice" || password != "sesame" {
		return nil, errors.New("wrong password")
	}
	return p.permit, nil
}

// actor is a Handler whose processes play what the session's command says.
type actor struct {
	mu       sync.Mutex
	sessions []*Session
	plays    map[string]func(*play)
}

func (a *actor) Start(_ context.Context, s *Session) (Process, error) {
	a.mu.Lock()
	a.sessions = append(a.sessions, s)
	a.mu.Unlock()
	word, _, _ := strings.Cut(s.Command, " ")
	if word == "panic" {
		panic("in Start")
	}
	f := a.plays[word]
	if f == nil {
		return nil, errors.New("no such play")
	}
	p := &play{s: s, over: make(chan struct{}), sizes: make(chan term.Size, 8), signals: make(chan string, 8)}
	p.in, p.stdin = io.Pipe()
	p.stdout, p.out = io.Pipe()
	p.stderr, p.err = io.Pipe()
	go func() {
		f(p)
		p.out.Close()
		p.err.Close()
		close(p.over)
	}()
	return p, nil
}

func (a *actor) last() *Session {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sessions[len(a.sessions)-1]
}

// play is a Process inside the test.
type play struct {
	s              *Session
	in             *io.PipeReader
	stdin          *io.PipeWriter
	stdout, stderr *io.PipeReader
	out, err       *io.PipeWriter
	sizes          chan term.Size
	signals        chan string
	exit           Exit
	over           chan struct{}
}

func (p *play) Streams() Streams {
	return Streams{Stdin: p.stdin, Stdout: p.stdout, Stderr: p.stderr, Greeting: []byte("hello\n"), Notice: []byte("note\n")}
}

func (p *play) Signal(name string) error {
	if name == "BAD" {
		return errors.New("unknown signal")
	}
	p.signals <- name
	return nil
}

func (p *play) Resize(s term.Size) error { p.sizes <- s; return nil }

func (p *play) Wait() Exit {
	<-p.over
	if p.s.Command == "cat and panic" {
		panic("in Wait")
	}
	return p.exit
}

func (p *play) Close() {
	p.stdin.Close()
	p.stdout.Close()
	p.stderr.Close()
}

// journal is a log to wait for things in.
type journal struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed by the next line
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
	return j.text.Write(b)
}

func (j *journal) read() (string, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.changed == nil {
		j.changed = make(chan struct{})
	}
	return j.text.String(), j.changed
}

func (j *journal) String() string {
	text, _ := j.read()
	return text
}

// says waits until the log has a text.
func (j *journal) says(t *testing.T, want string) {
	t.Helper()
	late := time.After(patience)
	for {
		text, changed := j.read()
		if strings.Contains(text, want) {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Errorf("the log lacks %q", want)
			return
		}
	}
}

// stage is a server on a loopback port.
type stage struct {
	*actor
	*Server
	addr    string
	journal *journal
	hostKey ssh.PublicKey
	signer  *key.Private
	stop    func()
}

// open starts a server whose config the test may change.
func open(t *testing.T, change func(*Config), plays map[string]func(*play)) *stage {
	t.Helper()
	signer, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		t.Fatal(err)
	}
	hostKey, err := ssh.ParsePublicKey(signer.Public().Blob())
	if err != nil {
		t.Fatal(err)
	}
	st := &stage{actor: &actor{plays: plays}, journal: new(journal), hostKey: hostKey, signer: signer}
	cfg := Config{
		HostKeys: []key.Signer{signer}, Policy: users{&auth.Permit{}}, Handler: st.actor,
		AcceptEnv: func(name string) bool { return strings.HasPrefix(name, "LC_") },
		Logger:    slog.New(slog.NewTextHandler(st.journal, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&cfg)
	}
	if st.Server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	st.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- st.Serve(ctx, l) }()
	st.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-served:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(patience):
			t.Error("the server does not end")
		}
	})
	t.Cleanup(func() {
		st.stop()
		if t.Failed() {
			t.Log(st.journal)
		}
	})
	return st
}

// dial logs in as alice.
func (st *stage) dial(t *testing.T) *ssh.Client {
	t.Helper()
	c, err := st.knock("alice", "sesame")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (st *stage) knock(user string, passwords ...string) (*ssh.Client, error) {
	return ssh.Dial("tcp", st.addr, st.client(user, passwords...))
}

func (st *stage) client(user string, passwords ...string) *ssh.ClientConfig {
	tries := 0
	return &ssh.ClientConfig{
		User: user, HostKeyCallback: ssh.FixedHostKey(st.hostKey),
		Auth: []ssh.AuthMethod{ssh.RetryableAuthMethod(ssh.PasswordCallback(func() (string, error) {
			tries++
			return passwords[(tries-1)%len(passwords)], nil
		}), len(passwords))},
	}
}

func (st *stage) session(t *testing.T, c *ssh.Client) *ssh.Session {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ends waits for something to happen.
func ends(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s does not end", what)
	}
}

// gone is closed when a client's connection has ended.
func gone(c *ssh.Client) <-chan struct{} {
	done := make(chan struct{})
	go func() { c.Wait(); close(done) }()
	return done
}
