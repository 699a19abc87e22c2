package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// loadClient loads text for a host with everything outside pinned down.
func loadClient(t testing.TB, text, host string, options ...string) (*Client, error) {
	t.Helper()
	return LoadClient(clientQuery(t, text, host, options...))
}

func clientQuery(t testing.TB, text, host string, options ...string) ClientQuery {
	dir := t.TempDir()
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return ClientQuery{
		Host: host, Options: options, File: file,
		SystemDir: filepath.Join(dir, "etc"), Home: dir, LocalUser: "me", LocalHost: "here.example.org",
		Getenv: func(name string) (string, bool) { return "value of " + name, name == "SET" },
	}
}

func mustLoad(t testing.TB, text, host string, options ...string) *Client {
	t.Helper()
	c, err := loadClient(t, text, host, options...)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return c
}

func TestClientDefaults(t *testing.T) {
	c := mustLoad(t, "", "Example.COM")
	if c.Host != "Example.COM" || c.HostName != "example.com" || c.Port != 22 || c.User != "me" {
		t.Errorf("destination: %+v", c)
	}
	if c.StrictHostKeyChecking != StrictAsk || c.RequestTTY != TTYAuto || c.LogLevel != LogInfo || c.EscapeChar != '~' {
		t.Errorf("choices: %+v", c)
	}
	if !c.PasswordAuthentication || c.PubkeyAuthentication != "yes" || c.NumberOfPasswordPrompts != 3 || c.BatchMode {
		t.Errorf("authentication: %+v", c)
	}
	files, err := c.IdentityFiles()
	if err != nil || len(files) != 5 || filepath.Base(files[3]) != "id_ed25519" {
		t.Errorf("identity files: %q, %v", files, err)
	}
}

func TestClientFirstValueWins(t *testing.T) {
	text := `
Host a !b *.net
	Port 1001
	IdentityFile one
Host b
	Port 1002
Host *
	Port 1003
	User common
	IdentityFile two
`
	for host, want := range map[string]int{"a": 1001, "b": 1002, "x.net": 1001, "c": 1003} {
		c := mustLoad(t, text, host)
		if c.Port != want || c.User != "common" {
			t.Errorf("%s: port %d, user %s", host, c.Port, c.User)
		}
	}
	if c := mustLoad(t, text, "a"); !reflect.DeepEqual(c.IdentityFile, []string{"one", "two"}) {
		t.Errorf("identities collect: %q", c.IdentityFile)
	}
	c := mustLoad(t, text, "a", "port=7", "User over")
	if c.Port != 7 || c.User != "over" {
		t.Errorf("options come first: %+v", c)
	}
	if at, ok := c.Origin("Port"); !ok || at != (Origin{"command-line", 0}) {
		t.Errorf("origin of Port: %v", at)
	}
	if at, ok := mustLoad(t, text, "b").Origin("port"); !ok || at.Line != 6 {
		t.Errorf("origin of Port: %v", at)
	}
	if _, ok := c.Origin("LogLevel"); ok {
		t.Error("a default has an origin")
	}
}

func TestClientUserFromCommandLine(t *testing.T) {
	q := clientQuery(t, "User file", "h")
	q.User = "typed"
	if c, err := LoadClient(q); err != nil || c.User != "typed" {
		t.Errorf("%v, %v", c, err)
	}
	q.User = "a;b"
	if _, err := LoadClient(q); err == nil || !strings.Contains(err.Error(), "invalid characters") {
		t.Errorf("a user name for a shell passed: %v", err)
	}
}

func TestClientTokens(t *testing.T) {
	c := mustLoad(t, `
HostName %h.example.net
Port 2200
User bob
HostKeyAlias ALIAS
IdentityFile ~/.ssh/%h-%n-%p-%r-%u-%%-%L-%l-%k
IdentityFile %d/${SET}
UserKnownHostsFile ~/kh_%h %d/other
SetEnv X=%h Y=${SET}
RemoteCommand echo %r
ControlPath ~/.ssh/%C
IdentityAgent $SET
`, "web")
	if c.HostName != "web.example.net" || c.HostKeyAlias != "alias" {
		t.Errorf("%+v", c)
	}
	home := c.tokens.home
	want := []string{home + "/.ssh/web.example.net-web-2200-bob-me-%-here-here.example.org-alias", home + "/value of SET"}
	if got, err := c.IdentityFiles(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("identity files: %q, %v", got, err)
	}
	if !reflect.DeepEqual(c.UserKnownHostsFile, []string{home + "/kh_web.example.net", home + "/other"}) {
		t.Errorf("known hosts: %q", c.UserKnownHostsFile)
	}
	if !reflect.DeepEqual(c.SetEnv, []string{"X=web.example.net", "Y=value of SET"}) || c.RemoteCommand != "echo bob" {
		t.Errorf("%q, %q", c.SetEnv, c.RemoteCommand)
	}
	if c.IdentityAgent != "value of SET" || len(filepath.Base(c.ControlPath)) != 40 {
		t.Errorf("%q, %q", c.IdentityAgent, c.ControlPath)
	}
	for _, bad := range []string{"UserKnownHostsFile %z", "UserKnownHostsFile ${UNSET}", "UserKnownHostsFile a%", "HostName %p", "User %r", "UserKnownHostsFile ${SET"} {
		if c, err := loadClient(t, bad, "h"); err == nil {
			t.Errorf("%q passed: %+v", bad, c.UserKnownHostsFile)
		}
	}
}

