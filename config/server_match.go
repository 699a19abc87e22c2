package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// A Connection is what Match blocks of sshd_config ask about. A field that
// isn't known makes the conditions that ask about it false.
type Connection struct {
	User         string   // as the client sent it
	InvalidUser  bool     // there is no such account
	Groups       []string // all of the user's
	Host         string   // the peer's name, or its address where the name isn't looked up
	Address      netip.Addr
	LocalAddress netip.Addr
	LocalPort    int
	RDomain      string
}

// matchLine opens a block for the connections that meet all its conditions.
// Where no connection is asked about, only "Match all" holds.
func (l *serverLoader) matchLine(a *args) error {
	l.inBlock = true
	l.active = false // whatever goes wrong, the block doesn't apply
	holds, err := l.holds(a.words)
	if err != nil {
		return err
	}
	all := len(a.words) == 1 && strings.EqualFold(a.words[0], "all")
	l.conditional = true
	l.active = holds && !l.never && (l.blocks || all && l.q.Connection == nil)
	return nil
}

// holds judges a Match line's words.
func (l *serverLoader) holds(words []string) (bool, error) {
	if len(words) == 0 {
		return false, complain("One or more attributes required for Match")
	}
	result, seen := true, 0
	for len(words) > 0 {
		name, arg, glued := strings.Cut(words[0], "=")
		name, words = strings.ToLower(name), words[1:]
		seen++
		switch {
		case name == "all":
			if seen > 1 || len(words) > 0 {
				return false, complain("'all' cannot be combined with other Match attributes")
			}
			return true, nil
		case name == "invalid-user":
			result = result && l.q.Connection != nil && l.q.Connection.InvalidUser
			continue
		case !glued && len(words) > 0:
			arg, words = words[0], words[1:]
		}
		if arg == "" {
			return false, complain("Missing Match criteria for %s", printable(name))
		}
		ok, err := l.meets(name, arg)
		if err != nil {
			return false, err
		}
		result = result && ok
	}
	return result, nil
}

// meets judges one condition; its words are checked where there is nothing to
// judge as well.
func (l *serverLoader) meets(name, arg string) (bool, error) {
	c := l.q.Connection
	if c == nil {
		c = new(Connection)
	}
	switch name {
	case "user":
		return c.User != "" && pattern.List(c.User, arg) == pattern.Yes, nil
	case "group":
		return matchGroup(c.Groups, []string{arg}), nil
	case "host":
		return c.Host != "" && pattern.List(strings.ToLower(c.Host), strings.ToLower(arg)) == pattern.Yes, nil
	case "address":
		return inNetworks(name, c.Address, arg)
	case "localaddress":
		return inNetworks(name, c.LocalAddress, arg)
	case "localport":
		port, err := parsePort(arg)
		if err != nil {
			return false, complain("Invalid LocalPort '%s' on Match line", printable(arg))
		}
		return port == c.LocalPort, nil
	case "rdomain":
		return c.RDomain != "" && pattern.List(c.RDomain, arg) == pattern.Yes, nil
	case "version":
		return pattern.List(sshRelease, arg) == pattern.Yes, nil
	}
	return false, complain("Unsupported Match attribute %s", printable(name))
}

func inNetworks(name string, addr netip.Addr, list string) (bool, error) {
	ok, err := pattern.Addr(addr, "", strings.Split(list, ","))
	if err != nil {
		return false, complain("Invalid Match %s argument '%s'", name, printable(list))
	}
	return ok && addr.IsValid(), nil
}

// loadFor reads the file for one connection: what the blocks say that hold for
// it comes before everything else, the first block's first.
func (l *serverLoader) loadFor(name string, data []byte) error {
	l.active, l.blocks, l.inBlock = false, true, false
	if err := l.lines(name, data, l.block); err != nil {
		return err
	}
	l.active, l.inBlock, l.blocks = true, false, false
	l.fixed = slices.Collect(maps.Keys(l.origins))
	return nil
}

// ParseConnection reads sshd -C's argument, "user=u,addr=a,…", into c; groups
// are left to whoever knows the accounts.
func ParseConnection(spec string, c *Connection) error {
	for _, part := range strings.Split(spec, ",") {
		name, value, ok := strings.Cut(part, "=")
		if !ok && strings.EqualFold(name, "invalid-user") {
			c.InvalidUser = true
			continue
		}
		var err error
		switch strings.ToLower(name) {
		case "user":
			c.User = value
		case "host":
			c.Host = value
		case "addr":
			c.Address, err = netip.ParseAddr(value)
		case "laddr":
			c.LocalAddress, err = netip.ParseAddr(value)
		case "lport":
			c.LocalPort, err = parsePort(value)
		case "rdomain":
			c.RDomain = value
		default:
			ok = false
		}
		if err != nil || !ok {
			return fmt.Errorf("invalid test mode specification %s", printable(part))
		}
	}
	return nil
}
