package putty

import (
	"strings"
	"testing"
	"time"
)

func TestValidity(t *testing.T) {
	for _, x := range []struct {
		text, host string
		port       int
		want       bool
	}{
		{"localhost && !port:23", "localhost", 22, true},
		{"localhost && !port:23", "localhost", 23, false},
		{"*.foo || (localhost && port:1-65535)", "localhost", 7, true},
		{"*.foo || (localhost && port:1-65535)", "a.b.foo", 7, true},
		{"*.foo||(localhost&&port:1-65535)", "foo", 7, false},
		{"*", "anything.at.all", 1, true},
		{"loc[a-m]lhost", "localhost", 22, true},
		{"loc[b-m]lhost", "localhost", 22, false},
		{"[xyz]", "y", 22, true}, {"[]", "y", 22, false}, {"[x", "x", 22, false}, {"a?c", "abc", 22, true}, {"[-a]", "-", 22, true},
		{"!!a", "a", 22, true}, {"!a", "a", 22, false}, {"! (a || b)", "c", 22, true},
		{"a && b", "a", 22, false}, {"a && (b || a)", "a", 22, true}, {"((a))", "a", 22, true},
		{"port:22", "x", 22, true}, {"port:22-23", "x", 24, false},
		{"A", "a", 22, false},
	} {
		v, err := ParseValidity(x.text)
		if err != nil || v.Match(x.host, x.port) != x.want || v.String() != x.text {
			t.Errorf("%q for %s:%d: %v, %v", x.text, x.host, x.port, v.Match(x.host, x.port), err)
		}
	}
	for _, bad := range []string{
		"", " ", "a || b && c", "a && b || c", "loc[^x-z]lhost", "user:bob", "a/b", "port:", "port:x", "port:70000", "port:3-2", "port:1-2-3",
		"a b", "(a", "a)", "()", "a &&", "|| a", "a & b", "!", "ü", "a;b", strings.Repeat("(", 200) + "a" + strings.Repeat(")", 200),
		strings.Repeat("!", 200) + "a", strings.Repeat("a", MaxExpression+1),
	} {
		v, err := ParseValidity(bad)
		if err == nil || v.Match("a", 22) || len(err.Error()) > 400 {
			t.Errorf("%.50q: %v", bad, err)
		}
	}
	if (Validity{}).Match("a", 22) {
		t.Error("nothing matches something")
	}
}

func TestWildIsQuick(t *testing.T) {
	began := time.Now()
	if matchWild(strings.Repeat("*[a-b]", 200)+"c", strings.Repeat("a", 2000)) {
		t.Error("matched")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Error(took)
	}
}

func FuzzValidity(f *testing.F) {
	for _, text := range []string{"*.foo || (localhost && port:1-65535)", "localhost && !port:23", "loc[a-m]lhost", "a || b && c", "!(!a||b)"} {
		f.Add(text, "localhost", 22)
	}
	f.Fuzz(func(t *testing.T, text, host string, port int) {
		v, err := ParseValidity(text)
		not, errNot := ParseValidity("!(" + text + ")")
		if (err == nil) != (errNot == nil) && len(text)+3 <= MaxExpression && strings.Count(text, "(")+strings.Count(text, "!") < maxDepth-2 {
			// ")(" closes what was put around it; nothing else may differ.
			if !strings.Contains(text, ")") {
				t.Errorf("%q: %v, %v", text, err, errNot)
			}
			return
		}
		if err == nil && errNot == nil && v.Match(host, port) == not.Match(host, port) {
			t.Errorf("%q and its opposite agree about %q", text, host)
		}
	})
}