func TestClientMatch(t *testing.T) {
	for _, test := range []struct {
		match string
		want  bool
	}{
		{"all", true}, {"!all", false}, {"host web.example.net", true}, {"host web", false}, {"originalhost web", true},
		{"user bob", true}, {"user !bob,*", false}, {"!user bob", false}, {"localuser me", true}, {"host *.net user bob", true},
		{"host=*.net user=alice", false}, {"tagged work", true}, {"tagged \"\"", false}, {"command \"\"", false}, {"command ls*", true},
		{"sessiontype exec", true}, {"sessiontype shell", false}, {"exec \"test %n = web\"", true}, {"exec false", false},
		{"localnetwork 127.0.0.0/8", true}, {"localnetwork 255.255.255.255/32", false}, {"version OpenSSH_10*", true},
		{"final all", true}, {"!final all", true}, {"host nope all", false}, {"final", true}, {"!final", true}, {"final host web.example.net", true},
	} {
		q := clientQuery(t, "HostName %h.example.net\nUser bob\nTag work\nMatch "+test.match+"\nPort 99\n", "web")
		q.Command = "ls -l"
		c, err := LoadClient(q)
		if err != nil || (c.Port == 99) != test.want {
			t.Errorf("Match %s: %+v, %v", test.match, c, err)
		}
	}
	for _, bad := range []string{"Match host", "Match nonsense x", "Match localnetwork x", "Match host \"\"", "Match #", "Match all host x", "Match user x host web all"} {
		if _, err := loadClient(t, bad+"\n", "web"); err == nil {
			t.Errorf("%q passed", bad)
		}
	}
}

func TestClientInclude(t *testing.T) {
	q := clientQuery(t, "Include conf.d/*.conf\nHost web\nInclude ~/only\nPort 5\nHost *\nPort 6\n", "web")
	dir := q.Home
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(".ssh/conf.d/1.conf", "Host other\nUser wrong\n")
	write(".ssh/conf.d/2.conf", "Compression yes\n")
	write("only", "LogLevel DEBUG3\nHost nobody\n")
	c, err := LoadClient(q)
	if err != nil {
		t.Fatal(err)
	}
	if c.User != "me" || !c.Compression || c.LogLevel != LogDebug3 || c.Port != 5 {
		t.Errorf("%+v", c)
	}
	q.Host = "elsewhere"
	if c, err = LoadClient(q); err != nil || c.LogLevel != LogInfo || c.Port != 6 {
		t.Errorf("%+v, %v", c, err)
	}
	write("only", "Include ~/only\n")
	q.Host = "web"
	if _, err = LoadClient(q); err == nil || !strings.Contains(err.Error(), "recursive") {
		t.Errorf("a file that includes itself: %v", err)
	}
	write("only", "Nonsense 1\n")
	if _, err = LoadClient(q); err == nil || !strings.Contains(err.Error(), "only: line 1: Bad configuration option: nonsense") {
		t.Errorf("a bad line in an included file: %v", err)
	}
}

func TestClientErrors(t *testing.T) {
	q := clientQuery(t, "Host *\nFoo bar\nPort abc\nUser\nUser a b\nUser \"a\nCiphers x\nHost other\nPort 0\nBatchMode perhaps\n", "h")
	q.Known.Ciphers = Algorithms{All: []string{"y"}, Default: []string{"y"}}
	_, err := LoadClient(q)
	var bad *Error
	if !errors.As(err, &bad) {
		t.Fatalf("%T %v", err, err)
	}
	want := strings.ReplaceAll(`F: line 2: Bad configuration option: foo
F line 3: Bad port 'abc'.
F line 4: no argument after keyword "user"
F line 5: keyword user extra arguments at end of line
F line 6: invalid quotes
F line 7: Bad SSH2 cipher spec 'x'. (unknown name 'x')
F line 9: Bad port '0'.
F line 10: unsupported option "perhaps".
F: terminating, 8 bad configuration options`, "F", q.File)
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	for option, want := range map[string]string{
		"foo=1":     "command-line: line 0: Bad configuration option: foo",
		"port":      `command-line line 0: no argument after keyword "port"`,
		"Host=x":    "command-line line 0: Host directive not supported as a command-line option",
		"a\x1b[0m=": `command-line line 0: no argument after keyword "a?[0m"`,
	} {
		if _, err := loadClient(t, "", "h", option); err == nil || err.Error() != want {
			t.Errorf("-o %q: %v", option, err)
		}
	}
	if _, err := LoadClient(ClientQuery{Host: "h", File: "/nonexistent", Home: "/", LocalUser: "me"}); err == nil ||
		err.Error() != "Can't open user config file /nonexistent: no such file or directory" {
		t.Errorf("-F of a missing file: %v", err)
	}
}

