package putty

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/knownhosts"
)

func lineFor(k key.Public) string {
	return k.Type() + " " + base64.StdEncoding.EncodeToString(k.Blob())
}

func TestConvertThereAndBack(t *testing.T) {
	a, b := testKeys()[0], testKeys()[1]
	const port = 2222
	file := "# c\nh," + knownhosts.Name("i", port) + " " + lineFor(a) + " comment\n::1 " + lineFor(b) + "\n" +
		"@cert-authority *.example,b " + lineFor(a) + " our CA\n"
	lost := "*.wild " + lineFor(a) + "\n" + knownhosts.HashName("x") + " " + lineFor(a) + "\n@revoked * " + lineFor(b) + "\ngarbage\n"
	for _, s := range []Store{&Files{Dir: scratch(t)}, NewReg()} {
		c, err := ImportKnownHosts(s, strings.NewReader(file+lost))
		if err != nil || c.HostKeys != 3 || c.Authorities != 1 || len(c.Skipped) != 4 {
			t.Errorf("%+v %v", c, err)
		}
		for host, port := range map[string]int{"h": 22, "i": 2222} {
			if state, err := CheckHost(s, host, port, a); state != HostKnown || err != nil {
				t.Error(host, state, err)
			}
		}
		var out bytes.Buffer
		c, err = ExportKnownHosts(&out, s)
		if err != nil || c.HostKeys != 3 || c.Authorities != 1 || len(c.Skipped) != 0 {
			t.Errorf("%+v %v", c, err)
		}
		db := knownhosts.Parse("exported", out.Bytes())
		if err := db.Check("i", port, nil, a); err != nil {
			t.Error(err)
		}
		if err := db.CheckAuthority("www.example", 22, a, b); err != nil {
			t.Error(err)
		}
	}
}

func TestValidityFromNames(t *testing.T) {
	for names, want := range map[string]string{
		"a": "a", "*.example,b": "*.example || b", "*.example,!bad.example": "*.example && !bad.example",
		"a,b,!c,!d": "(a || b) && !c && !d", "[h]:2222": "(h && port:2222)", "!a": "", "|1|x": "", "::1": "", "[h]:x": "", "a b": "", "": "",
	} {
		got, err := validityFor(names)
		if got != want && err == nil || (err != nil) != (want == "") {
			t.Errorf("%q: %q %v", names, got, err)
		}
	}
	for text, want := range map[string]string{"a": "a", "a || *.b || c": "a,*.b,c", "a && b": "", "!a": "", "[ab]": "", "port:22": "", "a||": ""} {
		if got, ok := plainNames(text); got != want || ok != (want != "") {
			t.Errorf("%q: %q", text, got)
		}
	}
}
