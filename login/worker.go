package login

import (
	"context"
	"errors"
	"log/slog"
	"net"
)

// Handed is a connection that the monitor handed to this worker. The handler
// owns it while it runs; its methods are safe for concurrent use.
type Handed struct {
	// ID names the connection towards the monitor.
	ID uint64
	// Conn is the socket. It is closed when the handler returns.
	Conn net.Conn
	// State is what the transport exported and Policy what the monitor decided.
	// Set them to nil when they are not needed any more.
	State, Policy []byte
	// User is who logged in and whom this process runs as.
	User *User
	// Runner starts the processes of all connections of this worker.
	Runner *Runner

	worker *workerSide
	conn   *workerConn
}

// ErrNoSignature says that the monitor makes no signature; the reason follows.
var ErrNoSignature = errors.New("no signature from the monitor")

// Sign asks the monitor for a signature blob with the host key over an exchange
// hash (20 to 64 bytes). One request per connection can be under way.
func (h *Handed) Sign(ctx context.Context, algorithm string, data []byte) ([]byte, error) {
	return h.worker.sign(ctx, h, algorithm, data)
}

// Logger writes to the monitor's log: lines of at most 1 KiB, rate-limited for
// the whole worker.
func (h *Handed) Logger(level slog.Level) *slog.Logger {
	return slog.New(&logHandler{send: h.worker.log, id: h.ID, level: level})
}

// logHandler makes one line of a record: the message and its attributes.
type logHandler struct {
	send   func(text)
	id     uint64
	level  slog.Level
	prefix string // of the groups that are open
	attrs  string
}

// Enabled is slog.Handler's.
func (l *logHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }

// Handle is slog.Handler's.
func (l *logHandler) Handle(_ context.Context, r slog.Record) error {
	line := r.Message + l.attrs
	r.Attrs(func(a slog.Attr) bool {
		line += l.attr(a)
		return true
	})
	l.send(text{id: l.id, level: r.Level, text: truncate(line, maxLogText)})
	return nil
}

func (l *logHandler) attr(a slog.Attr) string {
	if a.Equal(slog.Attr{}) {
		return ""
	}
	return " " + l.prefix + a.Key + "=" + a.Value.Resolve().String()
}

// WithAttrs is slog.Handler's.
func (l *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *l
	for _, a := range attrs {
		next.attrs += l.attr(a)
	}
	return &next
}

// WithGroup is slog.Handler's.
func (l *logHandler) WithGroup(name string) slog.Handler {
	next := *l
	next.prefix += name + "."
	return &next
}
