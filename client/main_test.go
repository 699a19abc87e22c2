package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/internal/leakcheck"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/server"
	"github.com/nacre-ssh/nacre/term"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// A stage is a server in this process that lets one key in, and knows how to
// reach it.
type stage struct {
	*server.Server
	host, identity *key.Private
	addr           net.Addr
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := new(stage)
	for _, k := range []**key.Private{&s.host, &s.identity} {
		var err error
		if *k, err = key.Generate(rand.Reader, key.TypeEd25519, 0); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	s.Server, err = server.New(server.Config{
		HostKeys: []key.Signer{s.host}, Policy: s, Handler: s, MaxSessions: 2,
		AcceptEnv:  func(name string) bool { return name != "SECRET" },
		Subsystems: map[string]string{"echo": "cat"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listen serves on loopback until the test ends.
func (s *stage) listen(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); <-served })
}

func (s *stage) port() int { return s.addr.(*net.TCPAddr).Port }

func (s *stage) Begin(context.Context, string) auth.Account {
	return account{auth.Refuse([][]string{{"publickey"}}), s.identity.Public()}
}

type account struct {
	auth.Account
	key key.Public
}

func (a account) PublicKey(_ context.Context, k key.Public, _ string) (*auth.Permit, error) {
	if !key.Equal(a.key, k) {
		return nil, nil
	}
	return new(auth.Permit), nil
}

// config logs in to the stage.
func (s *stage) config() *Config {
	return &Config{
		HostKey: func(_ context.Context, p Presented) error {
			if !key.Equal(p.Key, s.host.Public()) {
				return errors.New("another key")
			}
			return nil
		},
		Auth: auth.ClientConfig{User: "ali", Host: "stage", Methods: []auth.ClientMethod{
			auth.PublicKeys(auth.Keys(auth.Identity{Signer: s.identity, Direct: true})),
		}},
	}
}

// dial is a logged-in client of the stage.
func (s *stage) dial(t *testing.T, cfg *Config) *Client {
	t.Helper()
	c, err := Dial(t.Context(), "127.0.0.1", s.port(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); <-c.Done() })
	return c
}

// Start is server.Handler's: the command says what the process does.
func (s *stage) Start(_ context.Context, session *server.Session) (server.Process, error) {
	act := acts[session.Command]
	if session.Shell {
		act = acts["shell"]
	}
	if act == nil {
		return nil, errors.New("nobody plays that")
	}
	p := &process{session: session, signals: make(chan string, 4), sizes: make(chan term.Size, 4), over: make(chan struct{})}
	p.stdin, p.in = io.Pipe()
	p.out, p.stdout = io.Pipe()
	p.err, p.stderr = io.Pipe()
	go func() {
		defer close(p.over)
		act(p)
		p.stdout.Close()
		p.stderr.Close()
	}()
	return p, nil
}

// A process plays a command.
type process struct {
	session        *server.Session
	stdin          *io.PipeReader
	stdout, stderr *io.PipeWriter
	in             *io.PipeWriter
	out, err       *io.PipeReader
	signals        chan string
	sizes          chan term.Size
	exit           server.Exit
	over           chan struct{}
}

func (p *process) Streams() server.Streams {
	return server.Streams{Stdin: p.in, Stdout: p.out, Stderr: p.err}
}
func (p *process) Signal(name string) error { p.signals <- name; return nil }
func (p *process) Resize(s term.Size) error { p.sizes <- s; return nil }
func (p *process) Wait() server.Exit        { <-p.over; return p.exit }
func (p *process) Close()                   { p.in.Close(); p.out.Close(); p.err.Close() }

// acts are the commands of the stage.
var acts = map[string]func(*process){
	"true":  func(*process) {},
	"fail":  func(p *process) { p.exit.Code = 7 },
	"die":   func(p *process) { p.exit = server.Exit{Signal: "KILL", Core: true} },
	"cat":   func(p *process) { io.Copy(p.stdout, p.stdin) },
	"speak": func(p *process) { io.WriteString(p.stdout, "out"); io.WriteString(p.stderr, "err") },
	"yes": func(p *process) {
		for {
			if _, err := p.stdout.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	},
	"shell": func(p *process) {
		tty := "no terminal"
		if want := p.session.PTY; want != nil {
			tty = fmt.Sprint(want.Term, want.Size, len(want.Modes))
		}
		fmt.Fprintln(p.stdout, p.session.Env, tty)
	},
	"signals": func(p *process) { fmt.Fprintln(p.stdout, <-p.signals) },
	"sizes":   func(p *process) { fmt.Fprintln(p.stdout, <-p.sizes) },
}

// delayed is what one read brought, and when it is due at the other end.
type delayed struct {
	data []byte
	due  time.Time
}

// longPath is a connection in memory with a delay each way; addresses are those
// of net.Pipe.
func longPath(oneWay time.Duration) (a, b net.Conn) {
	a, here := net.Pipe()
	there, b := net.Pipe()
	go carry(here, there, oneWay)
	go carry(there, here, oneWay)
	return a, b
}

func carry(from, to net.Conn, delay time.Duration) {
	queue := make(chan delayed, 1024)
	go func() {
		defer close(queue)
		for {
			b := make([]byte, 32<<10)
			n, err := from.Read(b)
			if err != nil {
				return
			}
			queue <- delayed{b[:n], time.Now().Add(delay)}
		}
	}()
	for d := range queue {
		time.Sleep(time.Until(d.due)) // the delay itself, in the bubble's time
		if _, err := to.Write(d.data); err != nil {
			break
		}
	}
	to.Close()
	from.Close()
	for range queue { // the reader must not wait for room
	}
}

// A dam lets nothing through once it is closed.
type dam struct {
	net.Conn
	closed atomic.Bool
}

func (d *dam) Read(b []byte) (int, error) {
	for {
		n, err := d.Conn.Read(b)
		if !d.closed.Load() || err != nil {
			return n, err
		}
	}
}
