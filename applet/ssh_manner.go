package applet

import (
	"context"
	"io"
	"net"
	"os"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/client"
)

// A manner is how a program that is not ssh does what ssh does, too: plink. What
// isn't asked of it is done as ssh does it. A sshRun without a manner is ssh.
type manner interface {
	// trust is who judges the host's keys.
	trust() hostTrust
	// methods are the ways to log in, in order.
	methods() ([]auth.ClientMethod, error)
	// tune changes what package client is told.
	tune(*client.Config)
	// way is how to get a connection to the host other than by TCP; nil for
	// TCP.
	way() (func(context.Context) (net.Conn, error), error)
	// prepare changes what a session asks for before its program.
	prepare(*client.SessionOptions)
	// output is where the program's output goes: to is this process's.
	output(to *os.File) io.Writer
	// explain says why something failed.
	explain(error) string
	// ended says how a session ended and returns the exit code.
	ended(c *client.Client, exit client.Exit, err error) int
}

// hostTrust judges host keys.
type hostTrust interface {
	// algorithms are the host key algorithms to offer, best first.
	algorithms() []string
	// check is client.Config's HostKey.
	check(context.Context, client.Presented) error
}

// trust is who judges the host's keys.
func (r *sshRun) trust() hostTrust {
	if r.manner != nil {
		return r.manner.trust()
	}
	return r.policy
}

// output is where the program's output goes.
func (r *sshRun) output(to *os.File) io.Writer {
	if r.manner != nil {
		return r.manner.output(to)
	}
	return bulkOutput(to)
}
