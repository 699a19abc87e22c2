package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Context is what the connections of one worker have in common: the user with
// all groups, and whatever else the caller keeps apart (a chroot, a label).
type Context struct {
	User  *User
	Label string
}

func (c *Context) key() string {
	return fmt.Sprintf("%s\x00%d\x00%d\x00%v\x00%s\x00%s\x00%s", c.User.Name, c.User.UID, c.User.GID, c.User.Groups, c.User.Home, c.User.Shell, c.Label)
}

// Handover is a connection to hand to a worker. The slices are read before
// [Supervisor.Hand] returns and not kept.
type Handover struct {
	// Socket is the connection's socket (*net.TCPConn, *os.File); the caller
	// still owns it, and closes it after a hand-over that succeeded.
	Socket syscall.Conn
	// State is what the transport exported, Policy what the monitor decided;
	// at most MaxState and MaxPolicy bytes.
	State, Policy []byte
	// Algorithms are the host-key signature algorithms that this connection
	// may ask for: those of its key exchange. Share one slice among many.
	Algorithms []string
	// Tag is given back when the connection ends.
	Tag any
}

// Supervisor, in the monitor, starts one worker per login context when it is
// needed and hands it connections. Set the fields before the first call; its
// methods are safe for concurrent use and it must not be copied.
//
// A connection costs it one map entry and nothing else.
type Supervisor struct {
	// Args is the argument list of a worker; it must lead the new process to
	// [RunWorker]. Its first element is what ps shows.
	Args func(Context) []string
	// Env is the worker's environment; nil gives it PATH and TZ alone.
	Env []string
	// Program is the binary; empty means this process's own.
	Program string
	// Sign makes a signature blob with the host key, for a live connection of
	// a worker. It is rate-limited and asked from several goroutines.
	Sign func(ctx context.Context, id uint64, algorithm string, data []byte) ([]byte, error)
	// Ended, if set, is told once when a connection that Hand accepted is over,
	// possibly before Hand returns; tag is what came with the hand-over. It must
	// not block.
	Ended func(id uint64, tag any)
	// Log takes the lines of workers and of the supervisor itself; nil drops
	// them.
	Log *slog.Logger
	// Idle is how long a worker stays after its last connection and process;
	// 0 means 10 seconds.
	Idle time.Duration
	// MaxConnections and MaxChildren cap each worker; 0 means 16384 and 4096.
	MaxConnections, MaxChildren int

	patience time.Duration // tests; 0 means handTimeout

	mu      sync.Mutex
	workers map[string]*worker
	all     map[*worker]struct{}
	conns   map[uint64]*handed
	nextID  uint64
	closed  bool
	wg      sync.WaitGroup
}

// handed is a live connection of a worker.
type handed struct {
	id         uint64
	worker     *worker
	tag        any
	algorithms []string
	signs      bucket
	signing    bool
	begun      bool       // the worker accepted: it may sign and end
	lost       bool       // the worker died while it was being handed over
	accepted   chan error // nil once the hand-over is complete
}

// Errors of [Supervisor.Hand].
var (
	// ErrClosed says that the supervisor was closed.
	ErrClosed = errors.New("supervisor is closed")
	// errGone says that the worker ended before it took a connection: another
	// one will do.
	errGone = errors.New("the user's process ended")
)

// RefusedError is a worker's refusal, for instance at its cap of connections.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "the user's process refused: " + e.Reason }

// Hand gives a connection to the worker of its context and returns when that
// serves it. The number names the connection in Sign and Ended.
//
// When the worker is about to end, or ends meanwhile, a fresh one is started:
// no connection is lost to that race. On an error no worker has the connection.
func (s *Supervisor) Hand(ctx context.Context, c Context, h Handover) (uint64, error) {
	if len(h.State) > MaxState || len(h.Policy) > MaxPolicy {
		return 0, fmt.Errorf("handing over a connection: state of %d or policy of %d bytes is too large", len(h.State), len(h.Policy))
	}
	var id uint64
	var err error
	for range handAttempts {
		id, err = s.handOnce(ctx, c, &h)
		if !errors.Is(err, errGone) {
			break
		}
	}
	if err != nil {
		return 0, fmt.Errorf("handing the connection to the process of %s: %w", c.User.Name, err)
	}
	return id, nil
}

