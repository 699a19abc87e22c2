package keyfile

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/key"
)

func TestParseAuthorizedKey(t *testing.T) {
	text := strings.TrimSpace(string(read(t, "ed25519.pub"))) // "type base64 ed25519@test"
	bare := strings.TrimSuffix(text, " ed25519@test")
	flag := func(n string) Option { return Option{Name: n} }
	value := func(n, v string) Option { return Option{n, v, true} }
	for line, want := range map[string]AuthorizedKey{
		text:                            {Comment: "ed25519@test"},
		bare:                            {},
		"  \t" + text + "  \r\n":        {Comment: "ed25519@test"},
		bare + "\ttwo  words":           {Comment: "two  words"},
		"no-pty " + bare:                {Options: []Option{flag("no-pty")}},
		"restrict,pty\t " + text:        {Options: []Option{flag("restrict"), flag("pty")}, Comment: "ed25519@test"},
		"No-PTY " + bare:                {Options: []Option{flag("no-pty")}},
		`command="" ` + bare:            {Options: []Option{value("command", "")}},
		`command="a b,c" ` + bare:       {Options: []Option{value("command", "a b,c")}},
		`command="\"x\"\\y\\"" ` + bare: {Options: []Option{value("command", `"x"\\y\"`)}},
		`from="10.0.0.0/8,!10.1.1.1",permitopen="[::1]:22",permitopen="a:*",no-pty ` + bare: {Options: []Option{
			value("from", "10.0.0.0/8,!10.1.1.1"), value("permitopen", "[::1]:22"), value("permitopen", "a:*"), flag("no-pty")}},
		`environment="A=b=c" ` + bare + " " + bare: {Options: []Option{value("environment", "A=b=c")}, Comment: bare},
	} {
		got, err := ParseAuthorizedKey([]byte(line))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		want.Key = public(t, "ed25519").Key
		if !key.Equal(got.Key, want.Key) || got.Comment != want.Comment || !reflect.DeepEqual(got.Options, want.Options) {
			t.Errorf("%s: %+v", line, got)
		}
		again, err := ParseAuthorizedKey(MarshalAuthorizedKey(got))
		if err != nil || again.Comment != got.Comment || !reflect.DeepEqual(again.Options, got.Options) {
			t.Errorf("%s: written and read: %+v %v", line, again, err)
		}
	}
}

func TestParseAuthorizedKeyRefuses(t *testing.T) {
	text := strings.TrimSpace(string(read(t, "ed25519.pub")))
	word := strings.Fields(text)
	for _, line := range []string{
		"ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 !!!!", "ssh-ed25519 " + word[1][:20],
		"ssh-ed25519 " + word[1][:len(word[1])-1] + "=", // another length
		"ssh-rsa " + word[1],                            // another type
		"no-pty", "no-pty,", "no-pty, " + text, ",no-pty " + text, `"x" ` + text,
		`command=foo ` + text, `command="foo ` + text, `command="foo"bar ` + text, `command= ` + text,
		"=" + text, "no-pty no-pty " + text, "1024 65537 123456789",
		text + "\n" + text, text + "\x00", strings.Repeat("x", MaxLine+1),
	} {
		if k, err := ParseAuthorizedKey([]byte(line)); err == nil || errors.Is(err, ErrNoKey) {
			t.Errorf("%.60q was taken: %+v %v", line, k, err)
		}
	}
	for _, line := range []string{"", "  \t\r\n", "# comment", "   # " + text} {
		if _, err := ParseAuthorizedKey([]byte(line)); err != ErrNoKey {
			t.Errorf("%q: %v", line, err)
		}
	}
	var unsupported *key.UnsupportedError
	unknown := "ssh-xmss@openssh.com AAAAFHNzaC14bXNzQG9wZW5zc2guY29t"
	if _, err := ParseAuthorizedKey([]byte(unknown)); !errors.As(err, &unsupported) {
		t.Errorf("XMSS: %v", err)
	}
}

func TestMarshalAuthorizedKeyKeepsOneLine(t *testing.T) {
	k := AuthorizedKey{
		Key:     public(t, "ed25519").Key,
		Options: []Option{{"command", "a\nssh-rsa AAAA\\", true}},
		Comment: "x\r\ny\x00",
	}
	line := MarshalAuthorizedKey(k)
	if bytes.Count(line, []byte("\n")) != 1 || bytes.ContainsAny(line, "\r\x00") {
		t.Errorf("%q", line)
	}
	if _, err := ParseAuthorizedKey(line); err != nil {
		t.Errorf("%q: %v", line, err)
	}
}

func TestScanAuthorizedKeys(t *testing.T) {
	text := string(read(t, "ed25519.pub"))
	file := "# mine\n\n" + text + "garbage\n" + strings.Repeat("x", 3*MaxLine) + "\n" +
		"no-pty " + strings.TrimSpace(text)
	type seen struct {
		line int
		ok   bool
	}
	var got []seen
	err := ScanAuthorizedKeys(strings.NewReader(file), func(line int, k AuthorizedKey, err error) bool {
		got = append(got, seen{line, err == nil})
		if (err == nil) != (k.Key != nil) {
			t.Errorf("line %d: %v", line, err)
		}
		return true
	})
	want := []seen{{3, true}, {4, false}, {5, false}, {6, true}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %v", got, err)
	}
	got = nil
	err = ScanAuthorizedKeys(strings.NewReader(file), func(line int, _ AuthorizedKey, _ error) bool {
		got = append(got, seen{line, true})
		return false
	})
	if err != nil || len(got) != 1 {
		t.Errorf("did not stop: %v %v", got, err)
	}
}

func FuzzParseAuthorizedKey(f *testing.F) {
	for _, name := range append(testNames, "dsa") {
		f.Add(read(f, name+".pub"))
	}
	text := string(read(f, "ed25519.pub"))
	f.Add([]byte(`command="a \"b\" c",no-pty,from="*" ` + text))
	f.Add([]byte(`command="` + text))
	f.Fuzz(func(t *testing.T, line []byte) {
		k, err := ParseAuthorizedKey(line)
		if err != nil {
			return
		}
		again, err := ParseAuthorizedKey(MarshalAuthorizedKey(k))
		if err != nil || !key.Equal(again.Key, k.Key) || !reflect.DeepEqual(again.Options, k.Options) {
			t.Errorf("%q: written and read: %+v %v", line, again, err)
		}
	})
}
