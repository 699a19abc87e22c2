//go:build unix

package login

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// workerSide is the state of a worker in the worker itself.
type workerSide struct {
	control *net.UnixConn
	setup   *setup
	runner  *Runner
	handler func(context.Context, *Handed)

	sendMu sync.Mutex

	mu       sync.Mutex
	conns    map[uint64]*workerConn
	children int
	alone    bool // the monitor has gone
	over     bool // nothing is accepted any more
	timer    *time.Timer
	done     chan struct{} // closed with over
}

// workerConn is a connection that was accepted; fd is -1 once it is served.
type workerConn struct {
	hand    hand
	fd      int
	pending bool        // a signature is under way
	answer  chan signed // of the request that is waited for
}

// RunWorker is the whole life of a worker. It must be called first thing in a
// process that a [Supervisor] started, before any other goroutine or file is
// there: it becomes the user for good, then serves connections, each in a
// goroutine that runs handler, until it has had neither connection nor process
// for the time that the monitor set.
//
// A handler that panics ends its connection alone. When the monitor goes away
// the worker keeps its connections and ends with the last one.
func RunWorker(ctx context.Context, handler func(context.Context, *Handed)) error {
	w := &workerSide{handler: handler, conns: make(map[uint64]*workerConn), done: make(chan struct{})}
	reader, err := w.open()
	if err != nil {
		return fmt.Errorf("session worker: %w", err)
	}
	w.runner = &Runner{Max: int(w.setup.children), changed: w.childrenAre}
	// The first connection is on its way: be there for it.
	w.timer = time.AfterFunc(w.setup.idle+handTimeout, w.tryEnd)
	go func() {
		err := reader.run(func(kind byte, body []byte, r *frameReader) error { return w.take(ctx, kind, body, r) })
		w.monitorGone(err)
	}()
	select {
	case <-w.done:
	case <-ctx.Done():
	}
	w.control.Close()
	return ctx.Err()
}

// open takes the control socket, learns who to become, and becomes that user.
func (w *workerSide) open() (*frameReader, error) {
	syscall.CloseOnExec(controlFD)
	file := os.NewFile(controlFD, "control")
	if file == nil {
		return nil, errors.New("it is started by nacre sshd, not by hand")
	}
	control, err := unixConn(file)
	file.Close()
	if err != nil {
		return nil, fmt.Errorf("it is started by nacre sshd, not by hand: %w", err)
	}
	w.control = control
	reader := &frameReader{control: control}
	kind, body, err := reader.next()
	if err != nil || kind != msgSetup {
		return nil, fmt.Errorf("%w: no setup: %w", errFrame, err)
	}
	if w.setup, err = parseSetup(body); err != nil {
		return nil, err
	}
	reader.skip()
	// Dispositions that were ignored when this process started (nohup) are
	// default in what it starts: a signal that is notified is reset there.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGINT)
	umask()
	return reader, become(&w.setup.user, w.setup.oomScore)
}

// umask makes new files unwritable for others, whatever else was forbidden.
func umask() { syscall.Umask(syscall.Umask(0o077) | 0o022) }

func (w *workerSide) take(ctx context.Context, kind byte, body []byte, r *frameReader) error {
	switch kind {
	case msgHand:
		return w.takeHand(body, r)
	case msgCommit, msgAbort:
		id, err := parseID(body)
		if err != nil {
			return err
		}
		w.settle(ctx, id, kind == msgCommit)
		return nil
	case msgSigned:
		s, err := parseSigned(body)
		if err == nil {
			w.takeSigned(s)
		}
		return err
	}
	return errProtocol
}

