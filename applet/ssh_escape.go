package applet

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/term"
)

// An escaper sends what is typed and takes the escapes out: the escape
// character at the start of a line, and a letter.
type escaper struct {
	run      *sshRun
	conn     *client.Client
	session  *client.Session
	forwards *forwarding
	guard    *term.Guard
	char     byte
	quit     context.CancelCauseFunc

	inLine  bool // something was typed since the last line end
	pending bool // the escape character was
}

// errQuit is the end that ~. asks for.
var errQuit = errors.New("ended by escape")

// An escape is one letter after the escape character. A function that returns
// false ends the reading.
type escape struct {
	letters string // each does the same
	shown   string // in the help; "" leaves the row out
	help    string
	do      func(e *escaper, letter byte) bool
}

// escapes is the table of them, in the order of ssh's help.
func escapes() []escape {
	return []escape{
		{".", ".", "terminate connection (and any multiplexed sessions)", (*escaper).terminate},
		{"B", "B", "send a BREAK to the remote system", (*escaper).sendBreak},
		{"C", "C", "open a command line", (*escaper).commandLine},
		{"I", "I", "show connection information", (*escaper).information},
		{"R", "R", "request rekey", (*escaper).rekey},
		{"Vv", "V/v", "decrease/increase verbosity (LogLevel)", (*escaper).verbosity},
		{"\x1a", "^Z", "suspend ssh", (*escaper).suspend},
		{"#", "#", "list forwarded connections", (*escaper).connections},
		{"&", "&", "background ssh (when waiting for connections to terminate)", (*escaper).background},
		{"?", "?", "this message", (*escaper).help},
	}
}

// copy reads keys until the end.
func (e *escaper) copy(from io.Reader) {
	defer term.Rescue()
	keys := make([]byte, 4096)
	var out []byte
	for {
		n, err := from.Read(keys)
		more := true
		out, more = e.filter(out[:0], keys[:n])
		if len(out) > 0 {
			if _, werr := e.session.Write(out); werr != nil {
				return
			}
		}
		if !more {
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
				e.run.say(config.LogDebug1, "debug1: Standard input: %v", err)
			}
			e.session.CloseWrite()
			return
		}
	}
}

// filter appends what of the keys is to be sent, and carries the escapes out.
// It reports whether reading goes on.
func (e *escaper) filter(out, keys []byte) ([]byte, bool) {
	for _, c := range keys {
		if e.pending {
			e.pending = false
			if c == e.char {
				out, e.inLine = append(out, c), true
				continue
			}
			if handled, more := e.escape(c); !more {
				return out, false
			} else if handled {
				continue
			}
			out = append(out, e.char)
		} else if c == e.char && !e.inLine {
			e.pending = true
			continue
		}
		out = append(out, c)
		e.inLine = c != '\r' && c != '\n'
	}
	return out, true
}

func (e *escaper) escape(c byte) (handled, more bool) {
	for _, row := range escapes() {
		for i := range len(row.letters) {
			if row.letters[i] == c {
				return true, row.do(e, c)
			}
		}
	}
	return false, true
}

// echo shows the escape, which the terminal does not.
func (e *escaper) echo(letter byte, more string) {
	e.run.print(printableKey(e.char) + printableKey(letter) + more)
}

func (e *escaper) terminate(letter byte) bool {
	e.echo(letter, "")
	e.quit(errQuit)
	return false
}

func (e *escaper) sendBreak(letter byte) bool {
	e.echo(letter, "")
	e.session.Break(1000)
	return true
}

func (e *escaper) rekey(byte) bool {
	e.conn.Conn.Rekey()
	return true
}

// verbosity changes how much is told from here on.
func (e *escaper) verbosity(letter byte) bool {
	if e.run.line.logFile != "" {
		e.echo(letter, " [Logging to a file]")
		return true
	}
	level := e.run.loudness()
	if letter == 'V' {
		level = max(level-1, config.LogQuiet)
	} else {
		level = min(level+1, config.LogDebug3)
	}
	e.run.shift.Store(int32(level - e.run.level))
	e.echo(letter, " [LogLevel "+level.String()+"]")
	return true
}

// suspend stops this process as ^Z does in a shell.
func (e *escaper) suspend(letter byte) bool {
	e.echo(letter, " [suspend ssh]")
	e.run.raw.Store(false)
	stopped := e.guard.Stop()
	e.run.raw.Store(true)
	if !stopped {
		e.run.print("There is no shell that could wake ssh again.")
	}
	return true
}

func (e *escaper) help(letter byte) bool {
	e.echo(letter, "")
	text := "Supported escape sequences:\n"
	char := printableKey(e.char)
	for _, row := range escapes() {
		if row.letters == "C" && !e.run.conf.EnableEscapeCommandline {
			continue
		}
		text += " " + char + (row.shown + "   ")[:max(3, len(row.shown))] + " - " + row.help + "\n"
	}
	e.run.print(text + " " + char + char + "   - send the escape character by typing it twice\n" +
		"(Note that escapes are only recognized immediately after newline.)")
	return true
}

func printableKey(c byte) string {
	if c < ' ' {
		return "^" + string(rune(c+'@'))
	}
	return string(rune(c))
}
