package login

import (
	"net/netip"
	"strings"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// MatchAddress says whether addr matches a comma-separated list of addresses,
// networks (10.0.0.0/8) and patterns ('*', '?'), each of which may be negated by
// '!'. A negated match decides, whatever else matches (ssh_config(5), PATTERNS).
// A malformed network is an error, and then nothing matches. Names are compared
// with the text of the address: no name is ever resolved.
func MatchAddress(addr netip.Addr, list string) (bool, error) {
	entries := strings.Split(list, ",")
	for i := range entries {
		entries[i] = strings.TrimSpace(entries[i])
	}
	return pattern.Addr(addr, "", entries)
}
