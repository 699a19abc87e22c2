package applet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/proxy"
	"github.com/nacre-ssh/nacre/term"
)

// corkscrewFailed is corkscrew's exit code for everything that goes wrong.
const corkscrewFailed = 255

// corkscrewUsage is what corkscrew prints, version and all: scripts look at it.
const corkscrewUsage = "corkscrew 2.0 (nacre)\n\n" +
	"usage: corkscrew <proxyhost> <proxyport> <desthost> <destport> [authfile]\n"

func proxyDoors() []door.Door {
	return []door.Door{{
		Name: "corkscrew", Group: "connect", Help: "a connection through an HTTP proxy, for ProxyCommand", Link: true, Run: runCorkscrew,
	}}
}

// runCorkscrew connects standard input and output with a host behind an HTTP
// proxy.
func runCorkscrew(ctx context.Context, e *door.Env) int {
	if len(e.Args) != 4 && len(e.Args) != 5 {
		fmt.Fprint(e.Stderr, corkscrewUsage)
		return corkscrewFailed
	}
	p, to, err := corkscrewLine(e.Args)
	if err != nil {
		e.Errorf("corkscrew: %v", err)
		return corkscrewFailed
	}
	if len(e.Args) == 5 {
		if err := p.ReadAuthFile(e.Args[4]); err != nil {
			e.Errorf("Error opening %s: %s", e.Args[4], door.Sentence(err))
			return corkscrewFailed
		}
	}
	nc, err := p.Dial(ctx, &proxy.Dialer{}, to)
	if err != nil {
		e.Errorf("%s", corkscrewComplaint(to, err))
		return corkscrewFailed
	}
	defer nc.Close()
	if err := join(nc, e.Stdin, e.Stdout); err != nil {
		e.Errorf("corkscrew: %s", door.Sentence(err))
		return corkscrewFailed
	}
	return 0
}

// corkscrewLine reads proxy, port, host, port.
func corkscrewLine(args []string) (*proxy.Proxy, proxy.Target, error) {
	at, err := targetOf(args[0], args[1])
	if err != nil {
		return nil, at, err
	}
	to, err := targetOf(args[2], args[3])
	return &proxy.Proxy{Scheme: "http", Target: at}, to, err
}

func targetOf(host, port string) (proxy.Target, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return proxy.Target{}, fmt.Errorf("%q is no port", port)
	}
	return proxy.Target{Host: host, Port: int(n)}, nil
}

// corkscrewComplaint has corkscrew's words where it has some.
func corkscrewComplaint(to proxy.Target, err error) string {
	var refused *proxy.RefusedError
	if errors.As(err, &refused) {
		return fmt.Sprintf("Proxy could not open connection to %s: %s", to.Host, term.Printable(refused.Reason))
	}
	var dial *net.OpError
	if errors.As(err, &dial) {
		return "Couldn't establish connection to proxy: " + door.Sentence(err)
	}
	return "corkscrew: " + term.Printable(err.Error())
}

// join copies both ways. The end of the input ends only that direction: what the
// host has still to say is waited for.
func join(nc net.Conn, in, out *os.File) error {
	go func() {
		io.Copy(nc, in)
		if half, ok := nc.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
		}
	}()
	_, err := io.Copy(out, nc)
	return err
}
