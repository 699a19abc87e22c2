package main

import (
	"context"
	"slices"
	"time"
)

// quietTime is how long a server's processes must have done nothing before
// they count as idle, quietLimit how long that is waited for.
const (
	quietTime  = 100 * time.Millisecond
	quietLimit = 10 * time.Second
)

// A proc is what /proc/pid/stat tells.
type proc struct {
	pid, parent int
	cpu         float64 // seconds, with those of the children it waited for
}

// family is pid and all that descend from it, as far as their parents live.
func family(pid int) ([]proc, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	children := map[int][]proc{}
	var of []proc
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
		if p.pid == pid {
			of = append(of, p)
		}
	}
	for i := 0; i < len(of); i++ {
		of = append(of, children[of[i].pid]...)
	}
	slices.SortFunc(of, func(a, b proc) int { return a.pid - b.pid })
	return of, nil
}

// settled waits until a family does nothing any more and returns it: a server
// that has to clean up after a session does so on its own account.
func settled(ctx context.Context, pid int) ([]proc, error) {
	last, err := family(pid)
	for began := time.Now(); err == nil && time.Since(began) < quietLimit; {
		if err := pause(ctx, quietTime); err != nil {
			return nil, err
		}
		now, err := family(pid)
		if err != nil || slices.Equal(last, now) {
			return now, err
		}
		last = now
	}
	return last, err
}

// settledCPU is the processor time of a family at rest, in seconds.
func settledCPU(ctx context.Context, pid int) (float64, error) {
	of, err := settled(ctx, pid)
	var sum float64
	for _, p := range of {
		sum += p.cpu
	}
	return sum, err
}

// familyMemory is the memory of a family in bytes: what is shared counts in
// parts.
func familyMemory(pid int) (bytes float64, err error) {
	of, err := family(pid)
	for _, p := range of {
		n, err := proportional(p.pid)
		if err != nil {
			return 0, err
		}
		bytes += n
	}
	return bytes, err
}

// pause sleeps unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
