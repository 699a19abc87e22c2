package config

import (
	"fmt"
	"strings"
)

// IdentityFiles returns the names of the identity files with ~, tokens and
// variables expanded, each once, in the order to try them; empty for "none".
func (c *Client) IdentityFiles() ([]string, error) {
	return c.keyFiles("IdentityFile", c.IdentityFile)
}

// CertificateFiles returns the names of the certificate files likewise.
func (c *Client) CertificateFiles() ([]string, error) {
	return c.keyFiles("CertificateFile", c.CertificateFile)
}

func (c *Client) keyFiles(keyword string, list []string) ([]string, error) {
	var names []string
	for _, name := range list {
		if strings.EqualFold(name, "none") {
			continue
		}
		name, err := c.tokens.path(name)
		if err != nil {
			return nil, fmt.Errorf("expanding %s: %w", keyword, err)
		}
		names = append(names, name)
	}
	return unique(names), nil
}

// Expand expands ~, %-tokens and ${NAME} in a path with this connection's
// values (ssh_config(5), TOKENS).
func (c *Client) Expand(path string) (string, error) { return c.tokens.path(path) }

// ProxyCommandLine is ProxyCommand with its tokens expanded, for a shell.
func (c *Client) ProxyCommandLine() (string, error) {
	line, err := c.tokens.percent(c.ProxyCommand, "hnpr")
	if err != nil {
		return "", fmt.Errorf("expanding ProxyCommand: %w", err)
	}
	return line, nil
}

// LocalCommandLine is LocalCommand with its tokens expanded, for a shell.
// tunnel is %T: the network device's name, "NONE" without one.
func (c *Client) LocalCommandLine(tunnel string) (string, error) {
	t := c.tokens
	t.more = map[byte]string{'T': orElse(tunnel, "NONE")}
	line, err := t.percent(c.LocalCommand, "")
	if err != nil {
		return "", fmt.Errorf("expanding LocalCommand: %w", err)
	}
	return line, nil
}

// A HostKeyQuestion is what KnownHostsCommand is asked about.
type HostKeyQuestion struct {
	Reason      string // %I: "ADDRESS", "HOSTNAME" or "ORDER"
	Name        string // %H: the name or address that is looked up
	Fingerprint string // %f; "NONE" before a key is known
	Key         string // %K: base64; "NONE" before a key is known
	Type        string // %t; "NONE" before a key is known
}

// KnownHostsCommandLine is KnownHostsCommand as an argument list: no shell runs
// it. It is empty where there is no command.
func (c *Client) KnownHostsCommandLine(q HostKeyQuestion) ([]string, error) {
	words, err := splitWords(c.KnownHostsCommand)
	if err != nil {
		return nil, fmt.Errorf("KnownHostsCommand: %w", err)
	}
	t := c.tokens
	t.more = map[byte]string{
		'I': q.Reason, 'H': q.Name,
		'f': orElse(q.Fingerprint, "NONE"), 'K': orElse(q.Key, "NONE"), 't': orElse(q.Type, "NONE"),
	}
	for i, word := range words {
		if words[i], err = t.percent(word, ""); err != nil {
			return nil, fmt.Errorf("expanding KnownHostsCommand: %w", err)
		}
	}
	return words, nil
}

// Origin says which line gave a keyword its value; ok is false when the value
// is the default.
func (c *Client) Origin(keyword string) (at Origin, ok bool) {
	at = c.origins[strings.ToLower(keyword)]
	return at, at.File != ""
}
