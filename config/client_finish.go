package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// finish turns what was read into the answer: refusals, defaults, tokens.
func (l *clientLoader) finish() (*Client, error) {
	if at, said := l.origins["refuseconnection"]; said {
		return nil, fmt.Errorf("%s line %d: RefuseConnection: %s", at.File, at.Line, printable(l.into.refusal))
	}
	if err := l.judgeAll(); err != nil {
		return nil, err
	}
	l.updateHostKeys()
	if err := l.fill(l.table); err != nil {
		return nil, err
	}
	c := l.into
	host := l.matchOn
	c.Host, c.HostName, c.Port = l.q.Host, host, orPort(c.Port)
	c.HostKeyAlias = strings.ToLower(c.HostKeyAlias)
	c.notes, c.origins, c.written, c.ignored = l.notes, l.origins, l.written, l.ignored
	c.globalFiles = slices.Clone(c.GlobalKnownHostsFile)
	c.steps = l.steps
	l.mayAsk()
	l.stdioForward()
	l.t.host, l.t.port, l.t.keyAlias, l.t.jump = host, c.Port, orElse(c.HostKeyAlias, c.Host), c.jumpHost()
	if err := l.expandUser(); err != nil {
		return nil, err
	}
	c.tokens = l.t
	return c, c.expandAll()
}

// jumpHost is %j: the last host on the way.
func (c *Client) jumpHost() string {
	if len(c.ProxyJump) == 0 {
		return ""
	}
	return c.ProxyJump[len(c.ProxyJump)-1].Host
}

// updateHostKeys gives UpdateHostKeys its default, which depends on others: yes
// where a person's usual files are used.
func (l *clientLoader) updateHostKeys() {
	c := l.into
	if c.UpdateHostKeys != "" {
		return
	}
	c.UpdateHostKeys = "no"
	_, chosen := l.origins["userknownhostsfile"]
	usual := !chosen || slices.Equal(c.UserKnownHostsFile, []string{"~/.ssh/known_hosts"})
	if usual && (c.VerifyHostKeyDNS == "" || c.VerifyHostKeyDNS == "no") {
		c.UpdateHostKeys = "yes"
	}
}

// mayAsk turns UpdateHostKeys off where it would ask somebody who isn't there.
func (l *clientLoader) mayAsk() {
	c := l.into
	background := c.ControlPersist.On && c.ControlPath != ""
	script := l.q.Command != "" || c.RemoteCommand != "" || c.RequestTTY == TTYNo
	if c.UpdateHostKeys == "ask" && (background || script || c.LogLevel < LogInfo) {
		c.UpdateHostKeys = "no"
	}
}

// stdioForward takes -W in: it has other defaults, because a script waits for
// one stream.
func (l *clientLoader) stdioForward() {
	c := l.into
	c.StdioForward = l.q.StdioForward
	if c.StdioForward != nil {
		if _, said := l.origins["exitonforwardfailure"]; !said {
			c.ExitOnForwardFailure = true
		}
		if _, said := l.origins["clearallforwardings"]; !said {
			c.ClearAllForwardings = true
		}
	}
	if c.ClearAllForwardings {
		c.LocalForward, c.RemoteForward, c.DynamicForward = nil, nil, nil
		c.Tunnel = "no"
	}
}

// expandUser expands a User that a file gave; one from a token must be a name
// that is safe wherever names go.
func (l *clientLoader) expandUser() error {
	c := l.into
	switch {
	case c.User == "":
		c.User = l.q.LocalUser
	case l.q.User != "":
		if !ValidUser(c.User) {
			return errors.New("remote username contains invalid characters")
		}
	default:
		name, err := l.t.expand(c.User, "dhijkLlnpu", true)
		if err != nil {
			return fmt.Errorf("expanding User: %w", err)
		}
		if name != c.User && !ValidUser(name) {
			return errors.New("remote username contains invalid characters")
		}
		c.User = name
	}
	l.t.remoteUser = c.User
	return nil
}

