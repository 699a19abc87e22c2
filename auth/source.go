package auth

import (
	"net/netip"
	"strings"
)

// matchSource tells whether a peer is in a list of addresses, CIDR ranges and
// wildcards, as OpenSSH's from and source-address have them: a negated match
// refuses, a range with bits beyond its mask or an empty entry makes the whole
// list refuse, and wildcards apply to the name and to the address as text.
func matchSource(list []string, addr netip.Addr, host string) bool {
	if !addr.IsValid() {
		return false
	}
	addr = addr.Unmap().WithZone("")
	text := addr.String()
	if host == "" {
		host = text
	}
	host = strings.ToLower(host)
	found := false
	for _, entry := range list {
		pattern, negated := strings.CutPrefix(entry, "!")
		hit, valid := matchEntry(strings.ToLower(pattern), addr, text, host)
		if !valid || hit && negated {
			return false
		}
		found = found || hit
	}
	return found
}

func matchEntry(pattern string, addr netip.Addr, text, host string) (hit, valid bool) {
	if pattern == "" {
		return false, false
	}
	if exact, err := netip.ParseAddr(pattern); err == nil {
		return exact.Unmap().WithZone("") == addr, true
	}
	if prefix, err := netip.ParsePrefix(pattern); err == nil {
		return prefix.Contains(addr), prefix.Masked() == prefix
	}
	if strings.Contains(pattern, "/") {
		return false, false // a range that is none: negated, it would refuse nobody
	}
	return wildcard(pattern, text) || wildcard(pattern, host), true
}

// wildcard matches all of s against a pattern with * and ?, in time that grows
// with their lengths' product at worst.
func wildcard(pattern, s string) bool {
	p, i := 0, 0
	star, mark := -1, 0 // where the last * was, and what it has eaten up to
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
