package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"
)

// A transfer is what one run of a pipe through ssh has taken.
type transfer struct {
	rate           float64 // MiB/s, over the whole time from start to exit
	client, server float64 // CPU-seconds per GiB; the server's without its command's
}

// A way is a direction of the data.
type way struct {
	name, command string
	local         []string // the program at the client's other end of the pipe
	feeds         bool     // it writes, else it reads
}

// ways are both directions with n bytes. times tells what the shell and the
// command have spent, which is not the server's.
func ways(n int) []way {
	count := strconv.Itoa(n)
	return []way{
		{"up", "cat >/dev/null; times >&2", []string{"head", "-c", count, "/dev/zero"}, true},
		{"down", "head -c " + count + " /dev/zero; times >&2", []string{"cat"}, false},
	}
}

// move runs a pipe of n bytes through a client of c to srv, at port, which is
// the server's own unless something is in between.
func (l *lab) move(c side, srv *server, port int, w way, n int, cipher string) (transfer, error) {
	ctx, cancel := context.WithTimeout(l.ctx, patience)
	defer cancel()
	before, err := settledCPU(ctx, srv.pid())
	if err != nil {
		return transfer{}, err
	}
	ssh, err := l.ssh(ctx, c, port, l.dir, w.command, "-c", cipher)
	if err != nil {
		return transfer{}, err
	}
	var said bytes.Buffer
	ssh.Stderr = &said
	took, err := runPiped(ctx, ssh, w)
	if err != nil {
		return transfer{}, fmt.Errorf("%s to %s, %s: %w: %s", c.name, srv.name, w.name, err, said.Bytes())
	}
	after, err := settledCPU(ctx, srv.pid())
	if err != nil {
		return transfer{}, err
	}
	gibs := float64(n) / gib
	return transfer{
		rate:   float64(n) / (1 << 20) / took.Seconds(),
		client: (ssh.ProcessState.UserTime() + ssh.ProcessState.SystemTime()).Seconds() / gibs,
		server: (after - before - commandTimes(said.Bytes())) / gibs,
	}, nil
}

// runPiped runs ssh and the program beside it with a pipe between them, and
// returns how long it took until ssh had ended.
func runPiped(ctx context.Context, ssh *exec.Cmd, w way) (time.Duration, error) {
	r, to, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	beside := exec.CommandContext(ctx, w.local[0], w.local[1:]...)
	if w.feeds {
		beside.Stdout, ssh.Stdin = to, r
	} else {
		beside.Stdin, ssh.Stdout = r, to
	}
	began := time.Now()
	err = errors.Join(beside.Start(), ssh.Start())
	r.Close()
	to.Close()
	if err != nil {
		return 0, err
	}
	err = ssh.Wait()
	took := time.Since(began)
	return took, errors.Join(err, beside.Wait())
}

// commandTimes adds up what the shell's times has printed: minutes and seconds,
// user and system, its own and its children's.
func commandTimes(said []byte) (sum float64) {
	for _, f := range bytes.Fields(said) {
		var minutes int
		var seconds float64
		if n, _ := fmt.Sscanf(string(f), "%dm%fs", &minutes, &seconds); n == 2 {
			sum += float64(minutes*60) + seconds
		}
	}
	return sum
}

// A crossing is one client with one server, and what its runs have taken.
type crossing struct {
	client side
	server *server
	of     []transfer
}

func (c *crossing) name() string {
	if c.client.name == c.server.name {
		return c.client.name
	}
	return c.client.name + " → " + c.server.name
}

func (c *crossing) median(part func(transfer) float64) float64 {
	var v []float64
	for _, t := range c.of {
		v = append(v, part(t))
	}
	return median(v)
}

// pipeRow is what a person sees of a pipe through ssh: our pair, the mixed ones
// and OpenSSH's.
func pipeRow(b *bench) error {
	ours, peer, err := b.pair()
	if err != nil {
		return err
	}
	for _, cipher := range []string{aesGCM, chacha} {
		pairs := []*crossing{{client: b.ours, server: ours}}
		if cipher == aesGCM {
			pairs = append(pairs, &crossing{client: b.ours, server: peer}, &crossing{client: b.peer, server: ours})
		}
		pairs = append(pairs, &crossing{client: b.peer, server: peer})
		n := b.size(2*gib, gib/8)
		for _, w := range ways(n) {
			if err := b.interleave(pairs, w, n, cipher); err != nil {
				return err
			}
			b.pipeRows("pipe "+w.name+", "+shortCipher(cipher), pairs)
		}
	}
	return nil
}

// interleave runs each pair in turn, as often as runs are asked for, every other
// time in the opposite order: what drifts on the machine drifts for all.
func (b *bench) interleave(pairs []*crossing, w way, n int, cipher string) error {
	for _, c := range pairs {
		c.of = nil
	}
	order := slices.Clone(pairs)
	for range b.runs {
		for _, c := range order {
			t, err := b.move(c.client, c.server, c.server.port, w, n, cipher)
			if err != nil {
				return err
			}
			c.of = append(c.of, t)
		}
		slices.Reverse(order)
	}
	return nil
}

func shortCipher(name string) string {
	if name == aesGCM {
		return "aes128-gcm"
	}
	return "chacha20"
}

// pipeRows compares each pair with the last, which is the peer's.
func (b *bench) pipeRows(figure string, pairs []*crossing) {
	last := len(pairs) - 1
	for i, c := range pairs[:last] {
		rate, name := atLeastTimes("1.1", 1.1), figure
		if i > 0 {
			rate, name = atLeastTimes("1", 1), figure+", "+c.name()
		}
		for _, r := range []struct {
			what, unit string
			part       func(transfer) float64
			goal       goal
		}{
			{"", "MiB/s", func(t transfer) float64 { return t.rate }, rate},
			{": client", "CPU-s/GiB", func(t transfer) float64 { return t.client }, goal{}},
			{": server", "CPU-s/GiB", func(t transfer) float64 { return t.server }, goal{}},
		} {
			b.row(name+r.what, r.unit, c.median(r.part), b.peer.name, pairs[last].median(r.part), r.goal)
		}
	}
}