// expandAll expands what is known before the connection. ProxyCommand,
// LocalCommand and KnownHostsCommand wait for more.
func (c *Client) expandAll() error {
	c.identityAgent = c.IdentityAgent
	for _, field := range []struct {
		name string
		text *string
	}{{"ControlPath", &c.ControlPath}, {"IdentityAgent", &c.IdentityAgent}, {"ForwardAgent", &c.ForwardAgentSocket}} {
		if err := c.expandName(field.text); err != nil {
			return fmt.Errorf("expanding %s: %w", field.name, err)
		}
	}
	c.resolveAgents()
	var err error
	if c.RemoteCommand, err = c.tokens.percent(c.RemoteCommand, ""); err != nil {
		return fmt.Errorf("expanding RemoteCommand: %w", err)
	}
	if c.VersionAddendum, err = c.tokens.expand(c.VersionAddendum, "", true); err != nil {
		return fmt.Errorf("expanding VersionAddendum: %w", err)
	}
	if err := c.expandLists(); err != nil {
		return err
	}
	return c.expandForwards()
}

// expandName expands a path in place.
func (c *Client) expandName(text *string) (err error) {
	*text, err = c.tokens.path(*text)
	return err
}

// resolveAgents takes the words and variables that may stand for a socket.
func (c *Client) resolveAgents() {
	c.identityAgent = c.IdentityAgent
	switch {
	case strings.EqualFold(c.IdentityAgent, "none"):
		c.IdentityAgent = "none"
	case c.IdentityAgent == "SSH_AUTH_SOCK":
		c.IdentityAgent = ""
	default:
		c.IdentityAgent = c.variableAgent(c.IdentityAgent)
	}
}

// variableAgent is the value of $NAME: an older way to write ${NAME}.
func (c *Client) variableAgent(path string) string {
	name, ok := strings.CutPrefix(path, "$")
	if !ok {
		return path
	}
	value, _ := c.tokens.getenv(name)
	return value
}

// AgentToForward is the socket of the agent to forward; "" for the one that
// keys are taken from.
func (c *Client) AgentToForward() string { return c.variableAgent(c.ForwardAgentSocket) }

func (c *Client) expandLists() error {
	for _, field := range []struct {
		name   string
		list   []string
		expand func(string) (string, error)
	}{
		{"UserKnownHostsFile", c.UserKnownHostsFile, c.tokens.path},
		{"GlobalKnownHostsFile", c.GlobalKnownHostsFile, func(s string) (string, error) { return tilde(inSystem(s), c.tokens.home) }},
		{"RevokedHostKeys", c.RevokedHostKeys, c.tokens.path},
		{"SetEnv", c.SetEnv, c.expandPair},
	} {
		for i, text := range field.list {
			text, err := field.expand(text)
			if err != nil {
				return fmt.Errorf("expanding %s: %w", field.name, err)
			}
			field.list[i] = text
		}
	}
	return nil
}

// expandPair expands the value of NAME=value.
func (c *Client) expandPair(pair string) (string, error) {
	name, value, _ := strings.Cut(pair, "=")
	value, err := c.tokens.expand(value, "", true)
	return name + "=" + value, err
}

// expandForwards expands tokens in the paths of sockets.
func (c *Client) expandForwards() error {
	for _, list := range [][]Forward{c.LocalForward, c.RemoteForward, c.DynamicForward} {
		for i := range list {
			for _, path := range []*string{&list[i].Listen.Path, &list[i].Target.Path} {
				text, err := c.tokens.percent(*path, "")
				if err != nil {
					return fmt.Errorf("expanding a forward's path: %w", err)
				}
				*path = text
			}
		}
	}
	return nil
}

// judgeAll refuses what can't be ignored, unless the answer is only looked at.
func (l *clientLoader) judgeAll() error {
	return l.judge(append(clientPending(), clientNever()...), l.q.OnlyShow)
}
