package main

import (
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// oneWay is half a round trip of 100 ms.
const oneWay = 50 * time.Millisecond

// farRow is bulk data over a long path. The rate holds the login too.
func farRow(b *bench) error {
	servers := [2]*server{}
	pipes := [2]*testpeer.Pipe{}
	for i, s := range b.sides() {
		srv, err := b.serve(s)
		if err != nil {
			return err
		}
		p, err := testpeer.NewPipe(srv.addr(), oneWay)
		if err != nil {
			return err
		}
		defer p.Close()
		servers[i], pipes[i] = srv, p
	}
	// The peer needs a minute for a GiB, and its rate doesn't depend on the
	// size: it gets less to carry, and one run.
	sizes := [2]int{b.size(gib, gib/8), b.size(gib/16, gib/64)}
	for way := range 2 {
		var rates [2][]float64
		for run := range b.runs {
			for i, s := range b.sides() {
				if i == 1 && run > 0 {
					continue
				}
				t, err := b.move(s, servers[i], pipes[i].Port(), ways(sizes[i])[way], sizes[i], aesGCM)
				if err != nil {
					return err
				}
				rates[i] = append(rates[i], t.rate)
			}
		}
		b.row("pipe at 100 ms, "+ways(0)[way].name, "MiB/s", median(rates[0]), b.peer.name, median(rates[1]), atLeast(110))
	}
	return nil
}
