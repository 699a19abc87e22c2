package main

import (
	"sync"
	"time"

	"github.com/nacre-ssh/nacre/mux"
)

// idleTime is how long connections have done nothing when they are measured.
const idleTime = 10 * time.Second

// idleRow is the memory that an authenticated connection of one user without a
// channel costs in all processes of a server. Both sides are idle at the same
// time. The peer gets few: it grows by whole processes.
func idleRow(b *bench) error {
	counts := [2]int{b.size(10000, 1000), b.size(50, 10)}
	var each [2][]float64
	for range b.runs {
		grown, err := b.idle(counts)
		if err != nil {
			return err
		}
		for i := range each {
			each[i] = append(each[i], grown[i]/float64(counts[i])/1024)
		}
	}
	b.row("memory of an idle connection", "KiB", median(each[0]), b.peer.name, median(each[1]), atMost(16))
	return nil
}

// idle opens so many connections at a new server of each side and returns by how
// many bytes the servers have grown after idleTime.
func (b *bench) idle(counts [2]int) (grown [2]float64, err error) {
	defer b.stopServers()
	var mu sync.Mutex
	var open []*mux.Mux
	defer func() {
		for _, m := range open {
			m.Close()
		}
	}()
	var servers [2]*server
	for i, s := range b.sides() {
		if servers[i], err = b.serve(s); err != nil {
			return grown, err
		}
		if _, err := settled(b.ctx, servers[i].pid()); err != nil {
			return grown, err
		}
		if grown[i], err = familyMemory(servers[i].pid()); err != nil {
			return grown, err
		}
	}
	for i, srv := range servers {
		keep := func(m *mux.Mux) {
			mu.Lock()
			defer mu.Unlock()
			open = append(open, m)
		}
		if err := b.logins(srv, counts[i], keep); err != nil {
			return grown, err
		}
	}
	if err := pause(b.ctx, idleTime); err != nil {
		return grown, err
	}
	for i, srv := range servers {
		full, err := familyMemory(srv.pid())
		if err != nil {
			return grown, err
		}
		grown[i] = full - grown[i]
		b.snapshot(srv)
	}
	return grown, nil
}