func (w *workerSide) takeHand(body []byte, r *frameReader) error {
	h, err := parseHand(body)
	fd := r.descriptor()
	if err != nil || fd < 0 {
		closeFD(fd)
		return fmt.Errorf("%w: a connection without a socket", errFrame)
	}
	w.mu.Lock()
	if w.over { // the monitor gets no answer, and finds another worker
		w.mu.Unlock()
		closeFD(fd)
		return nil
	}
	full := len(w.conns) >= int(w.setup.connections)
	if !full {
		w.conns[h.id] = &workerConn{hand: h, fd: fd}
		w.timer.Stop()
	}
	w.mu.Unlock()
	if full {
		closeFD(fd)
		t := text{id: h.id, text: "too many connections"}
		w.send(t.frame(msgRefused))
		return nil
	}
	w.send(idFrame(msgAccepted, h.id))
	return nil
}

func closeFD(fd int) {
	if fd >= 0 {
		syscall.Close(fd)
	}
}

// settle begins to serve an accepted connection, or forgets it.
func (w *workerSide) settle(ctx context.Context, id uint64, serve bool) {
	w.mu.Lock()
	c := w.conns[id]
	if c == nil || c.fd < 0 {
		w.mu.Unlock()
		return
	}
	fd := c.fd
	c.fd = -1
	w.mu.Unlock()
	if !serve {
		closeFD(fd)
		w.drop(id)
		return
	}
	// Done here, where the stack is deep already: that of the connection's own
	// goroutine stays as small as its handler needs.
	conn, err := connOf(fd)
	if err != nil {
		w.log(text{id: id, level: slog.LevelError, text: truncate("taking the socket: "+err.Error(), maxLogText)})
		w.send(idFrame(msgEnded, id))
		w.drop(id)
		return
	}
	h := &Handed{ID: id, Conn: conn, State: c.hand.state, Policy: c.hand.policy, User: &w.setup.user, Runner: w.runner, worker: w, conn: c}
	c.hand = hand{} // the two values are the handler's to drop
	go w.serve(ctx, h)
}

// connOf makes a connection of a descriptor, which it closes.
func connOf(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "connection")
	defer file.Close()
	return net.FileConn(file)
}

// serve runs the handler of one connection, and is the one place where its
// panic ends.
func (w *workerSide) serve(ctx context.Context, h *Handed) {
	defer w.served(h)
	w.handler(ctx, h)
}

func (w *workerSide) served(h *Handed) {
	if p := recover(); p != nil {
		w.log(text{id: h.ID, level: slog.LevelError, text: truncate(fmt.Sprintf("panic: %v\n%s", p, debug.Stack()), maxLogText)})
	}
	h.Conn.Close()
	w.send(idFrame(msgEnded, h.ID))
	w.drop(h.ID)
}

func (w *workerSide) drop(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, id)
	w.rest()
}

func (w *workerSide) childrenAre(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.children = n
	w.rest()
}

// rest winds the clock when there is nothing left to do. Called with mu held.
func (w *workerSide) rest() {
	switch {
	case len(w.conns) > 0 || w.children > 0:
		w.timer.Stop()
	case w.alone:
		w.finish()
	default:
		w.timer.Reset(w.setup.idle)
	}
}

// tryEnd ends the worker if it is still idle. A connection that is on its way
// stays unanswered, and the monitor finds it another worker.
func (w *workerSide) tryEnd() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.conns) == 0 && w.children == 0 { // or the clock was stopped too late
		w.finish()
	}
}

func (w *workerSide) finish() {
	if !w.over {
		w.over = true
		close(w.done)
	}
}

// monitorGone drops what was not begun; what was goes on.
func (w *workerSide) monitorGone(error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alone = true
	for id, c := range w.conns {
		if c.fd >= 0 {
			closeFD(c.fd)
			delete(w.conns, id)
		}
		if c.answer != nil {
			close(c.answer)
			c.answer = nil
		}
	}
	w.rest()
}

func (w *workerSide) send(b []byte) error {
	w.sendMu.Lock()
	defer w.sendMu.Unlock()
	if err := w.control.SetWriteDeadline(time.Now().Add(unsentDeadline)); err != nil {
		return err
	}
	_, err := w.control.Write(b)
	if err != nil {
		w.control.Close() // half a frame can't be followed by another
	}
	return err
}

func (w *workerSide) log(t text) { _ = w.send(t.frame(msgLog)) }

