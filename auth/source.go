package auth

import (
	"net/netip"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// matchSource tells whether a peer is in a list of addresses, networks and
// wildcards, as OpenSSH's from and source-address have them. A broken entry
// makes the whole list refuse, as does an address that is none.
func matchSource(list []string, addr netip.Addr, host string) bool {
	if !addr.IsValid() {
		return false
	}
	ok, err := pattern.Addr(addr, host, list)
	return ok && err == nil
}
