package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A shared connection is a master's, with the sessions that other processes
// have on it.
type shared struct {
	lab    *lab
	of     side
	srv    *server
	socket string
	master *exec.Cmd
}

// share starts a master of a side, and returns when it takes sessions.
func (l *lab) share(ctx context.Context, c side, srv *server) (*shared, error) {
	s := &shared{lab: l, of: c, srv: srv, socket: l.path(fmt.Sprintf("mux.%d", srv.port))}
	var err error
	if s.master, err = s.ssh(ctx, "", "-N", "-M", "-o", "ControlPersist=no"); err != nil {
		return nil, err
	}
	s.master.Args = s.master.Args[:len(s.master.Args)-1] // no command, not an empty one
	if err := s.master.Start(); err != nil {
		return nil, err
	}
	for range int(startTime / retryTime) {
		if _, err := os.Stat(s.socket); err == nil {
			return s, nil
		}
		time.Sleep(retryTime) // a master tells nobody when it is ready
	}
	s.stop()
	return nil, fmt.Errorf("%s has no control socket after %v", c.name, startTime)
}

func (s *shared) ssh(ctx context.Context, command string, options ...string) (*exec.Cmd, error) {
	return s.lab.ssh(ctx, s.of, s.srv.port, s.lab.dir, command, append(options, "-S", s.socket)...)
}

// stop ends the master and returns the processor time that it took, in seconds.
func (s *shared) stop() float64 {
	_ = s.master.Process.Signal(syscall.SIGTERM)
	_ = s.master.Wait() // it may say that a signal ended it
	return (s.master.ProcessState.UserTime() + s.master.ProcessState.SystemTime()).Seconds()
}

// A guest is one session of the shared connection: a cat.
type guest struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.Reader
}

func (s *shared) guest(ctx context.Context) (*guest, error) {
	cmd, err := s.ssh(ctx, "exec cat", "-o", "ControlMaster=no")
	if err != nil {
		return nil, err
	}
	g := &guest{cmd: cmd}
	var complaint strings.Builder
	cmd.Stderr = &complaint
	g.in, err = cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	g.out = out
	if err := errors.Join(err, err2, cmd.Start()); err != nil {
		return nil, err
	}
	if err := g.turn(); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("%w: %s", err, complaint.String())
	}
	return g, nil
}

// turn has one line go there and back.
func (g *guest) turn() error {
	const line = "0123456789\n"
	if _, err := io.WriteString(g.in, line); err != nil {
		return err
	}
	back := make([]byte, len(line))
	if _, err := io.ReadFull(g.out, back); err != nil {
		return err
	}
	if string(back) != line {
		return fmt.Errorf("%q came back", back)
	}
	return nil
}

// crowd is what a master with so many sessions at once costs: the time in which
// all are there, answer in turn and leave, and the memory of the client's
// processes while they are there.
type crowd struct {
	took   float64 // s
	cpu    float64 // s, of the master
	memory float64 // bytes
}

func (b *bench) crowd(c side, srv *server, n int) (cost crowd, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	s, err := b.share(ctx, c, srv)
	if err != nil {
		return cost, err
	}
	began := time.Now()
	guests := make([]*guest, 0, n)
	defer func() {
		for _, g := range guests {
			g.in.Close()
		}
		for _, g := range guests {
			err = errors.Join(err, g.cmd.Wait())
		}
		cost.took = time.Since(began).Seconds()
		cost.cpu = s.stop()
	}()
	for i := range n {
		g, err := s.guest(ctx)
		if err != nil {
			return cost, fmt.Errorf("%s, session %d: %w", c.name, i, err)
		}
		guests = append(guests, g)
	}
	for _, g := range guests {
		if err := g.turn(); err != nil {
			return cost, err
		}
	}
	paused := time.Now()
	if cost.memory, err = proportional(s.master.Process.Pid); err != nil {
		return cost, err
	}
	for _, g := range guests {
		m, err := proportional(g.cmd.Process.Pid)
		if err != nil {
			return cost, err
		}
		cost.memory += m
	}
	began = began.Add(time.Since(paused)) // measuring is not their time
	return cost, nil
}

// sharedRow is 200 sessions over one connection.
func sharedRow(b *bench) error {
	ours, peer, err := b.pair()
	if err != nil {
		return err
	}
	n := b.size(200, 20)
	var costs [2][]crowd
	for run := range b.runs {
		for _, i := range [][]int{{0, 1}, {1, 0}}[run%2] {
			c, err := b.crowd(b.sides()[i], []*server{ours, peer}[i], n)
			if err != nil {
				return err
			}
			costs[i] = append(costs[i], c)
		}
	}
	of := func(i int, part func(crowd) float64) float64 {
		var v []float64
		for _, c := range costs[i] {
			v = append(v, part(c))
		}
		return median(v)
	}
	for _, r := range []struct {
		what, unit string
		part       func(crowd) float64
		goal       goal
	}{
		{"", "ms each", func(c crowd) float64 { return 1000 * c.took / float64(n) }, atMostTimes("1", 1)},
		{": master", "CPU-ms each", func(c crowd) float64 { return 1000 * c.cpu / float64(n) }, goal{}},
		{": master and clients", "MiB each", func(c crowd) float64 { return c.memory / float64(n) / (1 << 20) }, goal{}},
	} {
		b.row(fmt.Sprintf("%d sessions over one connection%s", n, r.what), r.unit, of(0, r.part), b.peer.name, of(1, r.part), r.goal)
	}
	return nil
}
