package applet

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/transport"
)

// A speaker prints what ssh has to say, each message a line, and is the log of
// the rooms below: a slog.Handler whose records become sentences. Text from a
// peer is escaped. Its methods may be called from any goroutine.
type speaker struct {
	level config.LogLevel          // as configured; set before others speak
	shift atomic.Int32             // what ~v and ~V add to it
	raw   atomic.Bool              // the terminal doesn't make a line feed a new line
	dress func(text string) string // how another program than ssh says it; nil as it is

	mu  sync.Mutex
	out io.Writer
}

// loudness is the level that holds.
func (s *speaker) loudness() config.LogLevel { return s.level + config.LogLevel(s.shift.Load()) }

// say prints a sentence unless the level forbids it.
func (s *speaker) say(level config.LogLevel, format string, args ...any) {
	if level <= s.loudness() {
		s.print(fmt.Sprintf(format, args...))
	}
}

func (s *speaker) print(text string) {
	if s.dress != nil {
		text = s.dress(text)
	}
	text = strings.TrimSuffix(text, "\n") + "\n"
	if s.raw.Load() {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	io.WriteString(s.out, text)
}

// levels are what a level of a record is in ssh: from the first row that it
// reaches.
var levels = [...]struct {
	from  slog.Level
	level config.LogLevel
	mark  string
}{
	{slog.LevelError, config.LogError, ""},
	{slog.LevelWarn, config.LogInfo, "Warning: "},
	{forward.LevelNotice, config.LogInfo, ""},
	{slog.LevelInfo, config.LogVerbose, ""},
	{slog.LevelDebug, config.LogDebug1, "debug1: "},
	{slog.LevelDebug - 4, config.LogDebug2, "debug2: "},
	{-128, config.LogDebug3, "debug3: "},
}

// Enabled implements slog.Handler.
func (s *speaker) Enabled(_ context.Context, l slog.Level) bool {
	for _, row := range levels {
		if l >= row.from {
			return row.level <= s.loudness()
		}
	}
	return false
}

// Handle implements slog.Handler.
func (s *speaker) Handle(_ context.Context, r slog.Record) error {
	for _, row := range levels {
		if r.Level >= row.from {
			s.print(row.mark + term.Printable(sentenceOf(r)))
			return nil
		}
	}
	return nil
}

// WithAttrs implements slog.Handler; nobody below uses it.
func (s *speaker) WithAttrs([]slog.Attr) slog.Handler { return s }

// WithGroup implements slog.Handler; nobody below uses it.
func (s *speaker) WithGroup(string) slog.Handler { return s }

// sentences are how the records of the engine are said to a person.
var sentences = [...]struct {
	message string
	say     func(attr func(string) any) string
}{
	{"remote identification", func(attr func(string) any) string {
		if kind := attr("kind"); kind != "" {
			return fmt.Sprintf("Server identifies itself as %v, which is %v.", attr("line"), kind)
		}
		return fmt.Sprintf("Server identifies itself as %v.", attr("line"))
	}},
	{"key exchange", func(attr func(string) any) string {
		out, in := attr("out"), attr("in")
		how := fmt.Sprintf("to and from the server %s", direction(out))
		if out != in {
			how = fmt.Sprintf("to the server %s, from the server %s", direction(out), direction(in))
		}
		if attr("strict") == false {
			how += ", without strict key exchange"
		}
		return fmt.Sprintf("Making new keys with %v, host key %v, %s.", attr("method"), attr("hostkey"), how)
	}},
}

func direction(d any) string {
	v, ok := d.(transport.Direction)
	if !ok {
		return fmt.Sprint(d)
	}
	text := v.Cipher
	if v.MAC != "" {
		text += " with " + v.MAC
	}
	if v.Compression != "none" && v.Compression != "" {
		text += ", compressed by " + v.Compression
	}
	return text
}

func sentenceOf(r slog.Record) string {
	for _, row := range sentences {
		if row.message == r.Message {
			return row.say(func(name string) (found any) {
				r.Attrs(func(a slog.Attr) bool {
					if a.Key == name {
						found = a.Value.Any()
					}
					return found == nil
				})
				return found
			})
		}
	}
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	return text
}
