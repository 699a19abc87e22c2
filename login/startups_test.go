package login

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"
)

func TestParseMaxStartups(t *testing.T) {
	for s, want := range map[string]MaxStartups{
		"10:30:100": {10, 30, 100}, "1": {1, 100, 1}, "5": {5, 100, 5}, "1:1:1": {1, 1, 1}, "9:100:9": {9, 100, 9},
		"999999999": {999999999, 100, 999999999}, "1:100:999999999": {1, 100, 999999999},
		"": {}, "0": {}, "-1": {}, "0:30:100": {}, "1:0:1": {}, "1:101:2": {}, "2:30:1": {}, "10:30": {}, "1:2:3:4": {}, "a": {}, "1:2:": {},
		"99999999999999999999": {},
	} {
		got, err := ParseMaxStartups(s)
		if got != want || (err == nil) != (want != MaxStartups{}) {
			t.Errorf("%q: %v %v", s, got, err)
		}
	}
}

func TestDropProbability(t *testing.T) {
	at := func(r int) func() int { return func() int { return r } }
	for _, c := range []struct {
		m       MaxStartups
		there   int
		percent int // that are dropped
	}{
		{MaxStartups{10, 30, 100}, 0, 0}, {MaxStartups{10, 30, 100}, 9, 0}, {MaxStartups{10, 30, 100}, 10, 30},
		{MaxStartups{10, 30, 100}, 55, 65}, {MaxStartups{10, 30, 100}, 99, 99}, {MaxStartups{10, 30, 100}, 100, 100},
		{MaxStartups{1, 100, 1}, 0, 0}, {MaxStartups{1, 100, 1}, 1, 100}, {MaxStartups{1, 1, 1}, 1, 100},
		{MaxStartups{1, 1, 2}, 1, 1}, {MaxStartups{5, 100, 10}, 5, 100}, {MaxStartups{1, 1, math.MaxInt32}, math.MaxInt32 - 1, 99},
		{MaxStartups{1, 1, math.MaxInt32}, math.MaxInt32, 100},
	} {
		dropped := 0
		for r := range 100 {
			if c.m.drops(c.there, at(r)) {
				dropped++
			}
		}
		if dropped != c.percent {
			t.Errorf("%v with %d there: %d%%, want %d%%", c.m, c.there, dropped, c.percent)
		}
	}
}

func TestStartups(t *testing.T) {
	s, err := NewStartups(StartupLimits{MaxStartups: MaxStartups{2, 50, 4}, PerSource: 3, Bits4: 24, Bits6: 64})
	if err != nil {
		t.Fatal(err)
	}
	draw := 99
	s.random = func() int { return draw }
	now := time.Unix(1000, 0)
	a, b, c := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::ffff:10.0.0.2"), netip.MustParseAddr("2001:db8::1")
	steps := []struct {
		from netip.Addr
		draw int
		want error
	}{
		{a, 99, nil}, {b, 99, nil}, {c, 10, ErrMaxStartups}, {c, 99, nil}, {a, 99, nil}, {b, 99, ErrPerSource}, {c, 99, ErrMaxStartups},
		{netip.Addr{}, 99, ErrMaxStartups},
	}
	for i, step := range steps {
		draw = step.draw
		if err := s.Admit(step.from, now); !errors.Is(err, step.want) {
			t.Errorf("step %d: %v, want %v", i, err, step.want)
		}
	}
	if s.Count() != 4 {
		t.Fatal(s.Count())
	}
	for range 5 { // one too many is harmless
		s.Done(a)
	}
	s.Done(c)
	if s.Count() != 0 || len(s.sources) != 0 {
		t.Fatal(s.Count(), s.sources)
	}
}

func TestPenalties(t *testing.T) {
	p := DefaultPenalties()
	p.Sources = 3
	p.Exempt = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	s, err := NewStartups(StartupLimits{MaxStartups: DefaultMaxStartups(), Penalties: p})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1000, 0)
	a := netip.MustParseAddr("10.0.0.1")
	refused := func(a netip.Addr, now time.Time) bool {
		err := s.Admit(a, now)
		if err == nil {
			s.Done(a)
		}
		return errors.Is(err, ErrPenalty)
	}
	for i, want := range []bool{false, false, false, true} { // 5, 10, 15, 20 seconds
		s.Penalize(a, OffenseAuthFail, now)
		if refused(a, now) != want {
			t.Errorf("after %d failures: %v", i+1, !want)
		}
	}
	if !refused(a, now.Add(19*time.Second)) || refused(a, now.Add(20*time.Second)) {
		t.Error("the penalty has the wrong length")
	}
	for range 100 {
		s.Penalize(a, OffenseCrash, now)
		s.Penalize(netip.MustParseAddr("127.0.0.1"), OffenseCrash, now)
		s.Penalize(a, Offense(99), now)
	}
	if !refused(a, now.Add(p.Max-1)) || refused(a, now.Add(p.Max)) || refused(netip.MustParseAddr("127.0.0.1"), now) {
		t.Error("maximum or exemption is not kept")
	}
	for i := range 10 {
		s.Penalize(netip.MustParseAddr(fmt.Sprintf("10.1.0.%d", i)), OffenseCrash, now.Add(time.Duration(i)))
	}
	if len(s.guilty) != 3 || len(s.order) != 3 || !refused(a, now) {
		t.Errorf("%d remembered, the worst one forgotten: %v", len(s.guilty), !refused(a, now))
	}
	s.Penalize(netip.MustParseAddr("10.2.0.1"), OffenseNoAuth, now.Add(p.Max))
	if len(s.guilty) != 1 {
		t.Errorf("%d remembered after their time", len(s.guilty))
	}
}

func TestStartupLimitsRange(t *testing.T) {
	good := DefaultMaxStartups()
	for i, l := range []StartupLimits{
		{}, {MaxStartups: MaxStartups{0, 1, 1}}, {MaxStartups: good, PerSource: -1}, {MaxStartups: good, Bits4: 33},
		{MaxStartups: good, Bits6: 129}, {MaxStartups: good, Penalties: Penalties{Sources: -1}},
	} {
		if _, err := NewStartups(l); err == nil {
			t.Errorf("case %d is accepted", i)
		}
	}
	for _, bits := range []int{0, 1, 32} {
		s, err := NewStartups(StartupLimits{MaxStartups: good, Bits4: bits, Bits6: bits, PerSource: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Admit(netip.MustParseAddr("1.2.3.4"), time.Time{}); err != nil {
			t.Error(err)
		}
	}
}
