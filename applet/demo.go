package applet

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/applet/sshd"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/knownhosts"
	"github.com/nacre-ssh/nacre/login"
	"github.com/nacre-ssh/nacre/server"
	"github.com/nacre-ssh/nacre/term"
)

// demoBytes is what goes to the server and back, in bytes.
const demoBytes = 256 << 20

// demoCommand is something that every system's shell knows.
const demoCommand = "echo hello from the other side"

// A demo is a server and a client in one process, connected through TCP on
// loopback, with keys that nobody else has.
type demo struct {
	*door.Env
	user     *login.User
	hostKey  *key.Private
	identity *key.Private
	listener net.Listener
	exchange atomic.Int32 // key exchanges that the client has seen
}

// runDemo is the demo door.
func runDemo(ctx context.Context, e *door.Env) int {
	if len(e.Args) > 0 {
		e.Errorf("usage: nacre demo")
		return 2
	}
	d := &demo{Env: e}
	code, err := d.run(ctx)
	if err != nil {
		e.Errorf("nacre demo: %v", err)
		return 1
	}
	return code
}

func (d *demo) run(ctx context.Context) (int, error) {
	if err := d.prepare(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	s, err := server.New(server.Config{
		HostKeys: []key.Signer{d.hostKey}, Policy: d,
		Handler:    &demoHandler{sshd.Processes{User: d.user, Runner: new(login.Runner)}},
		Subsystems: map[string]string{demoEcho: demoEcho},
	})
	if err != nil {
		cancel()
		return 0, err
	}
	go func() { served <- s.Serve(ctx, d.listener) }()
	defer func() { cancel(); <-served }()
	d.say("A server listens on %s; only a fresh key of %s gets in.", d.listener.Addr(), d.user.Name)
	if term.IsTerminal(d.Stdin) && term.IsTerminal(d.Stdout) {
		return d.shell(ctx)
	}
	return 0, d.show(ctx)
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.Stdout, format+"\n", args...) }

// prepare makes the keys and the listener.
func (d *demo) prepare() (err error) {
	var db login.Database
	if d.user, err = db.Current(); err != nil {
		return err
	}
	for _, k := range []**key.Private{&d.hostKey, &d.identity} {
		if *k, err = key.Generate(rand.Reader, key.TypeEd25519, 0); err != nil {
			return err
		}
	}
	d.listener, err = net.Listen("tcp", "127.0.0.1:0")
	return err
}

func (d *demo) port() int { return d.listener.Addr().(*net.TCPAddr).Port }

// Begin is auth.Policy's: one user, one key.
func (d *demo) Begin(_ context.Context, user string) auth.Account {
	if user != d.user.Name {
		return auth.Refuse([][]string{{"publickey"}})
	}
	return demoAccount{auth.Refuse([][]string{{"publickey"}}), d.identity.Public()}
}

// A demoAccount refuses everything but one key.
type demoAccount struct {
	auth.Account
	key key.Public
}

// PublicKey is auth.Account's.
func (a demoAccount) PublicKey(_ context.Context, k key.Public, _ string) (*auth.Permit, error) {
	if !key.Equal(a.key, k) {
		return nil, nil
	}
	return new(auth.Permit), nil
}

