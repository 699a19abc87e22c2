package applet

import (
	"cmp"
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
			for _, text := range sentencesOf(r) {
				s.print(row.mark + term.Printable(text))
			}
			return nil
		}
	}
	return nil
}

// WithAttrs implements slog.Handler; nobody below uses it.
func (s *speaker) WithAttrs([]slog.Attr) slog.Handler { return s }

// WithGroup implements slog.Handler; nobody below uses it.
func (s *speaker) WithGroup(string) slog.Handler { return s }

// sentences are how the records of the engine are said to a person, as far as
// OpenSSH has words for them in its words: scripts look for those.
var sentences = [...]struct {
	message string
	say     func(attr func(string) any) []string
}{
	{"remote identification", func(attr func(string) any) []string {
		protocol, software, _ := strings.Cut(strings.TrimPrefix(fmt.Sprint(attr("line")), "SSH-"), "-")
		said := []string{fmt.Sprintf("Remote protocol version %s, remote software version %s", protocol, software)}
		if kind := attr("kind"); kind != nil && kind != "" {
			said = append(said, fmt.Sprintf("The server is known as %v: what is particular about it is taken into account.", kind))
		}
		return said
	}},
	{"key exchange", func(attr func(string) any) []string {
		said := []string{
			fmt.Sprintf("kex: algorithm: %v", attr("method")),
			fmt.Sprintf("kex: host key algorithm: %v", attr("hostkey")),
			"kex: server->client " + direction(attr("in")),
			"kex: client->server " + direction(attr("out")),
			whyThese(attr("lacks")),
		}
		if attr("strict") == false {
			said = append(said, "The server has no strict key exchange.")
		}
		return said
	}},
}

// whyThese says why the algorithms are those: lacks are the names that this side
// would rather have used.
func whyThese(lacks any) string {
	var names []string
	list, _ := lacks.([]string)
	for _, name := range list {
		if !strings.Contains(name, "-cert-v0") { // few hosts have one
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "kex: new keys are made with these: each is the first that this side prefers."
	}
	return "kex: new keys are made with these: each is the first that this side prefers and the server has; it lacks " + strings.Join(names, ", ") + "."
}

func direction(d any) string {
	v, ok := d.(transport.Direction)
	if !ok {
		return fmt.Sprint(d)
	}
	return fmt.Sprintf("cipher: %s MAC: %s compression: %s", v.Cipher, cmp.Or(v.MAC, "<implicit>"), v.Compression)
}

// sentenceOf is what a record says, in a line.
func sentenceOf(r slog.Record) string { return strings.Join(sentencesOf(r), " ") }

func sentencesOf(r slog.Record) []string {
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
	return []string{text}
}
