// Package slab lends out buffers: reference-counted slices from two pools of
// fixed sizes, so that a connection under load allocates nothing and an idle one
// holds nothing.
//
// A [Slab] starts with one reference. Whoever keeps a part of its bytes beyond
// the call that showed them takes another with Hold; the last Release gives the
// buffer back. The package knows nothing of what the bytes are: netx fills slabs
// from sockets, packet opens and seals inside them, transport and mux pass them
// on.
package slab

import (
	"sync"
	"sync/atomic"
)

// Sizes of the two classes, in bytes. Small carries what most reads and writes
// need; Large takes the largest packet (wire.MaxPacket) with its room.
const (
	Small = 64 << 10
	Large = 320 << 10
)

// A Slab is a counted buffer. Its methods may be called from any goroutine;
// its bytes belong to whoever was given them.
type Slab struct {
	buf  []byte
	refs atomic.Int32
}

var (
	small = sync.Pool{New: func() any { return &Slab{buf: make([]byte, Small)} }}
	large = sync.Pool{New: func() any { return &Slab{buf: make([]byte, Large)} }}
	out   atomic.Int64
)

// Get lends a slab of at least n bytes, n ≤ [Large], holding one reference. Its
// content is undefined.
func Get(n int) *Slab {
	var s *Slab
	switch {
	case n <= Small:
		s = small.Get().(*Slab)
	case n <= Large:
		s = large.Get().(*Slab)
	default:
		panic("slab: a buffer larger than the largest packet was asked for")
	}
	s.refs.Store(1)
	out.Add(1)
	return s
}

// Bytes returns the whole buffer. It is valid while the caller holds a
// reference.
func (s *Slab) Bytes() []byte { return s.buf }

// Hold adds a reference.
func (s *Slab) Hold() { s.refs.Add(1) }

// Shared reports whether someone besides the caller holds a reference.
func (s *Slab) Shared() bool { return s.refs.Load() > 1 }

// Release drops a reference; the last one gives the buffer back. The caller
// must not touch the bytes afterwards.
func (s *Slab) Release() {
	switch n := s.refs.Add(-1); {
	case n > 0:
		return
	case n < 0:
		panic("slab: released more often than held")
	}
	out.Add(-1)
	if len(s.buf) == Small {
		small.Put(s)
	} else {
		large.Put(s)
	}
}

// Out returns how many slabs are lent out at the moment, for tests and for
// budgets.
func Out() int64 { return out.Load() }
