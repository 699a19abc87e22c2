package login

import (
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// MaxStartups is sshd_config's keyword: with fewer than Begin connections that
// have not logged in all are let in, from Full on none, and between them a part
// is dropped that grows from Rate percent to all.
type MaxStartups struct{ Begin, Rate, Full int }

// DefaultMaxStartups is sshd's.
func DefaultMaxStartups() MaxStartups { return MaxStartups{10, 30, 100} }

// ParseMaxStartups reads "start:rate:full" or a single "full".
func ParseMaxStartups(s string) (MaxStartups, error) {
	bad := fmt.Errorf("MaxStartups %q: want start:rate:full with 1 <= start <= full and a rate of 1 to 100, or one number", s)
	parts := strings.Split(s, ":")
	var n [3]int
	if len(parts) != 1 && len(parts) != 3 {
		return MaxStartups{}, bad
	}
	for i, part := range parts {
		v, ok := number(part)
		if !ok {
			return MaxStartups{}, bad
		}
		n[i] = v
	}
	m := MaxStartups{n[0], n[1], n[2]}
	if len(parts) == 1 {
		m = MaxStartups{n[0], 100, n[0]}
	}
	if m.check() != nil {
		return MaxStartups{}, bad
	}
	return m, nil
}

func (m MaxStartups) check() error {
	if m.Begin < 1 || m.Full < m.Begin || m.Rate < 1 || m.Rate > 100 {
		return errors.New("MaxStartups is out of range")
	}
	return nil
}

// drops decides for one newcomer, given how many are there and a random number
// from 0 to 99.
func (m MaxStartups) drops(there int, random func() int) bool {
	switch {
	case there < m.Begin:
		return false
	case there >= m.Full || m.Rate == 100:
		return true
	}
	// 64 bits hold the product of any two ints that number() gives.
	p := int64(m.Rate) + int64(100-m.Rate)*int64(there-m.Begin)/int64(m.Full-m.Begin)
	return int64(random()) < p
}

// Offense is what a source did without logging in.
type Offense int

// The offenses of sshd_config's PerSourcePenalties.
const (
	OffenseAuthFail Offense = iota // a login was tried and failed
	OffenseInvalidUser
	OffenseNoAuth // connected and left, or was silent
	OffenseGraceExceeded
	OffenseCrash // the process that served it died
	OffenseRefused
	offenses
)

// Penalties is sshd_config's PerSourcePenalties.
type Penalties struct {
	// Cost is what each offense adds.
	Cost [offenses]time.Duration
	// Min is what must have come together before a source is refused, Max the
	// most that is kept.
	Min, Max time.Duration
	// Sources caps how many are remembered; beyond it the one that would be
	// forgotten first is.
	Sources int
	// Exempt are never punished.
	Exempt []netip.Prefix
}

// DefaultPenalties are sshd's.
func DefaultPenalties() Penalties {
	return Penalties{
		Cost: [offenses]time.Duration{
			OffenseAuthFail: 5 * time.Second, OffenseInvalidUser: 5 * time.Second, OffenseNoAuth: time.Second,
			OffenseGraceExceeded: 20 * time.Second, OffenseCrash: 90 * time.Second, OffenseRefused: 10 * time.Second,
		},
		Min: 15 * time.Second, Max: 10 * time.Minute, Sources: 65536,
	}
}

// StartupLimits is what a [Startups] keeps.
type StartupLimits struct {
	MaxStartups
	// PerSource caps the connections of one source that have not logged in; 0
	// means no cap.
	PerSource int
	// Bits4 and Bits6 are the lengths of the networks that count as one
	// source; 0 means 32 and 128.
	Bits4, Bits6 int
	// Penalties with no cost at all punish nobody.
	Penalties Penalties
}

// Startups counts the connections that have not logged in and remembers the
// sources that misbehaved. It does no I/O and never waits, so the accept loop
// may ask it before anything is read. Safe for concurrent use.
type Startups struct {
	limits StartupLimits
	random func() int // 0 to 99

	mu      sync.Mutex
	there   int
	sources map[netip.Prefix]int
	guilty  map[netip.Prefix]*penalty
	order   penaltyHeap
}

// penalty is the punishment of a source.
type penalty struct {
	source netip.Prefix
	until  time.Time
	active bool
	index  int
}

// NewStartups checks the limits.
func NewStartups(l StartupLimits) (*Startups, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	if l.Bits4 == 0 {
		l.Bits4 = 32
	}
	if l.Bits6 == 0 {
		l.Bits6 = 128
	}
	if l.PerSource < 0 || l.Bits4 < 0 || l.Bits4 > 32 || l.Bits6 < 0 || l.Bits6 > 128 {
		return nil, errors.New("limits per source are out of range")
	}
	if l.Penalties.Sources < 0 || l.Penalties.Min < 0 || l.Penalties.Max < 0 {
		return nil, errors.New("penalties are out of range")
	}
	return &Startups{
		limits: l, random: func() int { return rand.IntN(100) },
		sources: make(map[netip.Prefix]int), guilty: make(map[netip.Prefix]*penalty),
	}, nil
}

// Why a connection is dropped.
var (
	ErrMaxStartups = errors.New("too many connections have not logged in yet (MaxStartups)")
	ErrPerSource   = errors.New("too many connections of this source have not logged in yet (PerSourceMaxStartups)")
	ErrPenalty     = errors.New("the source misbehaved (PerSourcePenalties)")
)

// Admit counts a new connection in, or says why it must be dropped. Call
// [Startups.Done] once for each one that was let in, when it has logged in or
// is closed. An invalid address (a Unix socket) is a source of its own.
func (s *Startups) Admit(from netip.Addr, now time.Time) error {
	source := s.source(from)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.punished(source, now):
		return ErrPenalty
	case s.limits.PerSource > 0 && s.sources[source] >= s.limits.PerSource:
		return ErrPerSource
	case s.limits.drops(s.there, s.random):
		return ErrMaxStartups
	}
	s.there++
	s.sources[source]++
	return nil
}

