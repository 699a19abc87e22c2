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
	run     *sshRun
	conn    *client.Client
	session *client.Session
	guard   *term.Guard
	char    byte
	quit    context.CancelCauseFunc

	inLine  bool // something was typed since the last line end
	pending bool // the escape character was
}

// errQuit is the end that ~. asks for.
var errQuit = errors.New("ended by escape")

// escapes are the letters after the escape character. A function that returns
// false ends the reading.
var escapes = [...]struct {
	letter byte
	help   string
	do     func(*escaper) bool
}{
	{'.', "terminate connection", (*escaper).terminate},
	{'B', "send a BREAK to the remote system", (*escaper).sendBreak},
	{'R', "request rekey", (*escaper).rekey},
	{'z' & 31, "suspend ssh", (*escaper).suspend},
	{'?', "this message", nil}, // which is help
}

// copy reads keys until the end.
func (e *escaper) copy(from *os.File) {
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
			if !errors.Is(err, io.EOF) {
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
	for _, row := range escapes {
		switch {
		case row.letter != c:
		case row.do == nil:
			e.help()
			return true, true
		default:
			return true, row.do(e)
		}
	}
	return false, true
}

func (e *escaper) terminate() bool {
	e.quit(errQuit)
	return false
}

func (e *escaper) sendBreak() bool {
	e.session.Break(1000)
	return true
}

func (e *escaper) rekey() bool {
	e.conn.Conn.Rekey()
	return true
}

// suspend stops this process as ^Z does in a shell.
func (e *escaper) suspend() bool {
	e.guard.Suspend()
	e.run.raw.Store(false)
	e.run.say(config.LogQuiet, "%s [suspend ssh]", printableKey(e.char)+"^Z")
	stopSelf()
	e.guard.Resume()
	e.run.raw.Store(true)
	return true
}

func (e *escaper) help() {
	text := "Supported escape sequences:\n"
	for _, row := range escapes {
		text += " " + printableKey(e.char) + printableKey(row.letter) + "  - " + row.help + "\n"
	}
	text += " " + printableKey(e.char) + printableKey(e.char) + "  - send the escape character by typing it twice\n" +
		"(Note that escapes are only recognized immediately after newline.)"
	e.run.print(text)
}

func printableKey(c byte) string {
	if c < ' ' {
		return "^" + string(rune(c+'@'))
	}
	return string(rune(c))
}