// shell is the demo at a terminal: nacre's own ssh logs in.
func (d *demo) shell(ctx context.Context) (int, error) {
	dir, err := os.MkdirTemp("", "nacre-demo-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	identity, known := filepath.Join(dir, "id_ed25519"), filepath.Join(dir, "known_hosts")
	if err := keyfile.SavePrivate(identity, d.identity, "nacre demo", nil); err != nil {
		return 0, err
	}
	if err := knownhosts.Add(known, "127.0.0.1", d.port(), d.hostKey.Public(), false); err != nil {
		return 0, err
	}
	args := []string{"-F", "none", "-p", strconv.Itoa(d.port()), "-i", identity, "-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile=" + known}
	d.say("While this runs, others of your terminals get in with:\n\n  ssh")
	for _, arg := range args[2:] {
		d.print(" " + arg)
	}
	d.say(" %s@127.0.0.1\n\nThis is a shell over SSH; leave it with exit.", d.user.Name)
	e := *d.Env
	e.Name, e.Args = "ssh", append(args, d.user.Name+"@127.0.0.1")
	return runSSH(ctx, &e), nil
}

func (d *demo) print(text string) { io.WriteString(d.Stdout, text) }

// show is the demo without a terminal.
func (d *demo) show(ctx context.Context) error {
	begin := time.Now()
	c, err := client.Dial(ctx, "127.0.0.1", d.port(), d.clientConfig())
	if err != nil {
		return err
	}
	defer c.Close()
	chosen := c.Conn.Negotiated()
	d.say("Connected and logged in after %s: %s, host key %s, %s.",
		milliseconds(time.Since(begin)), chosen.Kex, chosen.HostKey, chosen.Out.Cipher)
	if err := d.command(ctx, c); err != nil {
		return fmt.Errorf("running a command: %w", err)
	}
	if err := d.transfer(ctx, c); err != nil {
		return fmt.Errorf("sending %d MiB there and back: %w", demoBytes>>20, err)
	}
	return nil
}

func (d *demo) clientConfig() *client.Config {
	return &client.Config{
		HostKey: func(_ context.Context, p client.Presented) error {
			if !key.Equal(p.Key, d.hostKey.Public()) {
				return errors.New("the host key is another one")
			}
			return nil
		},
		Auth: auth.ClientConfig{User: d.user.Name, Host: "127.0.0.1", Methods: []auth.ClientMethod{
			auth.PublicKeys(auth.Keys(auth.Identity{Signer: d.identity, Source: "demo", Direct: true})),
		}},
		Logger: slog.New(exchangeCounter{&d.exchange}),
	}
}

// command runs one command, where the server can start one.
func (d *demo) command(ctx context.Context, c *client.Client) error {
	if runtime.GOOS == "windows" {
		d.say("(The server starts no programs on Windows yet.)")
		return nil
	}
	begin := time.Now()
	s, err := c.OpenSession(ctx, client.SessionOptions{})
	if err != nil {
		return err
	}
	if err := s.Exec(demoCommand); err != nil {
		return err
	}
	s.CloseWrite()
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil {
		return err
	}
	exit, err := s.Wait(ctx)
	if err != nil {
		return err
	}
	d.say("$ %s\n%s(exit status %d after %s)", demoCommand, term.Printable(out.String()), exit.Status, milliseconds(time.Since(begin)))
	if exit.Status != 0 || exit.Signal != "" {
		return errors.New("the command failed")
	}
	return nil
}

// transfer sends bytes to the server, which sends them back, and makes new keys
// when half of them are back.
func (d *demo) transfer(ctx context.Context, c *client.Client) error {
	s, err := c.OpenSession(ctx, client.SessionOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Subsystem(demoEcho); err != nil {
		return err
	}
	before := d.exchange.Load()
	begin := time.Now()
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return err
	}
	sent := &summed{sum: sha256.New(), from: io.LimitReader(mathrand.NewChaCha8(seed), demoBytes)}
	failed := make(chan error, 1)
	go func() {
		_, err := s.ReadFrom(sent)
		s.CloseWrite()
		failed <- err
	}()
	back := &summed{sum: sha256.New(), half: func() { c.Conn.Rekey() }}
	if _, err := s.WriteTo(back); err != nil {
		return err
	}
	took := time.Since(begin)
	if err := <-failed; err != nil {
		return err
	}
	exchanges := d.exchange.Load() - before
	d.say("%d MiB to the server and back in %s, %.0f MiB/s each way, new keys %d time(s) on the way.",
		back.n>>20, milliseconds(took), float64(back.n>>20)/took.Seconds(), exchanges)
	d.say("  sent      SHA-256 %x\n  received  SHA-256 %x", sent.sum.Sum(nil), back.sum.Sum(nil))
	switch {
	case back.n != demoBytes || !bytes.Equal(sent.sum.Sum(nil), back.sum.Sum(nil)):
		return errors.New("what came back is not what was sent")
	case exchanges == 0:
		return errors.New("no new keys were made")
	}
	d.say("What came back is what was sent.")
	return nil
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// summed sums what goes through it, in the one direction or the other.
type summed struct {
	from io.Reader
	sum  hash.Hash
	n    int64
	half func() // called once half of the demo's bytes were written; or nil
}

func (s *summed) Read(b []byte) (int, error) {
	n, err := s.from.Read(b)
	s.sum.Write(b[:n])
	return n, err
}

func (s *summed) Write(b []byte) (int, error) {
	s.sum.Write(b)
	was := s.n
	s.n += int64(len(b))
	if s.half != nil && was < demoBytes/2 && s.n >= demoBytes/2 {
		s.half()
	}
	return len(b), nil
}

// exchangeCounter counts the engine's log records about key exchanges.
type exchangeCounter struct{ n *atomic.Int32 }

func (c exchangeCounter) Enabled(context.Context, slog.Level) bool { return true }

func (c exchangeCounter) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "key exchange" {
		c.n.Add(1)
	}
	return nil
}

func (c exchangeCounter) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c exchangeCounter) WithGroup(string) slog.Handler      { return c }

// demoEcho is a subsystem that sends back what it gets.
const demoEcho = "echo@nacre-demo"

// demoHandler starts the user's processes, and the echo.
type demoHandler struct{ sshd.Processes }

// Start is server.Handler's.
func (h *demoHandler) Start(ctx context.Context, s *server.Session) (server.Process, error) {
	if s.Subsystem != demoEcho {
		return h.Processes.Start(ctx, s)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	e := &echo{out: r, done: make(chan struct{})}
	e.in = &echoInput{File: w, closed: e.done}
	return e, nil
}

// An echo is a process that isn't one: a pipe.
type echo struct {
	in   *echoInput
	out  *os.File
	done chan struct{}
}

// echoInput tells when it is closed.
type echoInput struct {
	*os.File
	once   atomic.Bool
	closed chan struct{}
}

func (i *echoInput) Close() error {
	if i.once.Swap(true) {
		return nil
	}
	close(i.closed)
	return i.File.Close()
}

func (e *echo) Streams() server.Streams { return server.Streams{Stdin: e.in, Stdout: e.out} }
func (e *echo) Signal(string) error     { return login.ErrEnded }
func (e *echo) Resize(term.Size) error  { return nil }
func (e *echo) Close()                  { e.in.Close(); e.out.Close() }

func (e *echo) Wait() server.Exit {
	<-e.done
	return server.Exit{}
}