// Done counts a connection out that Admit had let in.
func (s *Startups) Done(from netip.Addr) {
	source := s.source(from)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sources[source] == 0 {
		return
	}
	s.there--
	if s.sources[source]--; s.sources[source] == 0 {
		delete(s.sources, source)
	}
}

// Count is how many connections are counted in.
func (s *Startups) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.there
}

// Penalize remembers an offense.
func (s *Startups) Penalize(from netip.Addr, o Offense, now time.Time) {
	p := &s.limits.Penalties
	if o < 0 || o >= offenses || p.Cost[o] <= 0 || p.Sources == 0 || s.exempt(from) {
		return
	}
	source := s.source(from)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgive(now)
	e := s.guilty[source]
	if e == nil {
		if len(s.guilty) >= p.Sources {
			s.remove(s.order[0])
		}
		e = &penalty{source: source, until: now}
		s.guilty[source] = e
		heap.Push(&s.order, e)
	}
	e.until = e.until.Add(p.Cost[o])
	if most := now.Add(p.Max); e.until.After(most) {
		e.until = most
	}
	e.active = e.active || e.until.Sub(now) > p.Min
	heap.Fix(&s.order, e.index)
}

func (s *Startups) exempt(from netip.Addr) bool {
	for _, p := range s.limits.Penalties.Exempt {
		if p.Contains(from.Unmap()) {
			return true
		}
	}
	return false
}

func (s *Startups) punished(source netip.Prefix, now time.Time) bool {
	e := s.guilty[source]
	return e != nil && e.active && now.Before(e.until)
}

// forgive forgets everybody whose time is over.
func (s *Startups) forgive(now time.Time) {
	for len(s.order) > 0 && !now.Before(s.order[0].until) {
		s.remove(s.order[0])
	}
}

func (s *Startups) remove(e *penalty) {
	heap.Remove(&s.order, e.index)
	delete(s.guilty, e.source)
}

func (s *Startups) source(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := s.limits.Bits6
	if a.Is4() {
		bits = s.limits.Bits4
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// penaltyHeap has the penalty that ends first at its top.
type penaltyHeap []*penalty

func (h penaltyHeap) Len() int           { return len(h) }
func (h penaltyHeap) Less(i, j int) bool { return h[i].until.Before(h[j].until) }
func (h penaltyHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is heap.Interface's.
func (h *penaltyHeap) Push(x any) {
	e := x.(*penalty)
	e.index = len(*h)
	*h = append(*h, e)
}

// Pop is heap.Interface's.
func (h *penaltyHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	*h = (*h)[:last]
	return e
}
