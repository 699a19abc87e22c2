package pattern

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

var errEmpty = errors.New("empty entry in an address list")

// Addr says whether a peer is in a list of addresses, networks (10.0.0.0/8) and
// wildcards, which apply to the address as text and to the peer's name, where it
// has one. Case doesn't count. Entries with "!" before them are negated: one that
// matches makes the answer no.
//
// An empty entry and a network that is none, or has bits beyond its mask, are an
// error, and then nothing matches: a broken entry could be the one that was to
// refuse. The address may be invalid; then the name alone is looked at.
func Addr(addr netip.Addr, name string, list []string) (bool, error) {
	addr = addr.Unmap().WithZone("")
	texts := []string{strings.ToLower(name)}
	if addr.IsValid() {
		texts = append(texts, addr.String())
	}
	found, negated := false, false
	for _, entry := range list {
		entry, not := strings.CutPrefix(entry, "!")
		hit, err := matchEntry(addr, texts, strings.ToLower(entry))
		if err != nil {
			return false, err
		}
		found = found || hit && !not
		negated = negated || hit && not
	}
	return found && !negated, nil
}

func matchEntry(addr netip.Addr, texts []string, entry string) (bool, error) {
	if entry == "" {
		return false, errEmpty
	}
	if strings.IndexByte(entry, '/') >= 0 {
		network, err := netip.ParsePrefix(entry)
		if err != nil || network.Masked() != network {
			return false, fmt.Errorf("%q is no network", entry)
		}
		return network.Contains(addr), nil
	}
	if exact, err := netip.ParseAddr(entry); err == nil {
		return exact.Unmap().WithZone("") == addr, nil
	}
	for _, text := range texts {
		if text != "" && Match(text, entry) {
			return true, nil
		}
	}
	return false, nil
}
