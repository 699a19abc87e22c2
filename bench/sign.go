package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"time"

	"github.com/nacre-ssh/nacre/agent"
)

// signers is how many clients ask an agent at once.
const signers = 8

// signRow counts the Ed25519 signatures of each side's agent, which the same
// clients ask for.
func signRow(b *bench) error {
	var rates [2][]float64
	var sockets [2]string
	for i, s := range b.sides() {
		socket, stop, err := b.startAgent(s)
		if err != nil {
			return err
		}
		defer stop()
		sockets[i] = socket
	}
	each := b.size(500, 100)
	for run := -1; run < b.runs; run++ {
		for i, socket := range sockets {
			rate, err := b.signatures(socket, each)
			if err != nil {
				return err
			}
			if run >= 0 { // the first run warms up
				rates[i] = append(rates[i], rate)
			}
		}
	}
	ours, theirs := median(rates[0]), median(rates[1])
	figure := fmt.Sprintf("ssh-agent, Ed25519, %d clients", signers)
	b.row(figure, "signatures/s", ours, b.peer.name, theirs, atLeast(10000))
	b.row(figure+", beside the peer", "signatures/s", ours, b.peer.name, theirs, atLeastTimes("1", 1))
	return nil
}

// startAgent starts an agent that holds the bench's key.
func (b *bench) startAgent(s side) (socket string, stop func(), err error) {
	socket = b.path("agent-" + s.name)
	argv := append(s.tool("ssh-agent"), "-D", "-a", socket)
	cmd := exec.CommandContext(b.ctx, argv[0], argv[1:]...)
	cmd.Env = b.environment()
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() { cmd.Process.Kill(); cmd.Wait() }
	if err := b.awaitSocket(socket); err != nil {
		stop()
		return "", nil, fmt.Errorf("%s: %w", s.name, err)
	}
	c, err := agent.Dial(b.ctx, socket)
	if err == nil {
		err = errors.Join(c.Add(b.ctx, agent.AddedKey{Private: b.id, Comment: "bench"}), c.Close())
	}
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("giving %s's agent a key: %w", s.name, err)
	}
	return socket, stop, nil
}

// awaitSocket waits until somebody answers at a socket, which nobody announces.
func (b *bench) awaitSocket(path string) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		if c, err := net.Dial("unix", path); err == nil {
			return c.Close()
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return errors.New("its agent does not answer")
		}
	}
}

// signatures has every client ask for so many signatures, and returns how many
// came in a second.
func (b *bench) signatures(socket string, each int) (float64, error) {
	errs := make([]error, signers)
	var all sync.WaitGroup
	began := time.Now()
	for i := range signers {
		all.Go(func() { errs[i] = b.askForSignatures(socket, each) })
	}
	all.Wait()
	return float64(signers*each) / time.Since(began).Seconds(), errors.Join(errs...)
}

func (b *bench) askForSignatures(socket string, n int) error {
	c, err := agent.Dial(b.ctx, socket)
	if err != nil {
		return err
	}
	defer c.Close()
	data := make([]byte, 200) // about what a login has signed
	for range n {
		if _, err := c.Sign(b.ctx, b.id.Public().Blob(), data, 0); err != nil {
			return err
		}
	}
	return nil
}
