package plain

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
	// lines says whether line ends, CR LF or LF alone, have to be made fit for
	// what is written to: the other side isn't one that knows terminals.
	lines   func() bool
	end     string // what a line ends with: CR LF on a raw terminal
	returns bool   // crmod: a carriage return gets a line feed behind it
	held    bool   // a carriage return came last, and was not written yet
}

func (s *plainScreen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines()
	out := b
	if lines || s.returns || s.held {
		out = s.translate(b, lines)
	}
	if _, err := s.out.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// translate makes line ends fit. Must be called with mu held.
func (s *plainScreen) translate(b []byte, lines bool) []byte {
	var out bytes.Buffer
	for _, c := range b {
		switch {
		case c == '\n' && lines:
			s.held = false
			out.WriteString(s.end)
		case c == '\n':
			s.release(&out, "\r")
			out.WriteByte(c)
		default:
			alone := "\r"
			if s.returns {
				alone = "\r\n"
			}
			s.release(&out, alone)
			s.held = c == '\r'
			if !s.held {
				out.WriteByte(c)
			}
		}
	}
	return out.Bytes()
}

func (s *plainScreen) release(out *bytes.Buffer, as string) {
	if s.held {
		out.WriteString(as)
	}
	s.held = false
}
