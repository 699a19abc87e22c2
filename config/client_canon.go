package config

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// resolvedName is HostName with its %h, or the host as typed.
func (l *clientLoader) resolvedName() (string, error) {
	if l.into.HostName == "" {
		return l.q.Host, nil
	}
	l.t.host = l.q.Host
	return l.t.percent(l.into.HostName, "h")
}

// fillTokens takes what is known so far into the tokens.
func (l *clientLoader) fillTokens() {
	host, err := l.resolvedName()
	if err != nil {
		host = l.q.Host
	}
	l.t.host = host
	l.t.port = orPort(l.into.Port)
	l.t.remoteUser = orElse(l.into.User, l.q.LocalUser)
	l.t.keyAlias = orElse(l.into.HostKeyAlias, host)
	l.t.jump = l.into.jumpHost()
}

func orPort(port int) int {
	if port == 0 {
		return 22
	}
	return port
}

// settleName finds the name to connect to once the files were read: HostName,
// in lower case, an address in its usual form, and completed where
// CanonicalizeHostname asks for it.
func (l *clientLoader) settleName() error {
	host, err := l.resolvedName()
	if err != nil {
		return fmt.Errorf("expanding HostName: %w", err)
	}
	l.settleRules()
	name, done := canonicalAddress(host)
	if !done {
		name = strings.ToLower(host)
		if done, err = l.complete(&name); err != nil {
			return err
		}
	}
	if !done {
		if err := l.followBare(&name); err != nil {
			return err
		}
	}
	l.wants = l.wants || l.canonicalizes()
	// The name is settled now: a HostName of the second reading comes too late.
	l.into.HostName = strings.ReplaceAll(name, "%", "%%")
	if _, taken := l.origins["hostname"]; !taken {
		l.origins["hostname"] = Origin{}
	}
	l.matchOn = name
	return nil
}

// settleRules gives what decides about the name its defaults: the second reading
// comes too late for it.
func (l *clientLoader) settleRules() {
	c := l.into
	for keyword, set := range map[string]func(){
		"canonicalizehostname":      func() { c.CanonicalizeHostname = "no" },
		"canonicalizemaxdots":       func() { c.CanonicalizeMaxDots = 1 },
		"canonicalizefallbacklocal": func() { c.CanonicalizeFallbackLocal = true },
	} {
		if _, said := l.origins[keyword]; !said {
			l.origins[keyword] = Origin{}
			set()
		}
	}
}

func (l *clientLoader) canonicalizes() bool {
	return l.into.CanonicalizeHostname == "yes" || l.into.CanonicalizeHostname == "always"
}

// mayLookUp says whether names are looked up here: a proxy does it itself
// unless CanonicalizeHostname says always.
func (l *clientLoader) mayLookUp() bool {
	return l.direct() || l.into.CanonicalizeHostname == "always"
}

func (l *clientLoader) direct() bool {
	return l.into.ProxyCommand == "" && len(l.into.ProxyJump) == 0 && l.into.ProxyURL == ""
}

// complete tries the canonical domains; done says that the name was found in
// the DNS, so that it is looked up no more.
func (l *clientLoader) complete(name *string) (done bool, err error) {
	if !l.canonicalizes() || !l.mayLookUp() {
		return false, nil
	}
	c := l.into
	candidates := []string{*name}
	if !strings.HasSuffix(*name, ".") {
		if strings.Count(*name, ".") > c.CanonicalizeMaxDots {
			return false, nil
		}
		candidates = candidates[:0]
		for _, domain := range c.CanonicalDomains {
			candidates = append(candidates, *name+"."+domain+".")
		}
	}
	for _, candidate := range candidates {
		cname, err := l.lookUp(candidate)
		if err != nil {
			continue
		}
		*name = strings.TrimSuffix(candidate, ".")
		l.follow(name, cname)
		return true, nil
	}
	if !c.CanonicalizeFallbackLocal {
		return false, fmt.Errorf("could not resolve host \"%s\" in CanonicalDomains, and CanonicalizeFallbackLocal is no", printable(*name))
	}
	return false, nil
}

// followBare replaces a name that wasn't completed by its CNAME, where the
// rules permit it.
func (l *clientLoader) followBare(name *string) error {
	if len(l.into.CanonicalizePermittedCNAMEs) == 0 || !l.mayLookUp() {
		return nil
	}
	cname, err := l.lookUp(*name)
	if err != nil && l.direct() {
		return fmt.Errorf("could not resolve hostname %s: %w", printable(*name), err)
	}
	l.follow(name, cname)
	return nil
}

// follow takes a CNAME for the name if a rule says so.
func (l *clientLoader) follow(name *string, cname string) {
	cname = strings.ToLower(strings.TrimSuffix(cname, "."))
	if cname == "" || cname == *name || !l.canonicalizes() || checkDomain(cname) != nil {
		return
	}
	for _, rule := range l.into.CanonicalizePermittedCNAMEs {
		if pattern.List(*name, rule.From) == pattern.Yes && pattern.List(cname, rule.To) == pattern.Yes {
			*name = cname
			return
		}
	}
}

// lookUp says whether a name has an address, and its CNAME.
func (l *clientLoader) lookUp(name string) (cname string, err error) {
	if l.q.Lookup != nil {
		return l.q.Lookup(name)
	}
	network := map[string]string{"inet": "ip4", "inet6": "ip6"}[l.into.AddressFamily]
	if _, err := net.DefaultResolver.LookupIP(context.Background(), orElse(network, "ip"), name); err != nil {
		return "", plainLookup(err)
	}
	if len(l.into.CanonicalizePermittedCNAMEs) == 0 {
		return "", nil
	}
	cname, _ = net.DefaultResolver.LookupCNAME(context.Background(), name) // a name without one keeps its own
	return cname, nil
}

// plainLookup takes the name and the server off: the sentence has the name.
func plainLookup(err error) error {
	if dns := new(net.DNSError); errors.As(err, &dns) {
		return errors.New(dns.Err)
	}
	return err
}

// canonicalAddress gives an address its usual form: what inet_aton and IPv6
// readers take for one.
func canonicalAddress(host string) (string, bool) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String(), true
	}
	if addr, ok := oldAddress(host); ok {
		return addr.String(), true
	}
	return host, strings.ContainsAny(host, ":%") || strings.Trim(host, "0123456789.") == ""
}

// oldAddress reads IPv4 addresses of one to four parts, of which the last fills
// what is left (inet_aton(3)): "127.1".
func oldAddress(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	sum, bits := uint64(0), 32
	for i, part := range parts {
		if part == "" || part[0] < '0' || part[0] > '9' || strings.Contains(part, "_") {
			return netip.Addr{}, false
		}
		width := 8
		if i == len(parts)-1 {
			width = bits
		}
		n, err := strconv.ParseUint(octal(part), 0, width)
		if err != nil {
			return netip.Addr{}, false
		}
		bits -= width
		sum |= n << bits
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}

// octal leaves 0x and 0 to ParseUint but refuses its 0b and 0o.
func octal(part string) string {
	if len(part) > 1 && part[0] == '0' && strings.ContainsAny(part[1:2], "bBoO") {
		return "x"
	}
	return part
}
