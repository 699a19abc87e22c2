package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestGoals(t *testing.T) {
	for _, c := range []struct {
		goal         goal
		ours, theirs float64
		text         string
		reached      bool
	}{
		{atMost(16), 16, 0, "≤ 16", true},
		{atMost(16), 16.1, 0, "≤ 16", false},
		{below(1000), 1000, 0, "< 1000", false},
		{atLeast(110), 110, 0, "≥ 110", true},
		{atMostTimes("1/8", 1.0/8), 20, 160, "≤ 1/8 ×", true},
		{atMostTimes("1/8", 1.0/8), 21, 160, "≤ 1/8 ×", false},
		{atLeastTimes("1.1", 1.1), 109, 100, "≥ 1.1 ×", false},
		{atMost(0.55).or(atMostTimes("0.40", 0.4)), 0.6, 2, "≤ 0.55 or ≤ 0.40 ×", true},
		{atMost(0.55).or(atMostTimes("0.40", 0.4)), 0.6, 1, "≤ 0.55 or ≤ 0.40 ×", false},
		{turnsAtMost(4), 4.4, 8, "≤ 4", true},
		{turnsAtMost(4), 4.6, 8, "≤ 4", false},
	} {
		if got := c.goal.reached(c.ours, c.theirs); got != c.reached || c.goal.text != c.text {
			t.Errorf("%s of %g beside %g: %v", c.goal.text, c.ours, c.theirs, got)
		}
	}
}

func TestTableCountsGoals(t *testing.T) {
	var out bytes.Buffer
	tab := newTable(&out)
	tab.row("a", "ms", 1, "OpenSSH", 4, atMostTimes("1/2", 0.5))
	tab.row("b", "ms", 3, "OpenSSH", 4, atMostTimes("1/2", 0.5))
	tab.row("c", "1/s", 1234.5, "OpenSSH", 0, goal{})
	tab.summary()
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{1: "0.250", 2: "short", 3: "1234", 4: "1 of 2 goals reached"} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d lacks %q: %s", i, want, lines[i])
		}
	}
}

func TestMedian(t *testing.T) {
	if m := median([]float64{9, 1, 3}); m != 3 {
		t.Errorf("of three: %g", m)
	}
	if m := median([]float64{4, 1, 9, 2}); m != 3 {
		t.Errorf("of four: %g", m)
	}
}

func TestCommandTimes(t *testing.T) {
	for said, want := range map[string]float64{
		"0m0.01s 0m0.02s\n1m0.50s 0m2.25s\n": 62.78, // dash
		"0m0.001s 0m0.002s\n0m0.1s 0m0.2s\n": 0.303, // bash
		"a warning\n0m1.00s 0m0.00s\n":       1,     // with something before it
		"fish has none\n":                    0,
	} {
		if got := commandTimes([]byte(said)); got < want-1e-9 || got > want+1e-9 {
			t.Errorf("%q: %g s", said, got)
		}
	}
}

func TestUnknownRole(t *testing.T) {
	if err := runRole("nobody", "", nil); err == nil {
		t.Error("it was played")
	}
}
