package netx

import (
	"io"
	"syscall"

	"github.com/nacre-ssh/nacre/internal/slab"
)

// A Source reads from a connection or a pipe without holding a buffer while it
// waits. It belongs to one goroutine, which lets others have their turn when it
// reads for long without having to wait.
type Source struct {
	r    io.Reader
	raw  syscall.RawConn // nil: plain reads
	call func(fd uintptr, b []byte) (int, error)
	turn Turn

	// The arguments and results of the read under way: fields rather than
	// captured variables, so that a read allocates nothing.
	lend Lender
	wait bool
	n    int
	err  error
	step func(fd uintptr) bool

	slab slabLender
	room roomLender
}

// A Lender has a buffer when it is needed. Lend is called when there may be
// something to read, and Back when there was nothing after all.
type Lender interface {
	Lend() []byte
	Back()
}

// slabLender lends slabs.
type slabLender struct {
	lent *slab.Slab
	size int
}

func (l *slabLender) Lend() []byte {
	l.lent = slab.Get(l.size)
	return l.lent.Bytes()
}

func (l *slabLender) Back() {
	l.lent.Release()
	l.lent = nil
}

// roomLender lends the caller's own buffer.
type roomLender []byte

func (l *roomLender) Lend() []byte { return *l }
func (l *roomLender) Back()        {}

// NewSource reads from r. If r has a descriptor that can be waited for, no
// buffer is lent while it waits.
func NewSource(r io.Reader) *Source {
	s := &Source{r: r}
	if sc, ok := r.(syscall.Conn); ok && canReadRaw {
		if raw, err := sc.SyscallConn(); err == nil {
			s.raw, s.call = raw, callsOf(raw).read
			s.step = s.try
		}
	}
	return s
}

// Read fills room with at least one byte, waiting as long as it takes, and
// returns how many. It returns [io.EOF] at the end.
func (s *Source) Read(room []byte) (int, error) {
	s.room = room
	n, err := s.ReadLent(&s.room)
	s.room = nil
	return n, err
}

// ReadSlab waits until there is something to read and returns it in a slab of
// at least size bytes, with the number of bytes read. The caller owns the slab.
func (s *Source) ReadSlab(size int) (*slab.Slab, int, error) {
	s.slab.size = size
	n, err := s.ReadLent(&s.slab)
	lent := s.slab.lent
	s.slab.lent = nil
	return lent, n, err
}

// ReadLent waits until there is something to read and reads it into a buffer
// that l lends. When it returns no bytes, the buffer has been given back.
func (s *Source) ReadLent(l Lender) (int, error) {
	s.turn.Yield()
	if s.raw == nil {
		n, err := s.r.Read(l.Lend())
		if n > 0 {
			return n, nil
		}
		l.Back()
		return 0, endOf(err)
	}
	s.wait = true
	return s.read(l)
}

// TryReadLent is ReadLent without waiting: it returns no bytes and no error when
// there is nothing to read now, or when it can't know.
func (s *Source) TryReadLent(l Lender) (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	s.turn.Yield()
	s.wait = false
	return s.read(l)
}

func (s *Source) read(l Lender) (int, error) {
	s.lend, s.n, s.err = l, 0, nil
	err := s.raw.Read(s.step)
	s.lend = nil
	if s.n > 0 {
		return s.n, nil
	}
	if err == nil && wouldBlock(s.err) {
		return 0, nil
	}
	if err == nil {
		err = s.err
	}
	if err == nil {
		err = io.EOF
	}
	return 0, err
}

// try is one attempt at read(2); false lets the runtime wait for readiness.
func (s *Source) try(fd uintptr) bool {
	n, err := s.call(fd, s.lend.Lend())
	if n > 0 {
		s.n = n
		return true
	}
	s.lend.Back()
	if s.wait && wouldBlock(err) {
		s.turn = Turn{}
		return false
	}
	s.err = err
	return true
}

func endOf(err error) error {
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}
