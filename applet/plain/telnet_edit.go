package plain

import (
	"strings"

	"github.com/nacre-ssh/nacre/telnet"
)

// edit takes a character of a line that can still be corrected. The terminal is
// raw all the time, so that the escape character is seen at once on every
// system; what the system does for lines elsewhere is done here.
func (k *typist) edit(c byte) error {
	if k.literally {
		k.literally = false
		k.insert(c)
		return nil
	}
	if c == '\r' || c == '\n' {
		k.echo("\r\n")
		k.line = append(k.line, k.lineEnd()...)
		return k.flush()
	}
	for _, row := range k.editing() {
		if row.key == int(c) {
			return row.do(c)
		}
	}
	k.insert(c)
	return nil
}

// lineEnd is what a line ends with: CR LF, as RFC 854 has it, but where eight
// bits are agreed that would be two keys.
func (k *typist) lineEnd() string {
	if conn, ok := k.c.(*telnet.Conn); ok {
		if us, _ := conn.Enabled(telnet.Binary); us {
			return "\r"
		}
	}
	return "\r\n"
}

// An editing is a character that does something to the line.
type editing struct {
	key int
	do  func(c byte) error
}

func (k *typist) editing() []editing {
	s := k.special
	erase := func(byte) error { k.rubOut(1); return nil }
	return []editing{
		{s.erase, erase}, {'\b', erase},
		{s.kill, func(byte) error { k.rubOut(len(k.line)); return nil }},
		{s.word, func(byte) error { k.rubOutWord(); return nil }},
		{s.reprint, func(c byte) error { k.echo(showKey(c) + "\r\n" + k.shown()); return nil }},
		{s.literal, func(byte) error { k.literally = true; k.echo("^\b"); return nil }},
		{s.echo, func(byte) error { k.silent = !k.silent; return nil }},
		{s.eof, k.endOfFile},
		{s.forward1, k.forward}, {s.forward2, k.forward},
	}
}

func (k *typist) insert(c byte) {
	if len(k.line) < maxCommand {
		k.line = append(k.line, c)
		k.echo(showKey(c))
	}
}

// endOfFile sends what there is of a line; at its beginning, the character.
func (k *typist) endOfFile(c byte) error {
	if len(k.line) == 0 {
		k.line = append(k.line, c)
	}
	return k.flush()
}

// forward sends what there is of a line, with the character.
func (k *typist) forward(c byte) error {
	k.insert(c)
	return k.flush()
}

// rubOut takes back characters.
func (k *typist) rubOut(count int) {
	for ; count > 0 && len(k.line) > 0; count-- {
		size, width := lastRune(k.line)
		k.line = k.line[:len(k.line)-size]
		k.echo(strings.Repeat("\b \b", width))
	}
}

func (k *typist) rubOutWord() {
	blank := func() bool { return len(k.line) > 0 && strings.IndexByte(" \t", k.line[len(k.line)-1]) >= 0 }
	for blank() {
		k.rubOut(1)
	}
	for len(k.line) > 0 && !blank() {
		k.rubOut(1)
	}
}

// shown is how the line stands on the screen.
func (k *typist) shown() string {
	var b strings.Builder
	for _, c := range k.line {
		b.WriteString(showKey(c))
	}
	return b.String()
}