// handOnce offers the connection, waits until the worker has accepted it, and
// tells it to begin. Before that last word a worker that dies, or that wakes up
// too late, has touched nothing.
func (s *Supervisor) handOnce(ctx context.Context, c Context, h *Handover) (uint64, error) {
	w, err := s.worker(c)
	if err != nil {
		return 0, err
	}
	id, conn := s.register(w, h)
	if conn == nil {
		return 0, errGone
	}
	msg := hand{id: id, state: h.State, policy: h.Policy}
	if err := w.send(msg.frame(), h.Socket); err != nil {
		s.withdraw(id)
		s.retire(w)
		return 0, fmt.Errorf("%w: %w", errGone, err)
	}
	if err := s.await(ctx, w, conn); err != nil {
		s.withdraw(id)
		return 0, err
	}
	if err := w.send(idFrame(msgCommit, id), nil); err != nil {
		s.withdraw(id)
		s.retire(w)
		return 0, fmt.Errorf("%w: %w", errGone, err)
	}
	return id, s.committed(conn)
}

// await waits for the worker's answer.
func (s *Supervisor) await(ctx context.Context, w *worker, c *handed) error {
	patience := handTimeout
	if s.patience > 0 {
		patience = s.patience
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	var err error
	select {
	case err := <-c.accepted:
		return err
	case <-ctx.Done():
		err = ctx.Err()
	case <-late.C:
		// It is stopped, or very slow. Newcomers get another one, this one
		// keeps what it has.
		s.retire(w)
		err = fmt.Errorf("%w: no answer", errGone)
	}
	go w.send(idFrame(msgAbort, c.id), nil)
	return err
}

// committed closes the hand-over: from now on the end of the worker is the end
// of the connection.
func (s *Supervisor) committed(c *handed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.lost {
		return errGone
	}
	c.accepted = nil
	return nil
}

// worker returns the context's worker, starting one when there is none.
func (s *Supervisor) worker(c Context) (*worker, error) {
	k := c.key()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if w := s.workers[k]; w != nil {
		return w, nil
	}
	w, err := s.spawn(c)
	if err != nil {
		return nil, err
	}
	w.key = k
	if s.workers == nil {
		s.workers, s.all, s.conns = make(map[string]*worker), make(map[*worker]struct{}), make(map[uint64]*handed)
	}
	s.workers[k] = w
	s.all[w] = struct{}{}
	s.wg.Go(func() { s.serve(w) })
	return w, nil
}

// register makes an entry, or returns nil when the worker is gone already.
func (s *Supervisor) register(w *worker, h *Handover) (uint64, *handed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, alive := s.all[w]; !alive {
		return 0, nil
	}
	s.nextID++
	c := &handed{id: s.nextID, worker: w, tag: h.Tag, algorithms: h.Algorithms, accepted: make(chan error, 1)}
	s.conns[c.id] = c
	return c.id, c
}

// retire makes newcomers get another worker.
func (s *Supervisor) retire(w *worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.workers[w.key] == w {
		delete(s.workers, w.key)
	}
}

func (s *Supervisor) withdraw(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, id)
}

// Live returns how many connections the workers hold, and how many workers
// there are.
func (s *Supervisor) Live() (connections, workers int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if c.accepted == nil {
			connections++
		}
	}
	return connections, len(s.all)
}

// Close stops handing out connections and lets go of the workers. They keep
// their connections (a restarted listener must not cut sessions), but can get
// no more signatures.
func (s *Supervisor) Close() {
	s.mu.Lock()
	s.closed = true
	for w := range s.all {
		w.hangup()
	}
	s.mu.Unlock()
}

// Wait waits until no worker is left, which after Close is when the last user
// has gone.
func (s *Supervisor) Wait() { s.wg.Wait() }

// serve reads what a worker says until it is gone.
func (s *Supervisor) serve(w *worker) {
	err := w.read(func(kind byte, body []byte) error { return s.take(w, kind, body) })
	w.hangup()
	s.bury(w)
	if errors.Is(err, errFrame) || errors.Is(err, errProtocol) {
		// Only a worker that was taken over writes such things.
		s.log(slog.LevelError, "the user's process broke the protocol and is killed", w, "error", err)
		w.kill()
	}
	state := w.wait()
	s.log(slog.LevelDebug, "the user's process ended", w, "state", state)
}

// bury removes a worker and all that it had.
func (s *Supervisor) bury(w *worker) {
	var over []*handed
	s.mu.Lock()
	delete(s.all, w)
	if s.workers[w.key] == w {
		delete(s.workers, w.key)
	}
	for id, c := range s.conns {
		if c.worker != w {
			continue
		}
		delete(s.conns, id)
		if c.accepted == nil {
			over = append(over, c)
			continue
		}
		c.lost = true
		select {
		case c.accepted <- errGone:
		default: // accepted before it died
		}
	}
	s.mu.Unlock()
	for _, c := range over {
		s.ended(c)
	}
}

func (s *Supervisor) ended(c *handed) {
	if s.Ended != nil {
		s.Ended(c.id, c.tag)
	}
}

// errProtocol says that a message came that its connection can't send.
var errProtocol = errors.New("message does not fit")

