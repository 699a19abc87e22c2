package netx

import (
	"io"
	"net"
	"syscall"

	"github.com/nacre-ssh/nacre/internal/slab"
)

// A Source reads from a connection into slabs without holding one while it
// waits. It belongs to one goroutine.
type Source struct {
	conn net.Conn
	raw  syscall.RawConn // nil: plain reads

	// The arguments and results of the read under way; fields rather than
	// captured variables, so that a read allocates nothing.
	room []byte
	lent *slab.Slab
	n    int
	err  error
	step func(fd uintptr) bool
}

// NewSource reads from conn.
func NewSource(conn net.Conn) *Source {
	s := &Source{conn: conn}
	if sc, ok := conn.(syscall.Conn); ok && canReadRaw {
		if raw, err := sc.SyscallConn(); err == nil {
			s.raw = raw
			s.step = s.try
		}
	}
	return s
}

// Read fills room with at least one byte, waiting as long as it takes, and
// returns how many. It returns [io.EOF] at the end.
func (s *Source) Read(room []byte) (int, error) {
	return s.conn.Read(room)
}

// ReadSlab waits until there is something to read and returns it in a slab of
// its own, with the number of bytes. The caller owns the slab. While it waits no
// buffer is held.
func (s *Source) ReadSlab() (*slab.Slab, int, error) {
	if s.raw == nil {
		lent := slab.Get(slab.Small)
		n, err := s.conn.Read(lent.Bytes())
		if n > 0 {
			return lent, n, nil
		}
		lent.Release()
		return nil, 0, endOf(err)
	}
	s.n, s.err = 0, nil
	err := s.raw.Read(s.step)
	lent := s.lent
	s.lent = nil
	if err == nil {
		err = s.err
	}
	if err == nil && s.n == 0 {
		err = io.EOF
	}
	if err != nil {
		if lent != nil {
			lent.Release()
		}
		return nil, 0, err
	}
	return lent, s.n, nil
}

// try is one attempt at read(2); false lets the runtime wait for readiness.
func (s *Source) try(fd uintptr) bool {
	if s.lent == nil {
		s.lent = slab.Get(slab.Small)
	}
	n, err := readFD(fd, s.lent.Bytes())
	if wouldBlock(err) {
		s.lent.Release()
		s.lent = nil
		return false
	}
	s.n, s.err = n, err
	return true
}

func endOf(err error) error {
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}
