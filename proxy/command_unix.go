//go:build unix

package proxy

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/nacre-ssh/nacre/internal/netx"
)

// farewell is how long a program may take to end after its input has and the
// hang-up came.
const farewell = 2 * time.Second

// Dial starts the program. Its end is seen as the connection's; closing the
// connection ends the program. The context bounds waiting for a passed
// descriptor, nothing else.
func (c *Command) Dial(ctx context.Context) (net.Conn, error) {
	if c.PassFD {
		return c.passed(ctx)
	}
	theirIn, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	in, theirOut, err := os.Pipe()
	if err != nil {
		theirIn.Close()
		out.Close()
		return nil, err
	}
	run := c.program(theirIn, theirOut)
	err = run.Start()
	theirIn.Close()
	theirOut.Close()
	if err != nil {
		in.Close()
		out.Close()
		return nil, fmt.Errorf("starting %s: %w", c.shell(), err)
	}
	gone := make(chan struct{})
	go func() {
		run.Wait() // its exit code says nothing that the connection's end doesn't
		close(gone)
	}()
	return &pipes{in: in, out: out, end: func() { stop(run.Process, gone) }}, nil
}

// stop hangs up on the program and, where that is not enough, kills it.
func stop(p *os.Process, gone <-chan struct{}) {
	p.Signal(syscall.SIGHUP)
	timer := time.AfterFunc(farewell, func() { p.Kill() })
	go func() {
		<-gone
		timer.Stop()
	}()
}

func (c *Command) shell() string {
	if c.Shell != "" {
		return c.Shell
	}
	return userShell()
}

func userShell() string {
	if shell := os.Getenv("SHELL"); shell != "" {
		return shell
	}
	return "/bin/sh"
}

// Shell is a line for the user's shell, ready to start.
func Shell(line string) *exec.Cmd { return exec.Command(userShell(), "-c", line) }

// program is the shell that becomes the program: what is ended is that then, and
// not a shell that waits for it.
func (c *Command) program(in, out *os.File) *exec.Cmd {
	run := exec.Command(c.shell(), "-c", "exec "+c.Line)
	run.Stdin, run.Stdout = in, out
	if c.Stderr != nil { // a nil *os.File would be no nil io.Writer
		run.Stderr = c.Stderr
	}
	return run
}

// passed takes the connection that the program passes on its standard output.
func (c *Command) passed(ctx context.Context) (net.Conn, error) {
	ours, theirs, err := netx.SocketPair()
	if err != nil {
		return nil, err
	}
	defer ours.Close()
	run := c.program(theirs, theirs)
	err = run.Start()
	theirs.Close()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.shell(), err)
	}
	stopped := context.AfterFunc(ctx, func() { ours.SetDeadline(time.Unix(1, 0)) })
	nc, err := netx.ReceiveConn(ours)
	if !stopped() && err != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		run.Process.Kill()
		run.Wait()
		return nil, fmt.Errorf("the ProxyCommand passed no connection: %w", err)
	}
	go run.Wait()
	return unnamed{nc}, nil
}