func (w *workerSide) sign(ctx context.Context, h *Handed, algorithm string, data []byte) ([]byte, error) {
	if len(data) < 20 || len(data) > maxSignData || len(algorithm) > maxAlgorithm {
		return nil, fmt.Errorf("%w: %d bytes are no exchange hash", ErrNoSignature, len(data))
	}
	answer := make(chan signed, 1)
	w.mu.Lock()
	switch {
	case w.alone:
		w.mu.Unlock()
		return nil, fmt.Errorf("%w: it is not running any more", ErrNoSignature)
	case h.conn.pending:
		w.mu.Unlock()
		return nil, fmt.Errorf("%w: another request is under way", ErrNoSignature)
	}
	h.conn.pending, h.conn.answer = true, answer
	w.mu.Unlock()
	q := signRequest{id: h.ID, algorithm: algorithm, data: data}
	if err := w.send(q.frame()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoSignature, err)
	}
	select {
	case s, ok := <-answer:
		if !ok || s.reason != "" {
			return nil, fmt.Errorf("%w: %s", ErrNoSignature, or(s.reason, "it ended"))
		}
		return s.signature, nil
	case <-ctx.Done():
		return nil, ctx.Err() // pending stays until the answer is here
	}
}

func (w *workerSide) takeSigned(s signed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.conns[s.id]
	if c == nil || !c.pending {
		return
	}
	c.pending = false
	if c.answer != nil {
		c.answer <- s
		c.answer = nil
	}
}

// frameReader reads frames and the descriptors that travel with them.
type frameReader struct {
	control *net.UnixConn
	buf     []byte
	size    int   // of the frame that next returned
	fds     []int // in the order of their frames
}

// maxDescriptors caps those that came ahead of their frames.
const maxDescriptors = 16

// next returns the next frame, a part of the buffer, which skip then passes.
func (r *frameReader) next() (kind byte, body []byte, err error) {
	for {
		kind, body, r.size, err = parseFrame(r.buf, true)
		if err != nil || r.size > 0 {
			return kind, body, err
		}
		if err := r.fill(); err != nil {
			return 0, nil, err
		}
	}
}

func (r *frameReader) skip() {
	r.buf = r.buf[:copy(r.buf, r.buf[r.size:])]
	if len(r.buf) == 0 && cap(r.buf) > 64<<10 {
		r.buf = nil // an idle worker holds no large buffer
	}
}

func (r *frameReader) fill() error {
	if cap(r.buf)-len(r.buf) < 2048 {
		r.buf = append(make([]byte, 0, 2*cap(r.buf)+4096), r.buf...)
	}
	// A message ends where the next descriptor begins, so there is never more
	// than one in a call.
	oob := make([]byte, syscall.CmsgSpace(4*maxDescriptors))
	n, oobn, _, _, err := r.control.ReadMsgUnix(r.buf[len(r.buf):cap(r.buf)], oob)
	r.buf = r.buf[:len(r.buf)+max(n, 0)]
	if err2 := r.take(oob[:oobn]); err2 != nil {
		return err2
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	return err
}

func (r *frameReader) take(oob []byte) error {
	messages, err := syscall.ParseSocketControlMessage(oob)
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			return err
		}
		r.fds = append(r.fds, fds...)
	}
	if len(r.fds) > maxDescriptors {
		return errFrame
	}
	return err
}

// descriptor returns the descriptor of the current frame, or -1.
func (r *frameReader) descriptor() int {
	if len(r.fds) == 0 {
		return -1
	}
	fd := r.fds[0]
	r.fds = append(r.fds[:0], r.fds[1:]...)
	return fd
}

func (r *frameReader) run(f func(kind byte, body []byte, r *frameReader) error) error {
	for {
		kind, body, err := r.next()
		if err == nil {
			err = f(kind, body, r)
		}
		if err != nil {
			for fd := r.descriptor(); fd >= 0; fd = r.descriptor() {
				closeFD(fd)
			}
			return err
		}
		r.skip()
	}
}
