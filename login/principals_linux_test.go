package login

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestFindPrincipal(t *testing.T) {
	u := homeOf(t, person(t))
	from := netip.MustParseAddr("10.1.2.3")
	for _, c := range []struct {
		content string
		name    string // "" for none
		check   func(*Restrictions) bool
	}{
		{"", "", nil},
		{"role\n", "role", nil},
		{"# role\n\n  x\n\trole # why\r\n", "role", nil},
		{"rolex\nrol\n", "", nil},
		{"Role\n", "", nil},
		{"second\n", "second", nil},
		{"no-pty,command=\"echo role\" role\n", "role", func(r *Restrictions) bool { return r.NoPTY && r.Command == "echo role" }},
		{"from=\"192.0.2.1\" role\nrole\n", "role", func(r *Restrictions) bool { return r.From == "" }},
		{"from=\"192.0.2.1\" role\n", "", nil},
		{"expiry-time=\"20200101\" role\n", "", nil},
		{"unknown role\n", "", nil},
		{"cert-authority role\n", "", nil},
		{"principals=\"a\" role\n", "", nil},
		{"command=\"a # b\" role\n", "", nil},
	} {
		write(t, u, u.Home+"/principals", c.content, 0o600)
		p := PrincipalFiles{Pattern: "%h/principals", Strict: true, Now: func() time.Time { return time.Unix(1767225600, 0) }}
		m, name, err := p.Find(context.Background(), u, []string{"role", "second"}, from)
		if name != c.name || (err == nil) != (c.name != "") || err != nil && !errors.Is(err, ErrNoPrincipal) {
			t.Errorf("%q: %q %v", c.content, name, err)
		}
		if c.check != nil && (m == nil || !c.check(&m.Restrictions)) {
			t.Errorf("%q: %+v", c.content, m)
		}
	}
	p := PrincipalFiles{Pattern: "missing"}
	if _, _, err := p.Find(context.Background(), u, []string{"role"}, from); !errors.Is(err, ErrNoPrincipal) {
		t.Errorf("no file: %v", err)
	}
}

// A line speaks for a certificate's authority only with cert-authority, and the
// first whose principals the certificate has counts.
func TestFindAuthority(t *testing.T) {
	u := homeOf(t, person(t))
	pub, line := newKey(t)
	_, otherLine := newKey(t)
	mkdir(t, u, u.Home+"/.ssh")
	for _, c := range []struct {
		content string
		line    int
		asked   []string // what the judge is asked about at last; nil: the user's name
	}{
		{"cert-authority " + line, 1, nil},
		{"cert-authority " + otherLine + "\ncert-authority " + line, 2, nil},
		{line, 0, nil},
		{"principals=\"good\" " + line, 0, nil},
		{"cert-authority,principals=\"bad,worse\" " + line + "\ncert-authority,principals=\"x,good\" " + line, 2, []string{"x", "good"}},
		{"cert-authority,principals=\"bad\" " + line, 0, []string{"bad"}},
		{"cert-authority,principals=\"\" " + line, 0, nil},
		{"cert-authority,principals=\"good\",principals=\"x\" " + line, 0, nil},
		{"cert-authority,from=\"192.0.2.1\" " + line, 0, nil},
	} {
		write(t, u, u.Home+"/.ssh/authorized_keys", c.content, 0o600)
		var asked []string
		judge := func(principals []string) error {
			if asked = principals; principals != nil && !slices.Contains(principals, "good") {
				return errors.New("not good")
			}
			return nil
		}
		m, err := new(KeyFiles).FindAuthority(context.Background(), u, pub, judge, netip.MustParseAddr("10.1.2.3"))
		if !slices.Equal(asked, c.asked) || (err == nil) != (c.line != 0) || m != nil && m.Line != c.line {
			t.Errorf("%q: %+v %v, asked about %q", c.content, m, err, asked)
		}
	}
}

func FuzzPrincipals(f *testing.F) {
	f.Add("no-pty,command=\"echo role\" role # why")
	f.Add("role")
	f.Add("from=\"10.0.0.0/8\",restrict,pty\trole")
	f.Fuzz(func(t *testing.T, line string) {
		p := PrincipalFiles{Now: func() time.Time { return time.Unix(1767225600, 0) }}
		r, name, err := p.check([]byte(line), []string{"role"}, netip.MustParseAddr("10.1.2.3"))
		if err == nil && (r == nil) != (name == "") {
			t.Fatalf("%q: %+v %q", line, r, name)
		}
	})
}
