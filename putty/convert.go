package putty

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/internal/pattern"
	"github.com/nacre-ssh/nacre/knownhosts"
)

// A Conversion is what became of known hosts.
type Conversion struct {
	HostKeys, Authorities int
	// Skipped says, a line each, what has no counterpart on the other side.
	Skipped []string
}

func (c *Conversion) skip(format string, args ...any) {
	if len(c.Skipped) < knownhosts.MaxEntries {
		c.Skipped = append(c.Skipped, fmt.Sprintf(format, args...))
	}
}

// ImportKnownHosts adds what a known_hosts file says to a store. PuTTY has no
// counterpart for hashed names, for wildcards of host keys and for revoked keys.
func ImportKnownHosts(to Store, file io.Reader) (Conversion, error) {
	var c Conversion
	var keys []HostKey
	err := knownhosts.Scan(file, func(l *knownhosts.Line) error {
		if l.Status == knownhosts.Comment {
			return nil
		}
		e := l.Entry("")
		switch {
		case e.Key == nil:
			c.skip("line %d can't be read", l.Number)
		case e.Marker == knownhosts.Revoked:
			c.skip("line %d: PuTTY has no revoked keys", l.Number)
		case e.Marker == knownhosts.Authority:
			return c.importAuthority(to, e)
		default:
			keys = append(keys, c.importLine(e)...)
		}
		if len(keys) > MaxSettings {
			return fmt.Errorf("there are more than %d host keys", MaxSettings)
		}
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("import known hosts: %w", err)
	}
	c.HostKeys = len(keys)
	if len(keys) == 0 {
		return c, nil
	}
	return c, to.PutHostKeys(keys...)
}

func (c *Conversion) importLine(e knownhosts.Entry) (keys []HostKey) {
	if strings.HasPrefix(e.Names, "|") {
		c.skip("line %d: the host's name is hashed", e.Line)
		return nil
	}
	for name := range strings.SplitSeq(e.Names, ",") {
		if strings.ContainsAny(name, pattern.Special) {
			c.skip("line %d: PuTTY has no wildcards for host keys", e.Line)
			continue
		}
		host, port, err := splitName(name)
		var k HostKey
		if err == nil {
			k, err = NewHostKey(host, port, e.Key)
		}
		if err != nil {
			c.skip("line %d: %v", e.Line, err)
			continue
		}
		keys = append(keys, k)
	}
	return keys
}

// splitName reads "host" or "[host]:port".
func splitName(name string) (host string, port int, err error) {
	inner, ok := strings.CutPrefix(name, "[")
	if !ok {
		return name, defaultPort, nil
	}
	host, digits, ok := strings.Cut(inner, "]:")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil || n == 0 {
		return "", 0, fmt.Errorf("%q is no name of a host", name)
	}
	return host, int(n), nil
}

func (c *Conversion) importAuthority(to Store, e knownhosts.Entry) error {
	text, err := validityFor(e.Names)
	if err != nil {
		c.skip("line %d: %v", e.Line, err)
		return nil
	}
	name := e.Comment
	if name == "" {
		name = "known_hosts " + e.Names
	}
	ca := HostCA{Name: name, Key: e.Key, Validity: text, SHA256: true, SHA512: true}
	if err := SaveHostCA(to, ca); err != nil {
		return err
	}
	c.Authorities++
	return nil
}

// validityFor is the expression for a line's names: the plain "a || b || *.c"
// that every reader of such records knows, unless a name is negated or has a
// port.
func validityFor(names string) (string, error) {
	if strings.HasPrefix(names, "|") {
		return "", errors.New("the name is hashed")
	}
	var yes, no []string
	for name := range strings.SplitSeq(names, ",") {
		name, negated := strings.CutPrefix(name, "!")
		atom, err := atomFor(name)
		switch {
		case err != nil:
			return "", err
		case negated:
			no = append(no, "!"+atom)
		default:
			yes = append(yes, atom)
		}
	}
	if len(yes) == 0 {
		return "", errors.New("it names no host")
	}
	text := strings.Join(yes, " || ")
	if len(no) > 0 {
		if len(yes) > 1 {
			text = "(" + text + ")"
		}
		text += " && " + strings.Join(no, " && ")
	}
	_, err := ParseValidity(text)
	return text, err
}

func atomFor(name string) (string, error) {
	host, port, err := splitName(name)
	if err != nil {
		return "", err
	}
	if host == "" || strings.ContainsAny(host, "[]:") {
		return "", fmt.Errorf("%q can't stand in an expression", name)
	}
	if strings.HasPrefix(name, "[") {
		return "(" + host + " && port:" + strconv.Itoa(port) + ")", nil
	}
	return host, nil
}

// ExportKnownHosts writes what a store knows as known_hosts lines. SSH-1's keys,
// and authorities whose expression is more than names, are left out.
func ExportKnownHosts(w io.Writer, from Store) (Conversion, error) {
	var c Conversion
	keys, err := from.HostKeys()
	if err != nil {
		return c, err
	}
	for _, h := range keys {
		k, err := h.Key()
		if err != nil || strings.ContainsAny(h.Host, `*?!,|#@"`) {
			c.skip("%s has no counterpart in known_hosts", h.id())
			continue
		}
		if _, err := fmt.Fprintf(w, "%s %s %s\n", knownhosts.Name(h.Host, h.Port), k.Type(), base64.StdEncoding.EncodeToString(k.Blob())); err != nil {
			return c, err
		}
		c.HostKeys++
	}
	return c, c.exportAuthorities(w, from)
}

func (c *Conversion) exportAuthorities(w io.Writer, from Store) error {
	all, broken, err := LoadHostCAs(from)
	if err != nil {
		return err
	}
	for _, name := range broken {
		c.skip("authority %q can't be read", name)
	}
	for _, ca := range all {
		names, ok := plainNames(ca.Validity)
		if !ok {
			c.skip("authority %q: its expression is more than names", ca.Name)
			continue
		}
		comment := strings.Join(strings.Fields(ca.Name), " ")
		if _, err := fmt.Fprintf(w, "%s %s %s %s %s\n", knownhosts.Authority, names, ca.Key.Type(), base64.StdEncoding.EncodeToString(ca.Key.Blob()), comment); err != nil {
			return err
		}
		c.Authorities++
	}
	return nil
}

// plainNames reads an expression of names with || between them.
func plainNames(text string) (names string, ok bool) {
	v, err := ParseValidity(text)
	if err != nil {
		return "", false
	}
	parts := anyNode{v.root}
	if several, is := v.root.(anyNode); is {
		parts = several
	}
	var list []string
	for _, part := range parts {
		host, is := part.(hostNode)
		if !is || strings.Contains(string(host), "[") {
			return "", false
		}
		list = append(list, string(host))
	}
	return strings.Join(list, ","), true
}
