package forward

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// An Address is one end of a forward: a TCP address, or a Unix socket where Path
// is set.
type Address struct {
	// Host is a name or an address. Where it is listened on, "" and "*" are
	// every address of the machine, "localhost" its loopback addresses.
	Host string
	// Named says that somebody gave a host to listen on, if only "". Without
	// it Options.GatewayPorts decides.
	Named bool
	Port  int
	Path  string
}

// String is "host:port" or the path, for people.
func (a Address) String() string {
	if a.Path != "" {
		return a.Path
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
}

// names are the host and the port as OpenSSH's sentences have them.
func (a Address) names(unnamed string) (string, int) {
	switch {
	case a.Path != "":
		return a.Path, portStreamLocal
	case !a.Named && a.Host == "":
		return unnamed, a.Port
	}
	return a.Host, a.Port
}

// portStreamLocal is what stands for the port of a Unix socket in OpenSSH's
// sentences.
const portStreamLocal = -2

// A Spec is one forward: what is listened on, and where connections go.
type Spec struct {
	Listen Address
	// Dynamic lets each connection say by SOCKS where it wants to go; Target
	// is not used then.
	Dynamic bool
	Target  Address
}

// target are the host and port of the target in OpenSSH's sentences.
func (s Spec) target() (string, int) {
	if s.Dynamic {
		return "socks", 0
	}
	return s.Target.names("")
}

// check refuses what no system call and no peer should see.
func (a Address) check() error {
	switch {
	case strings.ContainsRune(a.Path, 0) || strings.ContainsRune(a.Host, 0):
		return fmt.Errorf("the address %q has a zero byte", a.String())
	case len(a.Host) > maxHost:
		return fmt.Errorf("a host name of %d bytes is too long", len(a.Host))
	case a.Port < 0 || a.Port > 65535:
		return fmt.Errorf("port %d does not exist", a.Port)
	}
	return nil
}

// socketPath is a path as package net takes it: there "@" would begin the name
// of an abstract socket, and here it is a letter.
func socketPath(path string) string {
	if strings.HasPrefix(path, "@") {
		return "./" + path
	}
	return path
}
