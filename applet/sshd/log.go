package sshd

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/server"
	"github.com/nacre-ssh/nacre/term"
)

// logSink takes lines of the server's log. Safe for concurrent use.
type logSink interface {
	line(level slog.Level, text string)
}

// sshdLog is a slog.Handler that writes as sshd does: what is for people and for
// programs that watch the log is the message alone, with sshd's words.
type sshdLog struct {
	to    logSink
	level *atomic.Int64 // the lowest slog.Level that is written
	attrs string
}

func newSSHDLog(to logSink, l config.LogLevel) (*slog.Logger, *atomic.Int64) {
	level := new(atomic.Int64)
	level.Store(int64(slogLevel(l)))
	return slog.New(&sshdLog{to: to, level: level}), level
}

// slogLevel is the lowest level that is written at a LogLevel.
func slogLevel(l config.LogLevel) slog.Level {
	switch {
	case l <= config.LogFatal:
		return 127
	case l == config.LogError:
		return slog.LevelError
	case l == config.LogInfo:
		return slog.LevelInfo
	case l == config.LogVerbose:
		return server.LevelVerbose
	}
	return slog.LevelDebug - slog.Level(l-config.LogDebug1)
}

// Enabled is slog.Handler's.
func (h *sshdLog) Enabled(_ context.Context, l slog.Level) bool { return int64(l) >= h.level.Load() }

// Handle is slog.Handler's.
func (h *sshdLog) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	if r.Level < server.LevelVerbose {
		// Once for each key exchange, wherever the engine says it from.
		if strings.HasPrefix(text, "key exchange") {
			text = "new keys: " + text
		}
		text = fmt.Sprintf("debug%d: %s", min(3, 1+int(slog.LevelDebug-r.Level)), text)
	}
	plain := r.Level >= server.LevelVerbose && r.Level < slog.LevelWarn
	r.Attrs(func(a slog.Attr) bool {
		if !plain {
			text += oneAttr(a)
		}
		return true
	})
	if !plain {
		text += h.attrs
	}
	h.to.line(r.Level, term.Printable(text))
	return nil
}

// oneAttr leaves out what every line of a worker has.
func oneAttr(a slog.Attr) string {
	if a.Equal(slog.Attr{}) || a.Key == "connection" || a.Key == "pid" || a.Key == "user" {
		return ""
	}
	return " " + a.Key + "=" + a.Value.Resolve().String()
}

// WithAttrs is slog.Handler's.
func (h *sshdLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	for _, a := range attrs {
		next.attrs += oneAttr(a)
	}
	return &next
}

// WithGroup is slog.Handler's; nobody below uses it.
func (h *sshdLog) WithGroup(string) slog.Handler { return h }

// writerLog writes each line at once, whole.
type writerLog struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *writerLog) line(_ slog.Level, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	io.WriteString(l.w, text+"\n")
}
