package main

import (
	"fmt"
	"os/exec"
	"time"
)

// versionRow is the time of ssh -V: what starting the program costs.
func versionRow(b *bench) error {
	var took [2][]float64
	for run := range max(b.size(40, 10), b.runs) + 1 {
		for i, s := range b.sides() {
			cmd := exec.CommandContext(b.ctx, s.client[0], append(s.client[1:len(s.client):len(s.client)], "-V")...)
			cmd.Env = b.environment()
			began := time.Now()
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if run > 0 { // the first is to warm up
				took[i] = append(took[i], time.Since(began).Seconds())
			}
		}
	}
	b.row("ssh -V", "ms", 1000*median(took[0]), b.peer.name, 1000*median(took[1]), atMostTimes("2", 2))
	return nil
}
