package main

import (
	"fmt"
	"io"
	"slices"
)

// A table prints rows as they are measured.
type table struct {
	out   io.Writer
	rows  int // with a goal
	short int // of them
}

func newTable(out io.Writer) *table {
	fmt.Fprintf(out, "%-54s %-10s %9s %9s %-9s %7s  %-19s %s\n", "figure", "unit", "nacre", "peer", "", "ratio", "must reach", "")
	return &table{out: out}
}

// row prints one line: a figure of ours beside that of peer, and what is asked
// of it. theirs is 0 where the peer has none.
func (t *table) row(figure, unit string, ours float64, peer string, theirs float64, g goal) {
	ratio := "-"
	if theirs > 0 {
		ratio = fmt.Sprintf("%.3f", ours/theirs)
	}
	verdict := ""
	if g.reached != nil {
		t.rows++
		verdict = "ok"
		if !g.reached(ours, theirs) {
			t.short++
			verdict = "short"
		}
	}
	fmt.Fprintf(t.out, "%-54s %-10s %9s %9s %-9s %7s  %-19s %s\n", figure, unit, number(ours), number(theirs), peer, ratio, g.text, verdict)
}

func (t *table) summary() {
	fmt.Fprintf(t.out, "%d of %d goals reached\n", t.rows-t.short, t.rows)
}

// number has four digits, or all that stand before the point.
func number(f float64) string {
	switch {
	case f == 0:
		return "-"
	case f >= 1000:
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.4g", f)
}

// A goal is what a row must reach. The zero value asks for nothing.
type goal struct {
	text    string
	reached func(ours, theirs float64) bool
}

func atMost(limit float64) goal {
	return goal{fmt.Sprintf("≤ %g", limit), func(ours, _ float64) bool { return ours <= limit }}
}

func below(limit float64) goal {
	return goal{fmt.Sprintf("< %g", limit), func(ours, _ float64) bool { return ours < limit }}
}

func atLeast(limit float64) goal {
	return goal{fmt.Sprintf("≥ %g", limit), func(ours, _ float64) bool { return ours >= limit }}
}

// atMostTimes and atLeastTimes compare with the peer; text is the factor as
// people write it.
func atMostTimes(text string, factor float64) goal {
	return goal{"≤ " + text + " ×", func(ours, theirs float64) bool { return ours <= factor*theirs }}
}

func atLeastTimes(text string, factor float64) goal {
	return goal{"≥ " + text + " ×", func(ours, theirs float64) bool { return ours >= factor*theirs }}
}

// or is reached where either is.
func (g goal) or(other goal) goal {
	return goal{g.text + " or " + other.text, func(ours, theirs float64) bool {
		return g.reached(ours, theirs) || other.reached(ours, theirs)
	}}
}

// median is that of v, which must not be empty.
func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if len(v)%2 == 1 {
		return v[len(v)/2]
	}
	return (v[len(v)/2-1] + v[len(v)/2]) / 2
}
