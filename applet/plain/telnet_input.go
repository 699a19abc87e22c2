package plain

import (
	"bytes"
	"io"
	"os"
	"strings"

	"github.com/nacre-ssh/nacre/term"
)

// A chunk is what one read of the input gave.
type chunk struct {
	bytes []byte
	err   error
}

// A typedInput reads standard input only when it is asked to, so that what is
// typed in the command mode isn't taken for the session, nor the other way.
type typedInput struct {
	file *os.File
	rest []byte // taken and not used
}

// maxCommand is how long a command line can be, in bytes.
const maxCommand = 64 << 10

// next is where the next chunk comes; it has to be awaited before the next call.
func (t *typedInput) next() <-chan chunk {
	answer := make(chan chunk, 1)
	if len(t.rest) > 0 {
		answer <- chunk{bytes: t.rest}
		t.rest = nil
		return answer
	}
	go func() {
		defer term.Rescue()
		answer <- t.read()
	}()
	return answer
}

func (t *typedInput) read() chunk {
	buf := make([]byte, 4096)
	n, err := t.file.Read(buf)
	return chunk{buf[:n], err}
}

// unread puts back what was taken too much.
func (t *typedInput) unread(b []byte) { t.rest = bytes.Clone(b) }

// line reads one line without its end, for the command mode. A last line without
// an end counts.
func (t *typedInput) line() (string, error) {
	for {
		if at := bytes.IndexByte(t.rest, '\n'); at >= 0 {
			line := string(t.rest[:at])
			t.rest = t.rest[at+1:]
			return strings.TrimSuffix(line, "\r"), nil
		}
		c := t.read()
		t.rest = append(t.rest, c.bytes...)
		switch {
		case c.err != nil && len(t.rest) == 0, len(t.rest) > maxCommand:
			return "", io.EOF
		case c.err != nil:
			t.rest = append(t.rest, '\n')
		}
	}
}
