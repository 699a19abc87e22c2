package term

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	xterm "golang.org/x/term"
)

// ErrUnsupported reports something that this system can't do.
var ErrUnsupported = errors.New("term: not supported on this system")

// ErrNoTerminal reports that there is no terminal to talk to a person on.
var ErrNoTerminal = errors.New("there is no terminal to ask on")

// A Size is a window's size. Pixels are 0 when they aren't known.
type Size struct{ Columns, Rows, Width, Height uint32 }

// IsTerminal says whether f is a terminal.
func IsTerminal(f *os.File) bool {
	ok := false
	err := control(f, func(fd int) { ok = xterm.IsTerminal(fd) })
	return err == nil && ok
}

// control runs do with f's descriptor. File.Fd would switch the file to
// blocking mode, and a Close would then no longer end a Read.
func control(f *os.File, do func(fd int)) error {
	if f == nil {
		return os.ErrInvalid
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { do(int(fd)) })
}

// Printable makes text from a peer safe to show: line ends and tabs stay, other
// control characters and bytes that are no UTF-8 are written as \xNN, and a
// carriage return before a line end goes away.
func Printable(s string) string {
	var b strings.Builder
	s = strings.ReplaceAll(s, "\r\n", "\n")
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(byte(r))
		case r == utf8.RuneError && n == 1 || r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			fmt.Fprintf(&b, `\u%04x`, r) // C1 controls and marks that turn text around
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}
