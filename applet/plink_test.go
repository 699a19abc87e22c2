package applet

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/putty"
)

func TestPuttyMap(t *testing.T) {
	for text, want := range map[string][][2]string{
		"":              nil,
		`A=x\,y,B=p\=q`: {{"A", "x,y"}, {"B", "p=q"}},
		"L8080=h:80,D1080=,6R127.0.0.1:1=[::1]:2": {{"L8080", "h:80"}, {"D1080", ""}, {"6R127.0.0.1:1", "[::1]:2"}},
		`A=\\,B`: {{"A", `\`}, {"B", ""}},
		"A=1=2,": {{"A", "1=2"}},
	} {
		if got, err := puttyMap(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
}

func TestPreference(t *testing.T) {
	for list, want := range map[string]string{
		"":                           "ed448,ed25519,ecdsa,rsa,dsa,WARN",
		"ed25519,ecdsa,rsa,dsa,WARN": "ed448,ed25519,ecdsa,rsa,dsa,WARN",
		"rsa,x,WARN,rsa,ed25519":     "ed448,rsa,dsa,WARN,ed25519,ecdsa",
	} {
		if got := strings.Join(preference(puttyHostKeys(), list), ","); got != want {
			t.Errorf("%q: %s", list, got)
		}
	}
}

func TestExpandProxy(t *testing.T) {
	words := map[string]string{"host": "h", "port": "22", "proxyhost": "p", "proxyport": "80", "user": "a b"}
	for text, want := range map[string]string{
		`connect %host %port\n`:   "connect h 22\n",
		`%proxyhost:%PROXYPORT%%`: "p:80%",
		`C:\\x\x41\%host\q\x4`:    `C:\xA%host\q\x4`,
		`%user%unknown%`:          "a b%unknown%",
	} {
		if got, err := expandProxy(text, words); err != nil || got != want {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
	if got, err := expandProxy("%user", map[string]string{"user": "a\nb"}); err == nil {
		t.Errorf("a line end went through: %q", got)
	}
}

func TestManualKeys(t *testing.T) {
	for _, good := range []string{
		"SHA256:3IentIxtL+eRYp+r6f2lO0OZ3TfD1kC9s1JPDZdsZwY", "ssh-ed25519 255 SHA256:3IentIxtL+eRYp+r6f2lO0OZ3TfD1kC9s1JPDZdsZwY",
		"e0:e5:7c:96:a0:30:62:c5:36:89:df:97:fe:6f:b1:90", "MD5:E0:e5:7c:96:a0:30:62:c5:36:89:df:97:fe:6f:b1:90",
		"ssh-rsa 2048 e0:e5:7c:96:a0:30:62:c5:36:89:df:97:fe:6f:b1:90",
		"AAAAC3NzaC1lZDI1NTE5AAAAIHd11d8Kgzlnh7QQlGkU7ZFdk+07MfwtH0WpFY6TysTp",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHd11d8Kgzlnh7QQlGkU7ZFdk+07MfwtH0WpFY6TysTp comment",
	} {
		if _, ok := parseManualKey(good); !ok {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{"", "SHA256:short", "e0:e5", "bogus", "AAAA", "SHA256:3IentIxtL+eRYp+r6f2lO0OZ3TfD1kC9s1JPDZdsZw!"} {
		if _, ok := parseManualKey(bad); ok {
			t.Errorf("%q is taken", bad)
		}
	}
}

// plinkWith is a run whose store has one session.
func plinkWith(t *testing.T, name, lines string, args ...string) *plinkRun {
	t.Helper()
	store := &putty.Files{Dir: t.TempDir()}
	var r putty.Record
	for _, line := range strings.Fields(lines) {
		key, value, _ := strings.Cut(line, "=")
		r.Set(key, strings.ReplaceAll(value, "_", " "))
	}
	if err := store.Save(putty.Sessions, name, r); err != nil {
		t.Fatal(err)
	}
	line, complaints := parsePlink(args, func(session string) bool { return launchable(store, session) })
	if len(complaints) > 0 {
		t.Fatal(complaints)
	}
	p := &plinkRun{Env: &door.Env{Getenv: func(string) string { return "" }}, line: line, store: store}
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlinkHosts(t *testing.T) {
	type result struct {
		host, user string
		port       int
		command    string
	}
	for _, row := range []struct {
		lines string
		args  []string
		want  result
	}{
		{"Protocol=ssh HostName=h PortNumber=7 UserName=u", []string{"s", "ls", "-l"}, result{"h", "u", 7, "ls -l"}},
		{"Protocol=ssh HostName=h PortNumber=7", []string{"me@s"}, result{"h", "me", 7, ""}},
		{"Protocol=ssh HostName=h PortNumber=7", []string{"-load", "s", "ls", "-P", "8"}, result{"h", "", 7, "ls -P 8"}},
		{"Protocol=ssh PortNumber=7", []string{"-load", "s", "other", "-P", "8", "ls"}, result{"other", "", 8, "ls"}},
		{"Protocol=ssh PortNumber=7", []string{"s"}, result{"s", "", 22, ""}},
		{"Protocol=bogus HostName=h PortNumber=33301", []string{"s"}, result{"h", "", 22, ""}},
		{"HostName=__root@local_host:9999 Protocol=ssh PortNumber=7", []string{"s"}, result{"localhost", "root", 7, ""}},
		{"Protocol=ssh HostName=h PortNumber=7", []string{"-telnet", "-load", "s"}, result{"h", "", 23, ""}},
		{"Protocol=ssh HostName=h PortNumber=7", []string{"telnet,a@b@x"}, result{"x", "a@b", 23, ""}},
		{"X=1", []string{"raw,x", "-P", "9"}, result{"x", "", 9, ""}},
		{"X=1", []string{"[::1]"}, result{"::1", "", 22, ""}},
		{"X=1", []string{"-l", "a", "b@::1"}, result{"::1", "b", 22, ""}},
		{"X=1", []string{"host", "-v", "-batch", "cmd", "-v"}, result{"host", "", 22, "cmd -v"}},
	} {
		p := plinkWith(t, "s", row.lines, row.args...)
		if got := (result{p.host, p.text("UserName"), p.port(), p.command()}); got != row.want {
			t.Errorf("%s: %q gives %+v, not %+v", row.lines, row.args, got, row.want)
		}
	}
}

func TestPlinkAlgorithms(t *testing.T) {
	p := plinkWith(t, "s", "KEX=ecdh,WARN,mlkem-curve25519 Cipher=chacha20,aes,WARN HostKey=rsa,WARN,ed25519", "-load", "s", "h")
	known := door.KnownAlgorithms()
	names, weak := p.algorithms(puttyKex(), "KEX", known.Kex)
	if names[0] != "curve25519-sha256" && names[0] != "sntrup761x25519-sha512" || !slices.Contains(weak, "mlkem768x25519-sha256") || slices.Contains(weak, "curve25519-sha256") {
		t.Error(names, weak)
	}
	names, weak = p.algorithms(puttyCiphers(), "Cipher", known.Ciphers)
	if names[0] != "chacha20-poly1305@openssh.com" || names[1] != "aes128-gcm@openssh.com" && names[1] != "aes256-ctr" || len(weak) > 0 {
		t.Error(names, weak)
	}
	if names, weak = p.hostKeyPreference(); names[0] != "rsa-sha2-512" && names[0] != "ssh-ed448" || !slices.Contains(weak, "ssh-ed25519") {
		t.Error(names, weak)
	}
	p = plinkWith(t, "s", "X=1", "h")
	if names, _ := p.algorithms(puttyCiphers(), "Cipher", known.Ciphers); names[0] != known.Ciphers.Default[0] || !slices.Contains(names, "aes256-ctr") {
		t.Error(names)
	}
}

func TestPlainWriter(t *testing.T) {
	for text, want := range map[string]string{
		"a\tb\r\n": "a\tb\r\n", "\x1b[1mä\u009b\x01c": "[1mäc", "\x9b\xff": "", "日本": "日本",
	} {
		var b strings.Builder
		w := &plainWriter{to: &b}
		for i := range len(text) {
			w.Write([]byte{text[i]})
		}
		if b.String() != want || plainText(text) != want {
			t.Errorf("%q: %q, at once %q", text, b.String(), plainText(text))
		}
	}
}

func FuzzPuttyTexts(f *testing.F) {
	for _, seed := range []string{"", `A=x\,y,B=p\=q`, `connect %host %port\n\x41\x4`, "ssh-rsa 2048 SHA256:3IentIxtL+eRYp+r6f2lO0OZ3TfD1kC9s1JPDZdsZwY", "1G", "h:22"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		puttyMap(text)
		puttyBytes(text)
		logHost(text)
		parseManualKey(text)
		preference(puttyKex(), text)
		wrap(text)
		out, err := expandProxy(text, map[string]string{"host": text, "port": "22"})
		if err == nil && strings.Contains(text, "%host") && len(out) > len(text)*(len(text)+1) {
			t.Errorf("%q grew to %d bytes", text, len(out))
		}
	})
}

// The terminal's type is the session's, never that of the terminal here.
func TestPlinkTerminalType(t *testing.T) {
	for lines, want := range map[string]string{"X=1": "xterm", "TerminalType=linux": "linux"} {
		p := plinkWith(t, "s", lines+" HostName=h", "s")
		p.Env.Getenv = func(string) string { return "vt100" }
		if got := p.environment().Getenv("TERM"); got != want {
			t.Errorf("%s: %s", lines, got)
		}
	}
}
