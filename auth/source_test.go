package auth

import (
	"net/netip"
	"testing"
)

// A malformed range refuses, and most of all where it is there to refuse.
func TestMalformedRangeRefuses(t *testing.T) {
	addr := netip.MustParseAddr("10.1.2.3")
	for _, list := range [][]string{
		{"*", "!10.0.0.0/33"}, {"*", "10.0.0.0/x"}, {"*", "!10.1/16"}, {"10.1.2.3", "!/8"},
	} {
		if matchSource(list, addr, "host.example") {
			t.Errorf("%q lets %v in", list, addr)
		}
	}
	if !matchSource([]string{"!192.168.0.0/16", "10.0.0.0/8"}, addr, "") {
		t.Error("a sound list refuses")
	}
}
