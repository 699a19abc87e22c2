package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/internal/netx"
	"github.com/nacre-ssh/nacre/wire"
)

// A Conn is a client's way to a master. One request at a time; a session or a
// stdio forward is the last one.
type Conn struct {
	link
	id uint32 // of the next request
	greeting
}

// A RefusedError is a master that doesn't do what it was asked for.
type RefusedError struct {
	Denied bool   // the person at the master said no
	Reason string // escape before printing
}

func (e *RefusedError) Error() string { return e.Reason }

// errGone is a master that ended in the middle of something.
var errGone = errors.New("the master has gone")

// Dial connects to a master's socket. The context bounds that and the greeting.
func Dial(ctx context.Context, path string) (*Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "unix", local(path))
	if err != nil {
		return nil, plain(err)
	}
	c := &Conn{link: link{nc: nc.(*net.UnixConn)}}
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	err = c.greet()
	if !stop() && err != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("the master at %s: %w", path, err)
	}
	return c, nil
}

func (c *Conn) greet() error {
	if err := sameUser(c.nc); err != nil {
		return err
	}
	if err := c.send(hello()); err != nil {
		return err
	}
	kind, r, err := c.receive()
	if err != nil {
		return err
	}
	c.greeting, err = readHello(kind, &r)
	return err
}

// Close ends the connection, and with it the session that was opened on it.
func (c *Conn) Close() error { return c.nc.Close() }

// request starts a message with the number of the request.
func (c *Conn) request(kind uint32) []byte {
	c.id++
	return message(kind, c.id-1)
}

// call sends a request and reads its answer: want, another that the caller
// knows, or a refusal, which becomes the error.
func (c *Conn) call(b []byte, files ...*os.File) (kind uint32, r wire.Reader, err error) {
	if err := c.send(b); err != nil {
		return 0, r, err
	}
	for _, f := range files {
		if err := netx.SendFile(c.nc, f); err != nil {
			return 0, r, fmt.Errorf("passing a descriptor: %w", err)
		}
	}
	kind, r, err = c.receive()
	if err != nil {
		return 0, r, gone(err)
	}
	if id := r.Uint32(); r.Err() != nil || id != c.id-1 {
		return 0, r, errMalformed
	}
	if kind == msgDenied || kind == msgFailure {
		refused := &RefusedError{Denied: kind == msgDenied, Reason: text(&r)}
		return 0, r, errors.Join(refused, r.End())
	}
	return kind, r, nil
}

func gone(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errGone
	}
	return err
}

// text reads what is for a person.
func text(r *wire.Reader) string {
	s := r.String()
	if len(s) > maxText {
		s = s[:maxText]
	}
	return s
}

// plainCall is a call whose only good answer is want.
func (c *Conn) plainCall(b []byte, want uint32, files ...*os.File) (wire.Reader, error) {
	kind, r, err := c.call(b, files...)
	if err == nil && kind != want {
		err = fmt.Errorf("unexpected response from master %#08x", kind)
	}
	return r, err
}

// Alive asks for the master's process number.
func (c *Conn) Alive() (pid int, err error) {
	r, err := c.plainCall(c.request(msgAliveCheck), msgAlive)
	if err != nil {
		return 0, err
	}
	pid = int(r.Uint32())
	return pid, r.End()
}

// Terminate ends the master, and everything that it carries.
func (c *Conn) Terminate() error {
	_, err := c.plainCall(c.request(msgTerminate), msgOK)
	if errors.Is(err, errGone) { // so quick that it didn't answer
		return nil
	}
	return err
}

// StopListening has the master take no more clients.
func (c *Conn) StopListening() error {
	_, err := c.plainCall(c.request(msgStopListening), msgOK)
	return err
}

// ErrNoInfo is a master that is too old to tell about itself.
var ErrNoInfo = errors.New("mux server does not support info request")

// Info asks for "connection" or "channels": lines for a person, to be escaped
// before printing.
func (c *Conn) Info(what string) (string, error) {
	if !c.info {
		return "", ErrNoInfo
	}
	r, err := c.plainCall(wire.AppendString(c.request(msgInfo), what), msgInfoReply)
	if err != nil {
		return "", err
	}
	status, s := r.Uint32(), text(&r)
	if err := r.End(); err != nil {
		return "", err
	}
	if status == 0 {
		return "", &RefusedError{Reason: s}
	}
	return s, nil
}

