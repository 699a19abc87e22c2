package cert

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/wire"
)

// A Grant is what a user's certificate leaves its holder. The zero value is the
// grant of a certificate without extensions: a session without a terminal and
// without forwarding. It is a plain value.
type Grant struct {
	// ForceCommand is run instead of what the client asks for; empty: none.
	ForceCommand string
	// Sources are the addresses and networks that the holder must come from;
	// nil: anywhere.
	Sources []string
	// Expires is when the certificate ends; zero: never.
	Expires time.Time
	// What the extensions permit.
	PTY, PortForwarding, AgentForwarding, X11Forwarding, UserRC bool
	// NoTouchRequired lets a security key sign without its holder's touch,
	// VerifyRequired demands a PIN or a finger as well.
	NoTouchRequired, VerifyRequired bool
}

// A userOption is one row of what is known in users' certificates
// (PROTOCOL.certkeys, "Critical options" and "Extensions").
type userOption struct {
	name string
	flag func(*Grant) *bool                // holds no data
	set  func(g *Grant, text string) error // holds a string
}

// Names of options that ssh-keygen treats in a way of their own.
const (
	ForceCommand   = "force-command"
	SourceAddress  = "source-address"
	VerifyRequired = "verify-required"
)

func criticalOptions() []userOption {
	return []userOption{
		{name: ForceCommand, set: setCommand},
		{name: SourceAddress, set: setSources},
		{name: VerifyRequired, flag: func(g *Grant) *bool { return &g.VerifyRequired }},
	}
}

func extensions() []userOption {
	return []userOption{
		{name: "permit-X11-forwarding", flag: func(g *Grant) *bool { return &g.X11Forwarding }},
		{name: "permit-agent-forwarding", flag: func(g *Grant) *bool { return &g.AgentForwarding }},
		{name: "permit-port-forwarding", flag: func(g *Grant) *bool { return &g.PortForwarding }},
		{name: "permit-pty", flag: func(g *Grant) *bool { return &g.PTY }},
		{name: "permit-user-rc", flag: func(g *Grant) *bool { return &g.UserRC }},
		{name: "no-touch-required", flag: func(g *Grant) *bool { return &g.NoTouchRequired }},
	}
}

// KnownExtension tells the extensions that this program understands; others are
// allowed and mean nothing.
func KnownExtension(name string) bool { return find(extensions(), name) != nil }

// grant reads a certificate's options: a critical one that is unknown refuses
// the certificate, an unknown extension is passed over.
func (c *Contents) grant() (*Grant, error) {
	g := &Grant{Expires: c.Expires()}
	for _, o := range c.Critical {
		row := find(criticalOptions(), o.Name)
		if row == nil {
			return nil, fmt.Errorf("%w: %q", ErrCritical, o.Name)
		}
		if err := row.apply(g, o); err != nil {
			return nil, err
		}
	}
	for _, o := range c.Extensions {
		if row := find(extensions(), o.Name); row != nil {
			if err := row.apply(g, o); err != nil {
				return nil, err
			}
		}
	}
	return g, nil
}

func find(table []userOption, name string) *userOption {
	for i := range table {
		if table[i].name == name {
			return &table[i]
		}
	}
	return nil
}

func (row *userOption) apply(g *Grant, o Option) error {
	if row.flag != nil {
		if o.Data != "" {
			return fmt.Errorf("option %q holds data where none belongs", o.Name)
		}
		*row.flag(g) = true
		return nil
	}
	text, err := o.Text()
	if err != nil {
		return err
	}
	return row.set(g, text)
}

// Text is the string that an option's data holds.
func (o Option) Text() (string, error) {
	r := wire.NewReader([]byte(o.Data))
	text := r.String()
	if err := r.End(); err != nil {
		return "", fmt.Errorf("option %q: %w", o.Name, err)
	}
	if strings.IndexByte(text, 0) >= 0 {
		return "", fmt.Errorf("option %q has a NUL in it", o.Name)
	}
	return text, nil
}

// TextOption makes an option whose data is a string.
func TextOption(name, text string) Option {
	return Option{name, string(wire.AppendString(nil, text))}
}

func setCommand(g *Grant, text string) error {
	if text == "" {
		return errors.New("the forced command is empty")
	}
	g.ForceCommand = text
	return nil
}

func setSources(g *Grant, text string) (err error) {
	g.Sources, err = ParseSources(text)
	return err
}

// ParseSources splits a source-address list: addresses and networks, nothing
// else, and at least one.
func ParseSources(text string) ([]string, error) {
	entries := strings.Split(text, ",")
	for _, entry := range entries {
		if _, err := parseNetwork(entry); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// parseNetwork takes an address for the network of itself alone. Bits beyond
// the mask are refused: what was meant is not clear.
func parseNetwork(entry string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(entry); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(entry)
	if err != nil || network.Masked() != network {
		return netip.Prefix{}, fmt.Errorf("%q is no address and no network", entry)
	}
	return network, nil
}

// from tells whether the holder may come from an address; an invalid one is
// nowhere.
func (g *Grant) from(addr netip.Addr) bool {
	if g.Sources == nil {
		return true
	}
	addr = addr.Unmap().WithZone("")
	for _, entry := range g.Sources {
		if network, err := parseNetwork(entry); err == nil && network.Contains(addr) {
			return true
		}
	}
	return false
}
