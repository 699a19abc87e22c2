package netx

import (
	"io"
	"syscall"
)

// A Sink writes to a non-blocking descriptor: TryWrite takes what fits now,
// Write waits until all is taken. One goroutine at a time may use it.
type Sink struct {
	w   io.Writer
	raw syscall.RawConn

	b    []byte
	n    int
	err  error
	step func(fd uintptr) bool
}

// NewSink writes to w. Where w has no descriptor that can be written without
// blocking, TryWrite takes nothing and all goes through Write.
func NewSink(w io.Writer) *Sink {
	s := &Sink{w: w}
	if sc, ok := w.(syscall.Conn); ok && canWriteRaw {
		if raw, err := sc.SyscallConn(); err == nil {
			s.raw = raw
			s.step = s.try
		}
	}
	return s
}

// TryWrite writes as much of b as fits without waiting and returns how much
// that was; 0 and no error when nothing fits.
func (s *Sink) TryWrite(b []byte) (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	s.b, s.n, s.err = b, 0, nil
	err := s.raw.Write(s.step)
	s.b = nil
	if err != nil {
		return 0, err
	}
	if wouldBlock(s.err) {
		return s.n, nil
	}
	return s.n, s.err
}

// try writes once or twice and never waits: it always tells the runtime that it
// is done.
func (s *Sink) try(fd uintptr) bool {
	for len(s.b) > 0 {
		n, err := writeFD(fd, s.b)
		if err != nil {
			s.err = err
			return true
		}
		s.n += n
		s.b = s.b[n:]
	}
	return true
}

// Write writes all of b, waiting as long as it takes.
func (s *Sink) Write(b []byte) (int, error) { return s.w.Write(b) }