// Forward asks for a forward. port is what the server chose for a remote one
// with port 0, else 0.
func (c *Conn) Forward(kind forward.Kind, s forward.Spec) (port int, err error) {
	reply, r, err := c.call(appendForward(c.request(msgOpenForward), kind, s))
	switch {
	case err != nil:
		return 0, err
	case reply == msgRemotePort:
		port = int(r.Uint32())
		return port, r.End()
	case reply != msgOK:
		return 0, fmt.Errorf("unexpected response from master %#08x", reply)
	}
	return 0, nil
}

// Cancel ends a forward, which is named as it was asked for.
func (c *Conn) Cancel(kind forward.Kind, s forward.Spec) error {
	_, err := c.plainCall(appendForward(c.request(msgCloseForward), kind, s), msgOK)
	return err
}

// appendForward writes a forward (PROTOCOL.mux, section 6).
func appendForward(b []byte, kind forward.Kind, s forward.Spec) []byte {
	number := uint32(forwardLocal)
	switch {
	case kind == forward.Remote:
		number = forwardRemote
	case s.Dynamic:
		number = forwardDynamic
	}
	listen := s.Listen.Host
	if listen == "" && s.Listen.Named {
		listen = "*"
	}
	b = appendPlace(wire.AppendUint32(b, number), s.Listen, listen)
	if s.Dynamic {
		return appendPlace(b, forward.Address{}, "")
	}
	return appendPlace(b, s.Target, s.Target.Host)
}

func appendPlace(b []byte, a forward.Address, host string) []byte {
	if a.Path != "" {
		return wire.AppendUint32(wire.AppendString(b, a.Path), portStreamLocal)
	}
	return wire.AppendUint32(wire.AppendString(b, host), uint32(a.Port))
}

// A Request is a session that a client asks for.
type Request struct {
	TTY       bool
	X11       bool
	Agent     bool
	Subsystem bool
	Escape    int    // the escape character, -1 for none
	Term      string // $TERM
	Command   string // "" for a shell
	Env       []string
}

func appendRequest(b []byte, q Request) []byte {
	b = wire.AppendString(b, "") // reserved
	for _, flag := range []bool{q.TTY, q.X11, q.Agent, q.Subsystem} {
		n := uint32(0)
		if flag {
			n = 1
		}
		b = wire.AppendUint32(b, n)
	}
	b = wire.AppendUint32(b, uint32(int32(q.Escape)))
	b = wire.AppendString(wire.AppendString(b, q.Term), q.Command)
	for _, pair := range q.Env {
		b = wire.AppendString(b, pair)
	}
	return b
}

// Session opens a session on the standard streams of this process, or what is
// given for them; they stay the caller's. Passenger.Wait comes next.
func (c *Conn) Session(q Request, stdin, stdout, stderr *os.File) (*Passenger, error) {
	r, err := c.plainCall(appendRequest(c.request(msgNewSession), q), msgSessionOpened, stdin, stdout, stderr)
	if err != nil {
		return nil, err
	}
	p := &Passenger{conn: c, session: r.Uint32()}
	return p, r.End()
}

// A Passenger is a session that the master drives.
type Passenger struct {
	conn    *Conn
	session uint32
	// TTYFailed is called when the server gave no terminal. May be nil.
	TTYFailed func()
}

// ErrNoExit says that the session ended and the master didn't say how.
var ErrNoExit = errors.New("the master ended the session without an exit status")

// Wait waits for the session's end and returns the exit status.
func (p *Passenger) Wait() (status int, err error) {
	status, err = 0, ErrNoExit
	for {
		kind, r, failed := p.conn.receive()
		if failed != nil {
			return status, err
		}
		if session := r.Uint32(); session != p.session {
			return 0, fmt.Errorf("the master speaks of another session: %w", errMalformed)
		}
		switch {
		case kind == msgTTYFailed && p.TTYFailed != nil:
			p.TTYFailed()
		case kind == msgTTYFailed:
		case kind == msgExit && err != nil:
			status, err = int(r.Uint32()), nil
		default:
			return 0, errMalformed
		}
		if r.End() != nil {
			return 0, errMalformed
		}
	}
}

// Stdio connects two descriptors with an address at the server's side and
// returns once that stands; WaitStdio waits for its end.
func (c *Conn) Stdio(to forward.Address, stdin, stdout *os.File) error {
	b := wire.AppendString(c.request(msgNewStdio), "") // reserved
	r, err := c.plainCall(appendPlace(b, to, to.Host), msgSessionOpened, stdin, stdout)
	if err != nil {
		return err
	}
	r.Uint32() // the session's number, which nobody asks for
	return r.End()
}

// WaitStdio waits until what Stdio connected has ended.
func (c *Conn) WaitStdio() error {
	_, _, err := c.receive()
	if err == nil {
		return errMalformed
	}
	if errors.Is(gone(err), errGone) {
		return nil
	}
	return err
}
