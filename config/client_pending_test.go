package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestClientPending: what has no behaviour yet is refused or noted, whichever
// rows there still are.
func TestClientPending(t *testing.T) {
	pending := []other{
		{"BindInterface ProxyJump", "none", "it would leave by another", false},
		{"VisualHostKey", "*", "no picture", false},
		{"LocalCommand", "*", "it does not run", true},
	}
	judge := func(text string, onlyNote bool) ([]Note, error) {
		l, err := newClientLoader(clientQuery(t, "", "h"))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.parse("F", []byte(text)); err != nil {
			t.Fatal(err)
		}
		err = l.judge(pending, onlyNote)
		return l.notes, err
	}
	for text, line := range map[string]int{"BindInterface eth0": 1, "Port 1\nProxyJump a,b\n": 2, "BindInterface lo\nBindInterface none": 1} {
		_, err := judge(text, false)
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Line != line || !strings.Contains(err.Error(), "not supported yet") {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := judge(text, true); err != nil {
			t.Errorf("%q is refused where it is only shown: %v", text, err)
		}
	}
	for _, text := range []string{"BindInterface none", "ProxyJump none\nProxyJump bastion", "Host other\nProxyJump bastion", "Port 4"} {
		if notes, err := judge(text, false); err != nil || len(notes) != 0 {
			t.Errorf("%q: %v, %v", text, notes, err)
		}
	}
}

func TestClientNotes(t *testing.T) {
	c := mustLoad(t, "PKCS11Provider /x\nGSSAPIAuthentication yes\nUseRoaming no\nGSSAPIKeyExchange no", "h")
	notes := c.Notes()
	if len(notes) != 3 {
		t.Fatalf("notes: %v", notes)
	}
	for _, n := range notes {
		if n.Warn != (n.Keyword == "PKCS11Provider") {
			t.Errorf("warning: %v", n)
		}
	}
	for option, warn := range map[string]bool{"GSSAPIAuthentication yes": true, "GSSAPIAuthentication no": false, "GSSAPITrustDNS yes": false} {
		notes := mustLoad(t, "", "h", option).Notes()
		if warned := slices.ContainsFunc(notes, func(n Note) bool { return n.Warn }); warned != warn {
			t.Errorf("-o %s: %v", option, notes)
		}
	}
	c = mustLoad(t, "IgnoreUnknown Use*\nUseKeychain yes\n", "h")
	if len(c.Notes()) != 1 {
		t.Errorf("notes: %v", c.Notes())
	}
	if _, err := loadClient(t, "RefuseConnection \"gone for good\"", "h"); err == nil || !strings.Contains(err.Error(), "RefuseConnection: gone for good") {
		t.Errorf("RefuseConnection: %v", err)
	}
}
