package config

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

func TestCutKeyword(t *testing.T) {
	for _, test := range []struct{ line, keyword, rest string }{
		{"", "", ""},
		{"  # comment", "", ""},
		{"Port 22", "Port", "22"},
		{"  Port\t 22 \f\r", "Port", "22"},
		{"Port=22", "Port", "22"},
		{"Port = 22", "Port", "22"},
		{"Port =22", "Port", "22"},
		{"Port", "Port", ""},
		{`User="a b"`, "User", `"a b"`},
		{`"User" x`, "User", "x"},
		{`User"x"`, "User", `"x"`},
	} {
		if keyword, rest := cutKeyword(test.line); keyword != test.keyword || rest != test.rest {
			t.Errorf("%q: %q, %q", test.line, keyword, rest)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
		bad  bool
	}{
		{text: "a  b\tc", want: []string{"a", "b", "c"}},
		{text: `"a b" c`, want: []string{"a b", "c"}},
		{text: `'a "b' c`, want: []string{`a "b`, "c"}},
		{text: `a\ b c`, want: []string{"a b", "c"}},
		{text: `"a\ b"`, want: []string{`a\ b`}},
		{text: `a\nb \"q\" \\`, want: []string{`a\nb`, `"q"`, `\`}},
		{text: `x"y z"w`, want: []string{"xy zw"}},
		{text: `a # b`, want: []string{"a"}},
		{text: `a#b`, want: []string{"a#b"}},
		{text: `""`, want: []string{""}},
		{text: `"a`, bad: true},
		{text: `a 'b`, bad: true},
	} {
		got, err := splitWords(test.text)
		if (err != nil) != test.bad || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q: %q, %v", test.text, got, err)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		s, list string
		want    pattern.Verdict
	}{
		{"host", "host", 1}, {"host", "h*", 1}, {"host", "h?st", 1}, {"host", "*", 1}, {"host", "h", 0},
		{"", "", 1}, {"", "*", 1}, {"", "?", 0}, {"a.b.c", "*.c", 1}, {"abc", "a*b*c*", 1}, {"host", "Host", 0},
		{"host", "x,ho*", 1}, {"host", "!host,*", -1}, {"host", "*,!ho*", -1}, {"other", "!host,*", 1}, {"other", "!host", 0},
		{strings.Repeat("a", 2000), strings.Repeat("*a", 400) + "b", 0},
	} {
		if got := pattern.List(test.s, test.list); got != test.want {
			t.Errorf("%q against %q: %d", test.s, test.list, got)
		}
	}
}

func TestTime(t *testing.T) {
	for text, want := range map[string]int{
		"120": 120, "2m": 120, "1h30m": 5400, "1W2d": 9*86400 - 0, "10s": 10, "0": 0, "1h1": 3601,
		"": -1, "x": -1, "1y": -1, "m": -1, "-1": -1, "99999999999": -1, "2147483647w": -1, "1 m": -1,
	} {
		got, err := ParseTime(text)
		if want < 0 {
			if err == nil {
				t.Errorf("%q: taken as %v", text, got)
			}
			continue
		}
		if err != nil || got != time.Duration(want)*time.Second {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "16": 16, "1K": 1024, "1g": 1 << 30, "2T": 2 << 40, "8E": -1, "1X": -1, "": -1, "K": -1, "-1": -1, "1KK": -1,
	} {
		got, err := parseSize(text)
		if (err != nil) != (want < 0) || err == nil && got != uint64(want) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestAlgorithms(t *testing.T) {
	kind := Algorithms{All: []string{"a1", "a2", "b1", "b2"}, Default: []string{"a1", "b1"}}
	for _, test := range []struct{ value, want string }{
		{"a1,b2", "a1,b2"}, {"+b2", "a1,b1,b2"}, {"+a1", "a1,b1"}, {"-a*", "b1"}, {"^b2,b1", "b2,b1,a1"},
		{"b*", "b1,b2"}, {"*,a1", "a1,a2,b1,b2"}, {"-zz", "a1,b1"},
		{"-*", ""}, {"zz", ""}, {"+zz", ""}, {"a1,,b1", ""}, {"", ""}, {"+", ""}, {"z*", ""}, {"!a1", ""},
	} {
		got, err := kind.resolve(test.value, true)
		if strings.Join(got, ",") != test.want || (err != nil) != (test.want == "") {
			t.Errorf("%q: %q, %v", test.value, got, err)
		}
	}
	if _, err := kind.resolve("b*", false); err == nil {
		t.Error("a wildcard passed where only names may stand")
	}
	if got, err := (Algorithms{}).resolve("anything", false); err != nil || got[0] != "anything" {
		t.Errorf("without known names: %q, %v", got, err)
	}
}

func TestNamesFromOutside(t *testing.T) {
	for _, name := range []string{"root", "a.b-c", `DOM\user`, "user name", "u@realm"} {
		if !ValidUser(name) {
			t.Errorf("user %q refused", name)
		}
	}
	for _, name := range []string{"", "-oProxyCommand=x", "a;b", "a`b", "$(x)", "a\nb", "a -b", `a\`, "a'b"} {
		if ValidUser(name) {
			t.Errorf("user %q passed", name)
		}
	}
	for _, name := range []string{"example.com", "::1", "fe80::1%eth0", "127.0.0.1"} {
		if !ValidHost(name) {
			t.Errorf("host %q refused", name)
		}
	}
	for _, name := range []string{"", "-x", "a b", "a;b", "a$b", "a\x1bb", `a\b`} {
		if ValidHost(name) {
			t.Errorf("host %q passed", name)
		}
	}
}

func TestOption(t *testing.T) {
	words := []string{"plain", "a b", `q"u'o\te`, "", "#x", `end\`, "tab\there", `\ x`}
	keyword, rest := cutKeyword(Option("IdentityFile", words...))
	got, err := splitWords(rest)
	if keyword != "IdentityFile" || err != nil || !reflect.DeepEqual(got, words) {
		t.Errorf("%q came back as %q %q, %v", words, keyword, got, err)
	}
}
