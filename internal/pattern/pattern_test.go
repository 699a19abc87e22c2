package pattern

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestMatch(t *testing.T) {
	for pattern, yes := range map[string][2]string{ // matches, doesn't
		"":         {"", "a"},
		"a":        {"a", "b"},
		"*":        {"anything", "-"},
		"a*":       {"a", "ba"},
		"*a":       {"bba", "ab"},
		"a*b*c":    {"aXbXbXc", "aXcXb"},
		"?":        {"x", ""},
		"a?c":      {"abc", "ac"},
		"**a**":    {"xax", "xx"},
		"*.x.*.yy": {"a.x.b.yy", "a.x.yy"},
	} {
		if !Match(yes[0], pattern) || pattern != "*" && Match(yes[1], pattern) {
			t.Errorf("%q: %v, %v", pattern, Match(yes[0], pattern), Match(yes[1], pattern))
		}
	}
	began := time.Now()
	if Match(strings.Repeat("a", 1000), strings.Repeat("*a", 200)+"b") {
		t.Error("matched")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("backtracking took %v", took)
	}
}

func TestMatchFold(t *testing.T) {
	if !MatchFold("host.example", []byte("H*.eXample")) || MatchFold("host", "HOSTS") || Match("host", "HOST") {
		t.Error("case is wrong")
	}
}

func TestList(t *testing.T) {
	for _, test := range []struct {
		s, list string
		want    Verdict
	}{
		{"host", "x,ho*", Yes}, {"host", "!host,*", Negated}, {"host", "*,!ho*", Negated}, {"host", "!other", No}, {"", "", Yes},
	} {
		if got := List(test.s, test.list); got != test.want {
			t.Errorf("%q against %q: %d", test.s, test.list, got)
		}
	}
	if !Any("b", "a", "b") || Any("c", "a", "b") || Any("a") {
		t.Error("any is wrong")
	}
}

func TestAddr(t *testing.T) {
	for _, test := range []struct {
		addr, name, list string
		want, bad        bool
	}{
		{"10.0.0.1", "", "10.0.0.1", true, false},
		{"::ffff:10.0.0.1", "", "10.0.0.0/8", true, false},
		{"fe80::1%eth0", "", "FE80::/10", true, false},
		{"10.0.0.1", "A.example", "*.EXAMPLE", true, false},
		{"10.0.0.1", "", "*,!10.0.0.0/8", false, false},
		{"10.0.0.1", "", "!10.0.0.2", false, false},
		{"", "a.example", "a.*", true, false},
		{"", "", "*", false, false},
		{"", "", "0.0.0.0/0", false, false},
		{"10.0.0.1", "", "10.0.0.1/8", false, true},
		{"10.0.0.1", "", "*,!10.0.0.0/33", false, true},
		{"10.0.0.1", "", "!10.0.0.1,x/y", false, true},
		{"10.0.0.1", "", "10.0.0.1,", false, true},
		{"10.0.0.1", "", "!", false, true},
	} {
		addr, _ := netip.ParseAddr(test.addr)
		got, err := Addr(addr, test.name, strings.Split(test.list, ","))
		if got != test.want || (err != nil) != test.bad {
			t.Errorf("%+v: %v, %v", test, got, err)
		}
	}
	if ok, err := Addr(netip.IPv4Unspecified(), "", nil); ok || err != nil {
		t.Error("an empty list matches", err)
	}
}

// matchSlowly is a definition that is plainly right.
func matchSlowly(s, pattern string, seen map[[2]int]bool) bool {
	at := [2]int{len(s), len(pattern)}
	if v, ok := seen[at]; ok {
		return v
	}
	v := false
	switch {
	case pattern == "":
		v = s == ""
	case pattern[0] == '*':
		v = matchSlowly(s, pattern[1:], seen) || s != "" && matchSlowly(s[1:], pattern, seen)
	case s != "":
		v = (pattern[0] == '?' || pattern[0] == s[0]) && matchSlowly(s[1:], pattern[1:], seen)
	}
	seen[at] = v
	return v
}

func FuzzMatch(f *testing.F) {
	f.Add("www.example.com", "*.example.com,!www*")
	f.Add(strings.Repeat("a", 30)+"b", strings.Repeat("*a", 18))
	f.Add("axxbyczz", "a*b?c**")
	f.Add("10.0.0.1", "10.0.0.0/8,!10.0.0.?")
	f.Fuzz(func(t *testing.T, s, list string) {
		if len(s) < 40 && len(list) < 40 && Match(s, list) != matchSlowly(s, list, map[[2]int]bool{}) {
			t.Fatalf("%q against %q: %v", s, list, Match(s, list))
		}
		List(s, list)
		addr, _ := netip.ParseAddr(s)
		if ok, err := Addr(addr, s, strings.Split(list, ",")); ok && err != nil {
			t.Fatal("a broken list matches")
		}
	})
}
