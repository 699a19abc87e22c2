package plain

import (
	"unicode/utf8"

	"github.com/nacre-ssh/nacre/telnet"
)

// off is the value of a character that means nothing: no byte has it.
const off = -1

// specialKeys are the characters that mean something to the keyboard. The names
// are those of telnet's set command.
type specialKeys struct {
	escape, rlogin, echo                      int
	interrupt, quit, suspend, flush, ayt, eof int
	erase, kill, word, reprint, literal       int
	forward1, forward2, start, stop           int
}

func defaultSpecialKeys() specialKeys {
	return specialKeys{
		escape: off, rlogin: off, echo: ctrl('E'),
		interrupt: ctrl('C'), quit: ctrl('\\'), suspend: ctrl('Z'), flush: ctrl('O'), ayt: ctrl('T'), eof: ctrl('D'),
		erase: 0x7f, kill: ctrl('U'), word: ctrl('W'), reprint: ctrl('R'), literal: ctrl('V'),
		forward1: off, forward2: off, start: ctrl('Q'), stop: ctrl('S'),
	}
}

// ctrl is the character that a key makes with Control.
func ctrl(key byte) int { return int(key) & 0x1f }

// A typist turns what is typed into what is sent: lines that can be corrected,
// or characters at a time. Used by one goroutine.
type typist struct {
	c       plainConn
	screen  *plainScreen
	person  bool // it is typed at a raw terminal: this side does the system's work
	special specialKeys

	line      []byte // typed, and not sent yet
	literally bool   // the next character means nothing
	silent    bool   // the echo character switched the echo off
	lineFeed  bool   // toggle crlf: Return is CR LF where it would be CR NUL
	localKeys *bool  // toggle localchars; nil is its default
	noFlush   bool   // toggle autoflush, the other way round
	synch     bool   // toggle autosynch
	atStart   bool   // at the beginning of a line, for rlogin's escape
	tilde     bool   // rlogin's escape character was typed
	was       byte   // the character before, of a piped input
}

func newTypist(c plainConn, s *plainScreen) *typist {
	return &typist{c: c, screen: s, special: defaultSpecialKeys(), atStart: true}
}

// A keyAction is what a character wants that isn't for the other side.
type keyAction int

const (
	keyNothing keyAction = iota
	keyCommand           // the command mode
	keyLeave             // the end of the session
	keyStop              // this program stopped, as by ^Z
)

// typed takes what was read. With an escape it stops and returns what follows.
func (k *typist) typed(b []byte) (rest []byte, act keyAction, err error) {
	take := k.piped
	if k.person {
		take = k.key
	}
	for i, c := range b {
		act, held := k.escape(c)
		if act != keyNothing {
			return b[i+1:], act, k.flush()
		}
		if held {
			continue
		}
		if err := take(c); err != nil {
			return nil, keyNothing, err
		}
		k.atStart = c == '\r' || c == '\n'
	}
	if k.person && k.c.Mode().Edit {
		return nil, keyNothing, nil // it can still be corrected
	}
	return nil, keyNothing, k.flush()
}

// escape looks for the escape character, and at the beginning of a line for
// rlogin's; that one is held back until the next shows what it was.
func (k *typist) escape(c byte) (act keyAction, held bool) {
	if k.tilde {
		k.tilde = false
		return k.afterTilde(c), false
	}
	if k.person && int(c) == k.special.rlogin && k.atStart {
		k.tilde = true
		return keyNothing, true
	}
	if int(c) == k.special.escape && !k.literally {
		k.echo(showKey(c))
		return keyCommand, false
	}
	return keyNothing, false
}

// afterTilde is rlogin's ~. and ~^Z, and ~^] for the command mode.
func (k *typist) afterTilde(c byte) keyAction {
	switch int(c) {
	case '.', k.special.eof:
		return keyLeave
	case k.special.suspend:
		return keyStop
	case k.special.escape, ctrl(']'):
		return keyCommand
	case k.special.rlogin: // typed twice to send one
	default:
		k.line = append(k.line, byte(k.special.rlogin))
	}
	return keyNothing
}

func (k *typist) flush() error {
	if len(k.line) == 0 {
		return nil
	}
	_, err := k.c.Write(k.line)
	k.line = k.line[:0]
	return err
}

// piped takes a character of a file or a pipe: only its line ends matter.
func (k *typist) piped(c byte) error {
	if c == '\n' && k.was != '\r' && k.c.Mode().Edit {
		k.line = append(k.line, '\r')
	}
	k.was = c
	k.line = append(k.line, c)
	return nil
}

// key takes a character of a person.
func (k *typist) key(c byte) error {
	mode := k.c.Mode()
	if k.local(mode) && !k.literally {
		if cmd, ok := k.command(c); ok {
			return k.interrupt(c, cmd)
		}
	}
	if mode.Edit {
		return k.edit(c)
	}
	if mode.Echo {
		k.echo(showKey(c))
	}
	k.line = append(k.line, c)
	if c == '\r' && k.lineFeed {
		k.line = append(k.line, '\n')
	}
	return nil
}

// local says whether characters such as ^C are commands to the other side.
func (k *typist) local(mode telnet.Mode) bool {
	if k.localKeys != nil {
		return *k.localKeys
	}
	return mode.Edit
}

// command finds the command that a character stands for.
func (k *typist) command(c byte) (telnet.Command, bool) {
	for _, row := range []struct {
		key int
		cmd telnet.Command
	}{
		{k.special.interrupt, telnet.IP}, {k.special.quit, telnet.BRK}, {k.special.suspend, telnet.SUSP},
		{k.special.flush, telnet.AO}, {k.special.ayt, telnet.AYT},
	} {
		if row.key == int(c) {
			return row.cmd, true
		}
	}
	if k.c.Mode().Edit {
		return 0, false
	}
	switch int(c) {
	case k.special.erase:
		return telnet.EC, true
	case k.special.kill:
		return telnet.EL, true
	}
	return 0, false
}

// interrupt sends a command; what was typed of a line is gone with it.
func (k *typist) interrupt(c byte, cmd telnet.Command) error {
	conn, ok := k.c.(*telnet.Conn)
	if !ok {
		return nil
	}
	if cmd == telnet.AYT || cmd == telnet.EC || cmd == telnet.EL {
		return conn.Send(cmd)
	}
	k.line = k.line[:0]
	if k.c.Mode().Edit {
		k.echo(showKey(c))
	}
	if k.noFlush {
		return conn.Send(cmd)
	}
	if err := conn.Interrupt(cmd); err != nil || !k.synch {
		return err
	}
	return conn.Synch()
}

// echo shows what was typed, where that is wanted.
func (k *typist) echo(text string) {
	if k.person && !k.silent && k.c.Mode().Echo {
		_, _ = k.screen.Write([]byte(text)) // a lost terminal shows at the next read
	}
}

// showKey is how a terminal echoes a character.
func showKey(c byte) string {
	switch {
	case c == '\r' || c == '\n':
		return "\r\n"
	case c == '\t':
		return "\t"
	case c < ' ' || c == 0x7f:
		return "^" + string(rune(c^0x40))
	}
	return string([]byte{c})
}

// lastRune is how many bytes the last character of a line has, and how many
// columns it took.
func lastRune(line []byte) (size, width int) {
	r, size := utf8.DecodeLastRune(line)
	switch {
	case r < ' ' || r == 0x7f:
		return size, 2
	case r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd):
		return size, 2 // East Asian characters and pictures
	}
	return size, 1
}
