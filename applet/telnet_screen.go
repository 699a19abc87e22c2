package applet

import (
	"bytes"
	"io"
	"sync"
)

// A plainScreen is standard output as the session writes to it, the other side's
// words and the echo alike. Safe for concurrent use.
type plainScreen struct {
	mu  sync.Mutex // held by the command mode, too: output waits for it
	out io.Writer
	// lines says whether a line feed needs a carriage return before it: on a raw
	// terminal, when the other side isn't one that knows terminals.
	lines   func() bool
	returns bool // crmod: a carriage return gets a line feed behind it
	last    byte // what was written last
}

func (s *plainScreen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines()
	if !lines && !s.returns {
		s.last = b[len(b)-1]
		return s.out.Write(b)
	}
	if _, err := s.out.Write(s.translate(b, lines)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// translate completes line ends. Must be called with mu held.
func (s *plainScreen) translate(b []byte, lines bool) []byte {
	var out bytes.Buffer
	for _, c := range b {
		switch {
		case s.last == '\r' && s.returns && c != '\n':
			out.WriteByte('\n')
		case c == '\n' && s.last != '\r' && lines:
			out.WriteByte('\r')
		}
		out.WriteByte(c)
		s.last = c
	}
	return out.Bytes()
}
