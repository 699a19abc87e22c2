package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"

	"github.com/nacre-ssh/nacre/internal/winsys"
)

// Dial starts the program with cmd.exe. Its end is seen as the connection's;
// closing the connection ends the program.
func (c *Command) Dial(context.Context) (net.Conn, error) {
	if c.PassFD {
		return nil, errors.New("ProxyUseFdpass: this system passes no descriptors")
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
	run := Shell(c.Line)
	run.Stdin, run.Stdout = theirIn, theirOut
	if c.Stderr != nil { // a nil *os.File would be no nil io.Writer
		run.Stderr = c.Stderr
	}
	err = run.Start()
	theirIn.Close()
	theirOut.Close()
	if err != nil {
		in.Close()
		out.Close()
		return nil, fmt.Errorf("starting %s: %w", run.Path, err)
	}
	go run.Wait()
	return &pipes{in: in, out: out, end: func() { run.Process.Kill() }}, nil
}

// Shell is a line for cmd.exe, ready to start.
func Shell(line string) *exec.Cmd { return winsys.Shell(line) }
