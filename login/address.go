package login

import (
	"fmt"
	"net/netip"
	"strings"
)

// MatchAddress says whether addr matches a comma-separated list of addresses,
// networks (10.0.0.0/8) and patterns ('*', '?'), each of which may be negated by
// '!'. A negated match decides at once, whatever else matches (ssh_config(5),
// PATTERNS). A malformed network is an error, and then nothing matches. Names
// are compared with the text of the address: no name is ever resolved.
func MatchAddress(addr netip.Addr, list string) (bool, error) {
	addr = addr.Unmap().WithZone("")
	text := addr.String()
	matched, negated := false, false
	for entry := range strings.SplitSeq(list, ",") {
		entry, not := strings.CutPrefix(strings.TrimSpace(entry), "!")
		hit, err := matchEntry(addr, text, strings.ToLower(entry))
		if err != nil {
			return false, err
		}
		matched = matched || hit && !not
		negated = negated || hit && not
	}
	return matched && !negated, nil
}

func matchEntry(addr netip.Addr, text, entry string) (bool, error) {
	if entry == "" {
		return false, fmt.Errorf("empty entry in an address list")
	}
	if strings.IndexByte(entry, '/') >= 0 {
		p, err := netip.ParsePrefix(entry)
		if err != nil || p.Masked() != p {
			return false, fmt.Errorf("%q is no network", entry)
		}
		return p.Contains(addr), nil
	}
	if a, err := netip.ParseAddr(entry); err == nil {
		return a.Unmap() == addr, nil
	}
	return glob(entry, text), nil
}

// glob matches a whole string with a pattern of '*' and '?', in time at most
// proportional to the product of their lengths.
func glob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
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
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
