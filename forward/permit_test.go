package forward

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestPermits(t *testing.T) {
	for _, test := range []struct {
		entries, host string
		port          int
		open, listen  bool
	}{
		{"", "a", 1, false, false}, {"none", "a", 1, false, false}, {"any", "a", 1, true, true},
		{"a:1", "a", 1, true, true}, {"a:1", "A", 1, false, true}, {"a:1", "a", 2, false, false}, {"a:1", "b", 1, false, false},
		{"a:*", "a", 9, true, true}, {"*:1", "x", 1, true, true}, {"*:1", "x", 2, false, false}, {"*:*", "x", 2, true, true},
		{"[::1]:80", "::1", 80, true, true}, {"::1:80", "::1", 80, true, true}, {"[::1:80", "::1", 80, false, false},
		{"b:1 a:1", "a", 1, true, true}, {"*.example:1", "www.example", 1, false, true},
		{"80", "a", 80, false, true}, {"80", "a", 81, false, false}, {":80", "", 80, false, false}, {"a:", "a", 0, false, false},
		{"a:01", "a", 1, false, false}, {"*", "a", 1, false, true},
	} {
		entries := strings.Fields(test.entries)
		if got := Permits(entries, test.host, test.port); got != test.open {
			t.Errorf("PermitOpen %s for %s:%d: %v", test.entries, test.host, test.port, got)
		}
		if got := PermitsListen(entries, test.host, test.port); got != test.listen {
			t.Errorf("PermitListen %s for %s:%d: %v", test.entries, test.host, test.port, got)
		}
	}
}

// Where is listened on, by what was asked for and GatewayPorts, as in OpenSSH's
// channel_fwd_bind_addr.
func TestPlaces(t *testing.T) {
	loopback, all := "[::1 127.0.0.1]", "[0.0.0.0 ::]"
	for _, test := range []struct {
		place place
		want  string
	}{
		{placeHere(Address{}, false), loopback}, {placeHere(Address{}, true), all},
		{placeHere(Address{Named: true}, false), all}, {placeHere(Address{Named: true, Host: "*"}, false), all},
		{placeHere(Address{Named: true, Host: "localhost"}, true), loopback},
		{placeHere(Address{Named: true, Host: "127.0.0.1"}, true), "[127.0.0.1]"},
		{placeFor("", GatewayNo), loopback}, {placeFor("0.0.0.0", GatewayNo), loopback}, {placeFor("10.1.1.1", GatewayNo), loopback},
		{placeFor("::1", GatewayNo), "[::1]"}, {placeFor("localhost", GatewayYes), all}, {placeFor("127.0.0.1", GatewayYes), all},
		{placeFor("", GatewayClient), all}, {placeFor("*", GatewayClient), all}, {placeFor("localhost", GatewayClient), loopback},
		{placeFor("127.0.0.9", GatewayClient), "[127.0.0.9]"}, {placeFor("0.0.0.0", GatewayClient), "[0.0.0.0]"},
	} {
		if got, err := test.place.addresses(context.Background(), "tcp"); fmt.Sprint(got) != test.want || err != nil {
			t.Errorf("%+v is %v, %v; want %s", test.place, got, err, test.want)
		}
	}
	if got, err := (place{}).addresses(context.Background(), "tcp4"); fmt.Sprint(got) != "[127.0.0.1]" || err != nil {
		t.Errorf("loopback of IPv4: %v, %v", got, err)
	}
	if _, err := (place{name: "::1"}).addresses(context.Background(), "tcp4"); err == nil {
		t.Error("an IPv6 address is one of IPv4")
	}
}

func TestAddressChecks(t *testing.T) {
	for _, a := range []Address{{Path: "/a\x00b"}, {Host: "a\x00"}, {Host: strings.Repeat("a", 2000)}, {Port: 65536}, {Port: -1}} {
		if a.check() == nil {
			t.Errorf("%+v passes", a)
		}
	}
	if got := socketPath("@abstract"); got != "./@abstract" {
		t.Errorf("%q", got)
	}
}
