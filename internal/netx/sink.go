package netx

import (
	"io"
	"net"
	"sync"
	"syscall"
)

// A Sink writes to a non-blocking descriptor: TryWrite takes what fits now,
// Write waits until all is taken. One goroutine at a time may use it.
type Sink struct {
	w     io.Writer
	raw   syscall.RawConn
	calls calls

	// The arguments and results of the write under way, as in a Source.
	b    []byte
	bufs *net.Buffers
	n    int
	err  error
	step func(fd uintptr) bool

	all    func(fd uintptr) bool
	vector *vector // borrowed for a write
}

var vectors = sync.Pool{New: func() any { return new(vector) }}

// calls are the system's calls for a descriptor.
type calls struct {
	read, write func(fd uintptr, b []byte) (int, error)
	vector      bool // a [vector] can be sent
}

var plainCalls = calls{read: readFD, write: writeFD}

// NewSink writes to w. Where w has no descriptor that can be written without
// blocking, TryWrite takes nothing and all goes through Write.
func NewSink(w io.Writer) *Sink {
	s := &Sink{w: w}
	if sc, ok := w.(syscall.Conn); ok && canWriteRaw {
		if raw, err := sc.SyscallConn(); err == nil {
			s.raw, s.calls = raw, callsOf(raw)
			s.step, s.all = s.try, s.tryAll
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
		n, err := s.calls.write(fd, s.b)
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

// WriteBuffers writes all of bufs, which it uses up, waiting as long as it takes.
func (s *Sink) WriteBuffers(bufs *net.Buffers) error {
	if s.raw == nil || !s.calls.vector {
		_, err := bufs.WriteTo(s.w)
		return err
	}
	s.bufs, s.vector, s.err = bufs, vectors.Get().(*vector), nil
	err := s.raw.Write(s.all)
	vectors.Put(s.vector)
	s.bufs, s.vector = nil, nil
	if err != nil {
		return err
	}
	return s.err
}

// tryAll writes until all is written or nothing fits; false lets the runtime wait
// for room.
func (s *Sink) tryAll(fd uintptr) bool {
	for len(*s.bufs) > 0 {
		n, err := s.vector.send(fd, *s.bufs)
		if wouldBlock(err) {
			return false
		}
		if err != nil {
			s.err = err
			return true
		}
		s.used(n)
	}
	return true
}

// used takes what was written, and what is empty, off the buffers.
func (s *Sink) used(n int) {
	for bufs := *s.bufs; len(bufs) > 0; bufs = bufs[1:] {
		if n < len(bufs[0]) {
			bufs[0] = bufs[0][n:]
			*s.bufs = bufs
			return
		}
		n -= len(bufs[0])
		bufs[0] = nil
	}
	*s.bufs = nil
}
