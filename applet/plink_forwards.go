package applet

import (
	"fmt"
	"strings"

	"github.com/nacre-ssh/nacre/config"
)

// configForwards takes the forwards of the session and of the options, and -nc.
func (p *plinkRun) configForwards(c *config.Client) error {
	pairs, err := puttyMap(p.text("PortForwardings"))
	if err != nil {
		return fmt.Errorf("session's PortForwardings: %w", err)
	}
	for _, pair := range pairs {
		if err := p.addForward(c, pair[0], pair[1]); err != nil {
			p.Errorf("plink: forward %s=%s of the session is not set up: %v", pair[0], pair[1], err)
		}
	}
	for _, spec := range p.line.forwards {
		if err := p.addForward(c, strings.TrimSuffix(spec, "="), ""); err != nil {
			p.Errorf("plink: -%s: %v", strings.TrimSuffix(spec, "="), err)
			return errAbandoned
		}
	}
	if p.line.connectTo == "" {
		return nil
	}
	to, err := config.ParseForward(p.line.connectTo, config.ForwardDynamic, nothing)
	if err != nil || to.Listen.Host == "" {
		p.Errorf("plink: -nc expects argument of form 'host:port'")
		return errAbandoned
	}
	c.StdioForward = &to.Listen
	return nil
}

// nothing is an environment without variables: PuTTY expands none.
func nothing(string) (string, bool) { return "", false }

// addForward reads "[4|6](L|R|D)[address:]port" and where it leads to. An option
// has all in the first text.
func (p *plinkRun) addForward(c *config.Client, from, to string) error {
	from = strings.TrimLeft(from, "46")
	if from == "" {
		return fmt.Errorf("it names no port")
	}
	text := from[1:]
	if to != "" {
		text += ":" + to
	}
	kind, into, all := config.ForwardLocal, &c.LocalForward, p.on("LocalPortAcceptAll", false)
	switch from[0] {
	case 'L':
	case 'R':
		kind, into, all = config.ForwardRemote, &c.RemoteForward, p.on("RemotePortAcceptAll", false)
	case 'D':
		kind, into = config.ForwardDynamic, &c.DynamicForward
	default:
		return fmt.Errorf("it begins with none of L, R and D")
	}
	f, err := config.ParseForward(text, kind, nothing)
	if err != nil {
		return err
	}
	if all && !f.Listen.HostSet {
		f.Listen.Host, f.Listen.HostSet = "*", true
	}
	*into = append(*into, f)
	return nil
}
