package control

import (
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/client"
)

// An escaper sends what a client types and takes the escapes out. The master
// does that: it has the client's terminal, and what escapes are about.
type escaper struct {
	p       *passenger
	session *client.Session
	char    byte

	inLine  bool // something was typed since the last line end
	pending bool // the escape character was
}

// escapes are those that a shared session has.
var escapes = [...]struct {
	letter byte
	help   string
	do     func(*escaper)
}{
	{'.', "terminate session", (*escaper).end},
	{'B', "send a BREAK to the remote system", func(e *escaper) { e.session.Break(1000) }},
	{'R', "request rekey", func(e *escaper) { e.p.m.Client.Conn.Rekey() }},
	{'#', "list forwarded connections", (*escaper).list},
	{'?', "this message", nil}, // which is help
}

func (e *escaper) copy(from io.Reader) {
	keys := make([]byte, 4096)
	var out []byte
	for {
		n, err := from.Read(keys)
		out = e.filter(out[:0], keys[:n])
		if len(out) > 0 {
			if _, werr := e.session.Write(out); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// filter appends what of the keys is to be sent, and carries the escapes out.
func (e *escaper) filter(out, keys []byte) []byte {
	for _, c := range keys {
		switch {
		case e.pending && c == e.char:
			e.pending = false
		case e.pending:
			e.pending = false
			if e.escape(c) {
				continue
			}
			out = append(out, e.char)
		case c == e.char && !e.inLine:
			e.pending = true
			continue
		}
		out = append(out, c)
		e.inLine = c != '\r' && c != '\n'
	}
	return out
}

func (e *escaper) escape(c byte) bool {
	for _, row := range escapes {
		switch {
		case row.letter != c:
		case row.do == nil:
			e.help()
			return true
		default:
			row.do(e)
			return true
		}
	}
	return false
}

// say writes on the client's terminal, which is raw.
func (e *escaper) say(text string) { io.WriteString(e.p.files[2], text) }

func (e *escaper) end() {
	e.say(fmt.Sprintf("%s.\r\n", printable(e.char)))
	e.session.Close()
	e.p.nc.Close()
}

func (e *escaper) list() {
	text := "The following connections are open:\r\n"
	for _, c := range e.p.m.Client.Mux.Channels() {
		text += fmt.Sprintf("  #%d %s\r\n", c.ID, c.Name)
	}
	e.say(text)
}

func (e *escaper) help() {
	text := printable(e.char) + "?\r\nSupported escape sequences:\r\n"
	for _, row := range escapes {
		text += " " + printable(e.char) + printable(row.letter) + " - " + row.help + "\r\n"
	}
	text += " " + printable(e.char) + printable(e.char) + " - send the escape character by typing it twice\r\n" +
		"(Note that escapes are only recognized immediately after newline.)\r\n"
	e.say(text)
}

func printable(c byte) string {
	if c < ' ' {
		return "^" + string(rune(c+'@'))
	}
	return string(rune(c))
}
