package auth

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMerge(t *testing.T) {
	early, late := time.Unix(1000, 0), time.Unix(2000, 0)
	a := &Permit{
		Sources: [][]string{{"10.0.0.0/8"}}, Expires: late, ForceCommand: "date", Environment: []string{"A=1", "B=1"},
		PermitOpen: [][]string{{"a:1"}}, NoPTY: true, NoX11: true, Steps: []Step{{Method: "publickey"}},
	}
	b := &Permit{
		Sources: [][]string{{"10.1.0.0/16"}}, Expires: early, Environment: []string{"A=2", "C=2", "AB=2"},
		PermitOpen: [][]string{{}}, PermitListen: [][]string{{"*:80"}}, NoPortForward: true, NoAgent: true, NoUserRC: true,
		Steps: []Step{{Method: "password"}},
	}
	before := [2]Permit{*a, *b}
	want := &Permit{
		Sources: [][]string{{"10.0.0.0/8"}, {"10.1.0.0/16"}}, Expires: early, ForceCommand: "date",
		Environment: []string{"A=1", "B=1", "C=2", "AB=2"},
		PermitOpen:  [][]string{{"a:1"}, {}}, PermitListen: [][]string{{"*:80"}},
		NoPTY: true, NoX11: true, NoPortForward: true, NoAgent: true, NoUserRC: true,
		Steps: []Step{{Method: "publickey"}, {Method: "password"}},
	}
	got, err := Merge(a, b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if !reflect.DeepEqual(before, [2]Permit{*a, *b}) {
		t.Error("Merge changed what it was given")
	}
	back, err := Merge(b, a)
	if err != nil || back.Expires != early || back.ForceCommand != "date" || !back.NoPTY || !back.NoAgent || len(back.Sources) != 2 {
		t.Errorf("the other way round: %+v, %v", back, err)
	}
	if got, err := Merge(nil, b); err != nil || !reflect.DeepEqual(got, b) {
		t.Errorf("the first step: %+v, %v", got, err)
	}
	if _, err := Merge(a, &Permit{ForceCommand: "sh"}); !errors.Is(err, ErrForcedCommands) {
		t.Errorf("two commands: %v", err)
	}
	if _, err := Merge(a, &Permit{ForceCommand: "date"}); err != nil {
		t.Errorf("the same command twice: %v", err)
	}
	if _, err := Merge(a, nil); err == nil {
		t.Error("a refusal was merged")
	}
}

// TestMergeCoversPermit fails when somebody adds a restriction that Merge
// forgets: every field set in one step must not be zero in the sum.
func TestMergeCoversPermit(t *testing.T) {
	full := &Permit{}
	v := reflect.ValueOf(full).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		switch f.Interface().(type) {
		case bool:
			f.SetBool(true)
		case string:
			f.SetString("x")
		case time.Time:
			f.Set(reflect.ValueOf(time.Unix(1, 0)))
		default:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		}
	}
	if sum, err := Merge(full, full); err != nil || !sum.NoTouchRequired {
		t.Errorf("what both steps permit: %+v, %v", sum, err)
	}
	full.NoTouchRequired = false // it permits more, so one step alone can't
	for _, pair := range [][2]*Permit{{full, {}}, {{}, full}, {nil, full}} {
		sum, err := Merge(pair[0], pair[1])
		if err != nil || !reflect.DeepEqual(sum, full) {
			t.Errorf("got %+v, %v", sum, err)
		}
	}
}

func TestCheck(t *testing.T) {
	now := time.Unix(1000, 0)
	for name, test := range map[string]struct {
		p    Permit
		addr netip.Addr
		want error
	}{
		"nothing restricted":    {Permit{}, testAddr, nil},
		"nor without address":   {Permit{}, netip.Addr{}, nil},
		"not yet expired":       {Permit{Expires: now.Add(1)}, testAddr, nil},
		"expired":               {Permit{Expires: now}, testAddr, ErrExpired},
		"from here":             {Permit{Sources: [][]string{{"192.0.2.7"}}}, testAddr, nil},
		"every list must match": {Permit{Sources: [][]string{{"192.0.2.7"}, {"10.0.0.1"}}}, testAddr, ErrSource},
		"an empty list":         {Permit{Sources: [][]string{{}}}, testAddr, ErrSource},
		"without address":       {Permit{Sources: [][]string{{"*"}}}, netip.Addr{}, ErrSource},
	} {
		if err := test.p.Check(test.addr, "", now); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestMatchSource(t *testing.T) {
	tests := []struct {
		list, addr, host string
		want             bool
	}{
		{"192.0.2.7", "192.0.2.7", "", true},
		{"192.0.2.0/24", "192.0.2.7", "", true},
		{"192.0.2.0/24", "::ffff:192.0.2.7", "", true},
		{"192.0.2.0/24", "192.0.3.7", "", false},
		{"2001:db8::/32", "2001:db8::1", "", true},
		{"2001:db8::/32", "192.0.2.7", "", false},
		{"fe80::1", "fe80::1%eth0", "", true},
		{"fe80::/10", "fe80::1%eth0", "", true},
		{"0.0.0.0/0", "2001:db8::1", "", false},
		{"192.0.2.*", "192.0.2.7", "", true},
		{"192.0.2.?", "192.0.2.77", "", false},
		{"*.example.com", "192.0.2.7", "a.example.com", true},
		{"*.EXAMPLE.com", "192.0.2.7", "A.example.COM", true},
		{"*.example.com", "192.0.2.7", "", false},
		{"*.example.com,!bad.example.com", "192.0.2.7", "bad.example.com", false},
		{"!bad.example.com,*.example.com", "192.0.2.7", "bad.example.com", false},
		{"192.0.2.0/24,!192.0.2.7", "192.0.2.7", "", false},
		{"192.0.2.0/24,!192.0.2.7", "192.0.2.8", "", true},
		{"!10.0.0.1", "192.0.2.7", "", false}, // negation alone permits nothing
		{"192.0.2.7/24", "192.0.2.7", "", false},
		{"192.0.2.7,10.1.2.3/8", "192.0.2.7", "", false}, // a broken range spoils the list
		{"192.0.2.7,", "192.0.2.7", "", false},
		{"192.0.2.0/99", "192.0.2.7", "", false},
		{"*", "192.0.2.7", "", true},
		{"!*", "192.0.2.7", "", false},
	}
	for _, test := range tests {
		addr := netip.MustParseAddr(test.addr)
		if got := matchSource(strings.Split(test.list, ","), addr, test.host); got != test.want {
			t.Errorf("%q for %s %s: %v", test.list, test.addr, test.host, got)
		}
	}
	if matchSource(nil, testAddr, "") {
		t.Error("an empty list matches")
	}
}

func TestPlan(t *testing.T) {
	original := [][]string{{"publickey", "password"}, {"publickey", "keyboard-interactive:pam"}, {"none"}, {}}
	p := newPlan(original)
	if got := p.next(); !slices.Equal(got, []string{"publickey"}) {
		t.Errorf("next %v", got)
	}
	if !p.allows("none") || p.allows("password") || p.allows("") {
		t.Error("wrong turn")
	}
	if p.advance("publickey") {
		t.Error("done after one of two")
	}
	if got := p.next(); !slices.Equal(got, []string{"password", "keyboard-interactive"}) {
		t.Errorf("next %v", got)
	}
	if p.advance("publickey") || !p.advance("keyboard-interactive") {
		t.Error("the end is wrong")
	}
	if len(original[0]) != 2 {
		t.Error("the account's list was changed")
	}
}