func TestClientValues(t *testing.T) {
	c := mustLoad(t, `
RekeyLimit 1G 1h
ConnectTimeout 1m30s
ServerAliveInterval 15
EscapeChar ^X
SendEnv LANG LC_* SECRET
SendEnv -SECRET
SetEnv A=1 A=2 "B=x y"
UserKnownHostsFile none
StrictHostKeyChecking off
RequestTTY force
PubkeyAuthentication no
RequireStrictKex yes
IdentityFile none
Compression yes
`, "h")
	if c.RekeyLimit != (RekeyLimit{1 << 30, time.Hour}) || c.ConnectTimeout != 90*time.Second || c.ServerAliveInterval != 15*time.Second {
		t.Errorf("%+v", c)
	}
	if c.EscapeChar != 24 || !reflect.DeepEqual(c.SendEnv, []string{"LANG", "LC_*"}) || !reflect.DeepEqual(c.SetEnv, []string{"A=1", "B=x y"}) {
		t.Errorf("%+v", c)
	}
	if c.UserKnownHostsFile != nil || c.StrictHostKeyChecking != StrictNo || c.RequestTTY != TTYForce || c.PubkeyAuthentication != "no" || !c.RequireStrictKex || !c.Compression {
		t.Errorf("%+v", c)
	}
	if files, err := c.IdentityFiles(); err != nil || len(files) != 0 {
		t.Errorf("IdentityFile none: %q, %v", files, err)
	}
	if c = mustLoad(t, "RekeyLimit default none", "h"); c.RekeyLimit != (RekeyLimit{}) {
		t.Errorf("%+v", c.RekeyLimit)
	}
	if _, err := loadClient(t, "RekeyLimit 5", "h"); err == nil {
		t.Error("RekeyLimit 5 passed")
	}
}

func TestClientOwner(t *testing.T) {
	q := clientQuery(t, "", "h")
	q.File = ""
	dir := filepath.Join(q.Home, ".ssh")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "config")
	if err := os.WriteFile(name, []byte("Port 44\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := LoadClient(q); err != nil || c.Port != 44 {
		t.Fatalf("%v, %v", c, err)
	}
	if err := os.Chmod(name, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadClient(q); err == nil || err.Error() != "Bad owner or permissions on "+name {
		t.Errorf("a file that everybody may write: %v", err)
	}
}

func TestDocs(t *testing.T) {
	for _, doc := range append(ClientDocs(), ServerDocs()...) {
		if doc.Name == "" || !strings.HasSuffix(doc.Text, ".") {
			t.Errorf("%+v", doc)
		}
	}
}

func FuzzClient(f *testing.F) {
	f.Add("Host a\nPort 22\nIdentityFile ~/%h\nMatch user x final\nCiphers +a*\n")
	f.Add("SendEnv -A\nSetEnv \"a=b c\"\nRekeyLimit 1G 1h\nIgnoreUnknown *\nx y\n")
	f.Add("HostName %h%%\nUserKnownHostsFile none\nEscapeChar ^[\nProxyCommand none # x\n")
	f.Fuzz(func(t *testing.T, text string) {
		q := ClientQuery{Host: "a", File: "none", Home: "/nonexistent", LocalUser: "me", LocalHost: "here", SystemDir: "/nonexistent",
			Exec:   func(string) (bool, error) { return true, nil },
			Getenv: func(string) (string, bool) { return "", false },
			Known:  Known{Ciphers: Algorithms{All: []string{"a", "b"}, Default: []string{"a"}}},
		}
		l, err := newClientLoader(q)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(strings.ToLower(text), "include") || strings.Contains(text, "~") {
			return // other files are not the parser's input
		}
		if err := l.parse("fuzz", []byte(text)); err != nil {
			if err.Error() == "" {
				t.Error("an error without text")
			}
			return
		}
		c, err := l.finish()
		if err != nil {
			return
		}
		if c.Port < 1 || c.Port > 65535 || len(c.Ciphers) == 0 || len(c.Dump()) < 20 {
			t.Errorf("%+v", c)
		}
	})
}