// take handles one message of a worker.
func (s *Supervisor) take(w *worker, kind byte, body []byte) error {
	switch kind {
	case msgAccepted:
		id, err := parseID(body)
		if err == nil {
			s.settle(w, id, nil)
		}
		return err
	case msgRefused:
		t, err := parseText(kind, body)
		if err == nil {
			s.settle(w, t.id, &RefusedError{t.text})
		}
		return err
	case msgEnded:
		return s.takeEnded(w, body)
	case msgSign:
		return s.takeSign(w, body)
	case msgLog:
		return s.takeLog(w, body)
	}
	return errProtocol
}

// settle answers a Hand that waits. A late answer finds nobody.
func (s *Supervisor) settle(w *worker, id uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.conns[id]; c != nil && c.worker == w && !c.begun {
		c.begun = true
		c.accepted <- err
	}
}

func (s *Supervisor) takeEnded(w *worker, body []byte) error {
	id, err := parseID(body)
	if err != nil {
		return err
	}
	s.mu.Lock()
	c := s.conns[id]
	mine := c != nil && c.worker == w && c.begun
	if mine {
		delete(s.conns, id)
	}
	s.mu.Unlock()
	if mine {
		s.ended(c)
	}
	return nil
}

func (s *Supervisor) takeLog(w *worker, body []byte) error {
	t, err := parseText(msgLog, body)
	if err != nil {
		return err
	}
	if !w.logs.take(time.Now(), logBurst, logEvery) {
		w.unlogged++
		return nil
	}
	if w.unlogged > 0 {
		s.log(slog.LevelWarn, "lines of the user's process were dropped", w, "lines", w.unlogged)
		w.unlogged = 0
	}
	s.log(t.level, t.text, w, "connection", t.id)
	return nil
}

// takeSign checks a request and has it signed beside the reader, which waits only
// while too many of this worker's requests are unanswered. A request that no
// honest worker sends ends it.
func (s *Supervisor) takeSign(w *worker, body []byte) error {
	q, err := parseSign(body)
	if err != nil {
		return err
	}
	reason, err := s.maySign(w, &q)
	if err != nil {
		return err
	}
	w.signers <- struct{}{}
	go func() {
		defer func() { <-w.signers }()
		if reason == "" {
			s.log(slog.LevelDebug, "signing a key exchange", w, "connection", q.id, "algorithm", q.algorithm)
			w.answer(s.sign(w, &q))
			return
		}
		s.log(slog.LevelWarn, "signature refused", w, "connection", q.id, "reason", reason)
		s.signingOver(q.id)
		w.answer(&signed{id: q.id, reason: reason})
	}()
	return nil
}

// maySign returns why a request is refused, or an error when the worker lies.
func (s *Supervisor) maySign(w *worker, q *signRequest) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conns[q.id]
	if c == nil || c.worker != w || !c.begun {
		return "", errors.New("signature asked for a connection that is not there")
	}
	if c.signing {
		return "", errors.New("two signatures asked at once for one connection")
	}
	c.signing = true
	switch {
	case s.Sign == nil || !slices.Contains(c.algorithms, q.algorithm):
		return "the algorithm was not negotiated", nil
	case !c.signs.take(time.Now(), signBurst, signEvery):
		return "too many signatures", nil
	}
	return "", nil
}

// signingOver lets the connection ask again; it comes before the answer.
func (s *Supervisor) signingOver(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.conns[id]; c != nil {
		c.signing = false
	}
}

func (s *Supervisor) sign(w *worker, q *signRequest) *signed {
	ctx, cancel := context.WithTimeout(context.Background(), handTimeout)
	defer cancel()
	signature, err := s.Sign(ctx, q.id, q.algorithm, q.data)
	s.signingOver(q.id)
	if err == nil && len(signature) > maxSignature {
		err = errors.New("signature is too long")
	}
	if err != nil {
		s.log(slog.LevelError, "signing a key exchange failed", w, "connection", q.id, "error", err)
		return &signed{id: q.id, reason: "the monitor could not sign"}
	}
	return &signed{id: q.id, signature: signature}
}

func (s *Supervisor) log(level slog.Level, text string, w *worker, args ...any) {
	if s.Log != nil {
		s.Log.Log(context.Background(), level, text, append(args, "user", w.user, "pid", w.pid)...)
	}
}

// environ is what a worker is started with: nothing that could steer it, and one
// word to Go's runtime. Left alone, that gives each new goroutine a stack of the
// average size that it last saw, which a few deep ones make large; a worker has one
// goroutine per idle connection, and that needs 2.
func (s *Supervisor) environ() []string {
	env := s.Env
	if env == nil {
		env = []string{"PATH=" + rootPath}
		if zone, ok := os.LookupEnv("TZ"); ok {
			env = append(env, "TZ="+zone)
		}
	}
	return append(slices.Clip(env), "GODEBUG=adaptivestackstart=0")
}
