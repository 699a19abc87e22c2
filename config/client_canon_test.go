package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// loadNames loads text with names of a small DNS: name to CNAME.
func loadNames(t *testing.T, text, host string, names map[string]string) (c *Client, asked []string, err error) {
	t.Helper()
	q := clientQuery(t, text, host)
	q.OnlyShow = true
	q.Lookup = func(name string) (string, error) {
		asked = append(asked, name)
		cname, ok := names[name]
		if !ok {
			return "", errors.New("no such host")
		}
		return cname, nil
	}
	c, err = LoadClient(q)
	return c, asked, err
}

func TestCanonicalize(t *testing.T) {
	dns := map[string]string{
		"web.example.net.": "", "www.example.org.": "front.cdn.example.", "anchored.": "", "web": "web.cdn.example", "deep.a.example.net.": "",
	}
	const on = "CanonicalizeHostname yes\nCanonicalDomains example.org example.net\n"
	for _, test := range []struct {
		text, host, want string
		asked            string
	}{
		{"CanonicalDomains example.net\n", "web", "web", ""},
		{on, "WEB", "web.example.net", "web.example.org. web.example.net."},
		{on, "none", "none", "none.example.org. none.example.net."},
		{on, "www", "www.example.org", "www.example.org."},
		{on + "CanonicalizePermittedCNAMEs *.example.org:*.cdn.example\n", "www", "front.cdn.example", "www.example.org."},
		{on + "CanonicalizePermittedCNAMEs *.example.net:*.cdn.example\n", "www", "www.example.org", "www.example.org."},
		{on + "CanonicalizePermittedCNAMEs *:*\n", "a.b.web", "", "a.b.web"},
		{on, "anchored.", "anchored", "anchored."},
		{on, "deep.a", "deep.a.example.net", "deep.a.example.org. deep.a.example.net."},
		{on, "x.y.z", "x.y.z", ""},
		{on + "CanonicalizeMaxDots 0\n", "deep.a", "deep.a", ""},
		{on + "ProxyJump j\n", "web", "web", ""},
		{strings.Replace(on, "yes", "always", 1) + "ProxyJump j\n", "web", "web.example.net", "web.example.org. web.example.net."},
		{on + "CanonicalizeFallbackLocal no\n", "none", "", "none.example.org. none.example.net."},
		{on, "127.0.0.1", "127.0.0.1", ""},
		{"HostName %h.x\n" + on, "web", "web.x", "web.x.example.org. web.x.example.net."},
		{"CanonicalizePermittedCNAMEs *:*\n", "web", "web", "web"},
	} {
		c, asked, err := loadNames(t, test.text, test.host, dns)
		if test.want == "" {
			if err == nil {
				t.Errorf("%q, %s: no error", test.text, test.host)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q, %s: %v", test.text, test.host, err)
			continue
		}
		if c.HostName != test.want || c.Host != test.host || strings.Join(asked, " ") != test.asked {
			t.Errorf("%q, %s: %s after asking %q", test.text, test.host, c.HostName, asked)
		}
	}
}

// TestCanonicalizeReadsAgain: blocks for the full name are taken in the second
// reading, and Match canonical only then.
func TestCanonicalizeReadsAgain(t *testing.T) {
	text := "CanonicalizeHostname yes\nCanonicalDomains example.net\nHost web.example.net\nUser full\nHost web\nPort 5\nMatch canonical host *.example.net\nBatchMode yes\nMatch !canonical\nLogLevel ERROR\n"
	c, _, err := loadNames(t, text, "web", map[string]string{"web.example.net.": ""})
	if err != nil || c.User != "full" || c.Port != 5 || !c.BatchMode || c.LogLevel != LogError {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestAddressesInTheirForm(t *testing.T) {
	for host, want := range map[string]string{
		"127.1": "127.0.0.1", "0x7f.1": "127.0.0.1", "010.0.0.1": "8.0.0.1", "1.2.3": "1.2.0.3", "16909060": "1.2.3.4", "::0:1": "::1", "FE80::1%eth0": "fe80::1%eth0",
		"1.2.3.4.5": "1.2.3.4.5", "256.1.1.1": "256.1.1.1", "0b1.1": "0b1.1", "1.2.3.x": "1.2.3.x",
	} {
		if got, _ := canonicalAddress(host); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

func TestForwards(t *testing.T) {
	c := mustLoad(t, `
LocalForward 8080 web:80
LocalForward [::1]:8081 /run/x.sock
LocalForward 8080 web:80
RemoteForward 0 localhost:22
RemoteForward *:1080
DynamicForward localhost:1080
PermitRemoteOpen a:22 *:80
GatewayPorts yes
ExitOnForwardFailure yes
StreamLocalBindMask 077
TunnelDevice 3:any
Tunnel ethernet
`, "h")
	want := []Forward{
		{Listen: Endpoint{Port: 8080}, Target: Endpoint{Host: "web", HostSet: true, Port: 80}},
		{Listen: Endpoint{Host: "::1", HostSet: true, Port: 8081}, Target: Endpoint{Path: "/run/x.sock"}},
	}
	if !slices.Equal(c.LocalForward, want) {
		t.Errorf("local: %+v", c.LocalForward)
	}
	want = []Forward{
		{Target: Endpoint{Host: "localhost", HostSet: true, Port: 22}},
		{Listen: Endpoint{Host: "*", HostSet: true, Port: 1080}, Dynamic: true},
	}
	if !slices.Equal(c.RemoteForward, want) || len(c.DynamicForward) != 1 || !c.DynamicForward[0].Dynamic {
		t.Errorf("remote: %+v, dynamic: %+v", c.RemoteForward, c.DynamicForward)
	}
	if fmt.Sprint(c.PermitRemoteOpen) != "[a:22 *:80]" || !c.GatewayPorts || !c.ExitOnForwardFailure || c.StreamLocalBindMask != 0o77 {
		t.Errorf("%+v", c)
	}
	if c.Tunnel != "ethernet" || c.TunnelDevice != (TunnelDevice{3, TunnelAny}) {
		t.Errorf("%s %+v", c.Tunnel, c.TunnelDevice)
	}
	for value, open := range map[string][]string{"any": nil, "none": {}} {
		c := mustLoad(t, "PermitRemoteOpen "+value, "h")
		if (c.PermitRemoteOpen == nil) != (open == nil) || len(c.PermitRemoteOpen) != 0 {
			t.Errorf("PermitRemoteOpen %s: %#v", value, c.PermitRemoteOpen)
		}
	}
}

// TestForwardsOfCommandLine come before the files', and -W has its defaults.
func TestForwardsOfCommandLine(t *testing.T) {
	q := clientQuery(t, "LocalForward 2 h:2\n", "h")
	q.OnlyShow = true
	q.LocalForward = []Forward{{Listen: Endpoint{Port: 1}, Target: Endpoint{Host: "h", HostSet: true, Port: 1}}}
	c, err := LoadClient(q)
	if err != nil || len(c.LocalForward) != 2 || c.LocalForward[0].Listen.Port != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	q.StdioForward = &Endpoint{Host: "x", HostSet: true, Port: 22}
	if c, err = LoadClient(q); err != nil || len(c.LocalForward) != 0 || !c.ExitOnForwardFailure || c.StdioForward.Host != "x" {
		t.Errorf("-W: %+v, %v", c, err)
	}
	q.Options = []string{"ClearAllForwardings no", "ExitOnForwardFailure no"}
	if c, err = LoadClient(q); err != nil || len(c.LocalForward) != 2 || c.ExitOnForwardFailure {
		t.Errorf("-W with options: %+v, %v", c, err)
	}
}

func TestProxyFields(t *testing.T) {
	q := clientQuery(t, "ProxyJump a,u@b:22,ssh://c@[::1]:2200\n", "h")
	q.OnlyShow = true
	c, err := LoadClient(q)
	if err != nil || !slices.Equal(c.ProxyJump, []Jump{{Host: "a"}, {"u", "b", 22}, {"c", "::1", 2200}}) || c.tokens.jump != "::1" {
		t.Fatalf("%+v, %v", c.ProxyJump, err)
	}
	q = clientQuery(t, "User u\nProxyCommand nc -X 5 %h %p %r %n %%\nLocalCommand echo %T %h\nKnownHostsCommand /x \"%H a\" %t %K %I %f\n", "h")
	q.OnlyShow = true
	if c, err = LoadClient(q); err != nil {
		t.Fatal(err)
	}
	if line, err := c.ProxyCommandLine(); err != nil || line != "nc -X 5 h 22 u h %" {
		t.Errorf("%q, %v", line, err)
	}
	if line, err := c.LocalCommandLine("tun3"); err != nil || line != "echo tun3 h" {
		t.Errorf("%q, %v", line, err)
	}
	words, err := c.KnownHostsCommandLine(HostKeyQuestion{Reason: "ADDRESS", Name: "1.2.3.4"})
	if err != nil || !slices.Equal(words, []string{"/x", "1.2.3.4 a", "NONE", "NONE", "ADDRESS", "NONE"}) {
		t.Errorf("%q, %v", words, err)
	}
}

func TestOptionsReadBack(t *testing.T) {
	for _, words := range [][]string{{"a b"}, {`c"d\`}, {"#x", ""}, {"it's"}} {
		keyword, value := SplitOption(Option("IdentityFile", words...))
		if keyword != "IdentityFile" || value != strings.Join(words, " ") {
			t.Errorf("%q became %q", words, value)
		}
	}
}

// TestSteps holds what people grep from -v.
func TestSteps(t *testing.T) {
	q := clientQuery(t, "Host a\nPort 1\nHost !b w* web\nPort 2\nMatch final\nPort 3\n", "web")
	c, err := LoadClient(q)
	if err != nil {
		t.Fatal(err)
	}
	read, applied := "Reading configuration data "+q.File, q.File+" line 3: Applying options for w*"
	if !slices.Equal(c.Steps(), []string{read, applied, "re-parsing configuration", read, applied}) {
		t.Errorf("%q", c.Steps())
	}
}
