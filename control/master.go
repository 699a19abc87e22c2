package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/wire"
)

// maxClients is how many processes one master serves at a time.
const maxClients = 1024

// A Master shares a connection. Client and Forwards are needed. Its fields are
// not changed once it serves; its methods may be called from any goroutine.
type Master struct {
	Client   *client.Client
	Forwards *forward.Forwards
	// Host is what questions call the server.
	Host string
	// Ask puts a question before anything is done for a client; nil allows
	// everything.
	Ask func(ctx context.Context, question string) bool
	// AcceptEnv says whether a client's variable is sent; nil sends none.
	AcceptEnv func(name string) bool
	// Options are what a session needs besides terminal and variables, for the
	// X11 and agent that a client asked for. May be nil.
	Options func(Request) client.SessionOptions
	// Info is what is told about "connection" and "channels"; ok is false for
	// what isn't known. May be nil.
	Info func(what string) (text string, ok bool)
	// Terminate ends the connection; nil closes it.
	Terminate func()
	Logger    *slog.Logger // nil: silent

	mu       sync.Mutex
	listener *Listener
	clients  map[*served]bool
	busy     int           // sessions and stdio forwards
	used     bool          // there has been one
	changed  chan struct{} // closed when busy does
	routes   routes
}

// Serve takes clients on a listener until it is closed, by Stop or when the
// connection ends. It is called once.
func (m *Master) Serve(ctx context.Context, l *Listener) {
	m.mu.Lock()
	m.listener = l
	m.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	go func() {
		<-m.Client.Done()
		m.Stop()
	}()
	for {
		nc, err := l.AcceptUnix()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(50 * time.Millisecond) // out of descriptors, perhaps
			continue
		}
		go m.ServeConn(ctx, nc)
	}
}

// Stop takes no more clients and removes the socket. Those that are there go on.
func (m *Master) Stop() {
	m.mu.Lock()
	l := m.listener
	m.mu.Unlock()
	if l != nil {
		l.Close()
	}
}

// Idle waits until no client has had a session or a stdio forward for so long;
// for the first one it waits as long as first, if that is longer. It returns
// ctx's error.
func (m *Master) Idle(ctx context.Context, d, first time.Duration) error {
	for {
		m.mu.Lock()
		if m.changed == nil {
			m.changed = make(chan struct{})
		}
		changed, busy, wait := m.changed, m.busy > 0, d
		if !m.used {
			wait = max(d, first)
		}
		m.mu.Unlock()
		var over <-chan time.Time
		if !busy {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			over = timer.C
		}
		select {
		case <-changed:
		case <-over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// count keeps busy.
func (m *Master) count(by int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy += by
	m.used = true
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

func (m *Master) log() *slog.Logger {
	if m.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return m.Logger
}

// A served is one client of a master.
type served struct {
	link
	m    *Master
	ctx  context.Context // ends with the client
	id   uint32          // of the request at hand
	open bool            // it has had its session
}

// handlers answer the requests. An error is a client that can't be talked to any
// more.
var handlers = [...]struct {
	kind uint32
	do   func(*served, *wire.Reader) error
}{
	{msgNewSession, (*served).newSession},
	{msgAliveCheck, (*served).alive},
	{msgTerminate, (*served).terminate},
	{msgOpenForward, (*served).openForward},
	{msgCloseForward, (*served).closeForward},
	{msgNewStdio, (*served).newStdio},
	{msgStopListening, (*served).stopListening},
	{msgInfo, (*served).tell},
	{msgProxy, (*served).proxy},
}

// ServeConn serves one client until it leaves.
func (m *Master) ServeConn(ctx context.Context, nc *net.UnixConn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &served{link: link{nc: nc}, m: m, ctx: ctx}
	defer nc.Close()
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	if !m.enter(s) {
		return
	}
	defer m.leave(s)
	if err := s.serve(); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		m.log().Debug("A client of the shared connection was sent away: " + term.Printable(err.Error()) + ".")
	}
}

func (m *Master) enter(s *served) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.clients) >= maxClients {
		return false
	}
	if m.clients == nil {
		m.clients = map[*served]bool{}
	}
	m.clients[s] = true
	return true
}

func (m *Master) leave(s *served) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.clients, s)
}

func (s *served) serve() error {
	if err := sameUser(s.nc); err != nil {
		return err
	}
	if err := s.send(hello(masterExtensions[:]...)); err != nil {
		return err
	}
	kind, r, err := s.receive()
	if err == nil {
		_, err = readHello(kind, &r)
	}
	if err != nil {
		return err
	}
	for {
		kind, r, err := s.receive()
		if err != nil {
			return err
		}
		if s.id = r.Uint32(); r.Err() != nil {
			return errMalformed
		}
		if err := s.handle(kind, &r); err != nil {
			return err
		}
	}
}

func (s *served) handle(kind uint32, r *wire.Reader) error {
	for _, h := range handlers {
		if h.kind == kind {
			return h.do(s, r)
		}
	}
	return s.fail("unsupported request")
}

func (s *served) ok() error { return s.send(message(msgOK, s.id)) }

func (s *served) fail(reason string) error {
	return s.send(wire.AppendString(message(msgFailure, s.id), reason))
}

func (s *served) deny() error {
	return s.send(wire.AppendString(message(msgDenied, s.id), "Permission denied"))
}

// ask puts a question to whoever guards the connection.
func (s *served) ask(format string, args ...any) bool {
	return s.m.Ask == nil || s.m.Ask(s.ctx, fmt.Sprintf(format, args...))
}

func (s *served) alive(r *wire.Reader) error {
	if r.End() != nil {
		return errMalformed
	}
	return s.send(message(msgAlive, s.id, uint32(os.Getpid())))
}

func (s *served) terminate(r *wire.Reader) error {
	if r.End() != nil {
		return errMalformed
	}
	if !s.ask("Terminate shared connection to %s? ", s.m.Host) {
		return s.deny()
	}
	err := s.ok()
	s.m.Stop()
	if s.m.Terminate != nil {
		s.m.Terminate()
	} else {
		s.m.Client.Close()
	}
	return err
}

func (s *served) stopListening(r *wire.Reader) error {
	if r.End() != nil {
		return errMalformed
	}
	if !s.ask("Disable further multiplexing on shared connection to %s? ", s.m.Host) {
		return s.deny()
	}
	s.m.Stop()
	return s.ok()
}

func (s *served) tell(r *wire.Reader) error {
	what := r.String()
	if r.End() != nil {
		return errMalformed
	}
	text, ok, status := "info request type not supported", false, uint32(0)
	if s.m.Info != nil {
		if told, known := s.m.Info(what); known {
			text, ok = told, true
		}
	}
	if ok {
		status = 1
	}
	return s.send(wire.AppendString(message(msgInfoReply, s.id, status), text))
}
