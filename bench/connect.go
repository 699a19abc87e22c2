package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// connect is the time of one ssh host true, in seconds.
func (l *lab) connect(s side, port int, memory string) (float64, error) {
	ctx, cancel := context.WithTimeout(l.ctx, patience)
	defer cancel()
	cmd, err := l.ssh(ctx, s, port, memory, "true")
	if err != nil {
		return 0, err
	}
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", s.name, err, out)
	}
	return time.Since(began).Seconds(), nil
}

// connects runs both sides in turn, runs times, after one run to warm up.
func (b *bench) connects(ports [2]int, runs int) (took [2][]float64, err error) {
	for run := -1; run < runs; run++ {
		for i, s := range b.sides() {
			t, err := b.connect(s, ports[i], b.dir)
			if err != nil {
				return took, err
			}
			if run >= 0 {
				took[i] = append(took[i], t)
			}
		}
	}
	return took, nil
}

// trueRow is how long a person waits for a command on a machine nearby.
func trueRow(b *bench) error {
	ours, peer, err := b.pair()
	if err != nil {
		return err
	}
	took, err := b.connects([2]int{ours.port, peer.port}, max(b.size(15, 3), b.runs))
	if err != nil {
		return err
	}
	b.row("ssh host true, new connection", "ms", 1000*median(took[0]), b.peer.name, 1000*median(took[1]), atMostTimes("1/8", 1.0/8))
	return nil
}

// turnsRow counts the round trips that ssh host true waits for after TCP: what
// it takes longer on a long path, in round trips. Opening a connection through
// the delay costs none, so what is counted begins after it. The server's first
// words leave at the same moment as the client's there, half a round trip earlier
// than on a real path: a count that ends in .5 is the next whole one.
func turnsRow(b *bench) error {
	ours, peer, err := b.pair()
	if err != nil {
		return err
	}
	near, err := b.connects([2]int{ours.port, peer.port}, b.runs)
	if err != nil {
		return err
	}
	var pipes [2]*testpeer.Pipe
	for i, s := range []*server{ours, peer} {
		if pipes[i], err = testpeer.NewPipe(s.addr(), oneWay); err != nil {
			return err
		}
		defer pipes[i].Close()
	}
	turns := func(i int, memory string) (float64, error) {
		t, err := b.connect(b.sides()[i], pipes[i].Port(), memory)
		return (t - median(near[i])) / (2 * oneWay).Seconds(), err
	}
	var fresh, guessed, theirs []float64
	for range b.runs {
		memory, err := b.memory()
		if err != nil {
			return err
		}
		for _, run := range []struct {
			side int
			to   *[]float64
		}{{0, &fresh}, {0, &guessed}, {1, &theirs}} { // the second run of a side has the first's lists
			n, err := turns(run.side, memory)
			if err != nil {
				return err
			}
			*run.to = append(*run.to, n)
		}
	}
	b.row("ssh host true at 100 ms, first time", "turns", median(fresh), b.peer.name, median(theirs), turnsAtMost(5))
	b.row("ssh host true at 100 ms, lists remembered", "turns", median(guessed), b.peer.name, median(theirs), turnsAtMost(4))
	return nil
}

// turnsAtMost allows for times that are not whole round trips: a turn more
// would be a whole one.
func turnsAtMost(n float64) goal {
	return goal{fmt.Sprintf("≤ %g", n), func(ours, _ float64) bool { return ours < n+0.5 }}
}
