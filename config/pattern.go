package config

import (
	"net/netip"
	"strings"
)

// MatchPattern says whether s matches a pattern in which "*" stands for any
// run of characters and "?" for one (ssh_config(5), PATTERNS). Its time grows
// with the product of both lengths, never faster.
func MatchPattern(s, pattern string) bool {
	si, pi, star, mark := 0, 0, -1, 0
	for si < len(s) {
		switch {
		case pi < len(pattern) && pattern[pi] == '*':
			star, mark = pi, si
			pi++
		case pi < len(pattern) && (pattern[pi] == '?' || pattern[pi] == s[si]):
			si++
			pi++
		case star >= 0:
			mark++
			si, pi = mark, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[pi:], "*") == ""
}

// MatchList says whether s matches a comma-separated list of patterns. A
// matching pattern with "!" before it makes the whole list fail.
func MatchList(s, list string) bool {
	return matchList(s, list) > 0
}

// matchList is 1 for a match, 0 for none, -1 for a match of a negated pattern.
func matchList(s, list string) int {
	found := 0
	for _, pattern := range strings.Split(list, ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if !MatchPattern(s, pattern) {
			continue
		}
		if negated {
			return -1
		}
		found = 1
	}
	return found
}

// MatchAny says whether s matches one of the patterns: environment names in
// SendEnv and AcceptEnv.
func MatchAny(s string, patterns []string) bool {
	for _, pattern := range patterns {
		if MatchPattern(s, pattern) {
			return true
		}
	}
	return false
}

// matchHostList matches a host name and its address against a list of name
// patterns, addresses and CIDR blocks; result as for matchList. OpenSSH's
// match_host_and_ip: a negated match of either kind loses.
func matchHostList(host, addr, list string) int {
	found := 0
	ip, _ := netip.ParseAddr(addr)
	for _, pattern := range strings.Split(strings.ToLower(list), ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if !matchAddress(ip, pattern) && !MatchPattern(strings.ToLower(host), pattern) && !MatchPattern(addr, pattern) {
			continue
		}
		if negated {
			return -1
		}
		found = 1
	}
	return found
}

func matchAddress(ip netip.Addr, pattern string) bool {
	if !ip.IsValid() {
		return false
	}
	if block, err := netip.ParsePrefix(pattern); err == nil {
		return block.Contains(ip.Unmap())
	}
	other, err := netip.ParseAddr(pattern)
	return err == nil && other == ip.Unmap()
}

// ValidUser says whether a user name from a command line or a token may be put
// into a command, a file name or a log. It is OpenSSH's rule: no leading "-",
// no control character, no quote or shell character, no backslash at the end.
func ValidUser(name string) bool {
	if name == "" || name[0] == '-' {
		return false
	}
	blank := false
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c < ' ' || c == 0x7f || strings.IndexByte("'`\";&<>|(){}$", c) >= 0 {
			return false
		}
		if blank && c == '-' { // " -" could become an option
			return false
		}
		blank = c == ' '
	}
	return name[len(name)-1] != '\\'
}

// ValidHost says whether a host name from outside may be put into a command, a
// file name or a log: no leading "-", no blank, control, quote or shell
// character.
func ValidHost(name string) bool {
	if name == "" || name[0] == '-' {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c <= ' ' || c == 0x7f || strings.IndexByte("'`\"$\\;&<>|(){},", c) >= 0 {
			return false
		}
	}
	return true
}
