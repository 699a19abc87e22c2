package applet

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/testpeer"
	"github.com/nacre-ssh/nacre/login"
)

// A clinic is an OpenSSH server that lets a tenant in, with its configuration
// and log in files.
type clinic struct {
	*tenant
	port      int
	conf, log string
	id        *testpeer.Key
	keys      string // the tenant's authorized_keys
}

func newClinic(t *testing.T) *clinic {
	t.Helper()
	c := &clinic{tenant: newTenant(t), port: testpeer.FreePort(t), id: testpeer.NewKey(t, testpeer.Ed25519)}
	if !c.temp {
		t.Fatal("this test makes a user, as root")
	}
	dir := t.TempDir()
	c.log = filepath.Join(dir, "log")
	c.conf = c.configure(t, dir)
	c.keys = c.write(t, ".ssh/authorized_keys", testpeer.Read(t, c.id.Path+".pub"), 0o600)
	if err := os.Chown(c.home, c.uid, c.gid); err != nil {
		t.Fatal(err)
	}
	testpeer.StartProgram(t, c.port, exec.Command("/usr/sbin/sshd", "-D", "-E", c.log, "-f", c.conf))
	return c
}

// configure writes an sshd_config with lines before the usual ones.
func (c *clinic) configure(t *testing.T, dir string, lines ...string) string {
	t.Helper()
	host := testpeer.NewKey(t, testpeer.Ed25519)
	conf := filepath.Join(dir, "sshd_config")
	lines = append(lines, "ListenAddress 127.0.0.1", fmt.Sprint("Port ", c.port), "HostKey "+host.Path, "UsePAM no", "PidFile none", "UseDNS no", "LogLevel VERBOSE", "")
	if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return conf
}

// look runs doctor --server.
func (c *clinic) look(t *testing.T, conf string) (code int, report string) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	s := &serverExam{
		Env:    &door.Env{Stdout: out, Stderr: out, Getenv: func(string) string { return "" }},
		report: &doctorReport{out: out}, name: c.Username, file: conf, db: new(login.Database),
		sshd: "/usr/sbin/sshd", shells: "/etc/shells", logs: []string{c.log},
	}
	return s.run(t.Context()), testpeer.Read(t, out.Name())
}

// What keeps a user out that only the server's machine knows: OpenSSH's sshd
// refuses the login, and doctor --server says why.
func TestDoctorServer(t *testing.T) {
	c, p := newClinic(t), newPatient(t)
	args := []string{"-F", "none", "-p", port(c.port), "-i", c.id.Path, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=none", "-o", "IdentityAgent=none", c.Username + "@127.0.0.1"}
	p.finds(t, "", 0, nil, args...)
	if code, report := c.look(t, c.conf); code != 0 || !strings.Contains(report, "Nothing here keeps "+c.Username+" out") {
		t.Errorf("a login that works: %d\n%s", code, report)
	}
	user := c.Username
	mode := func(path string, now, usual os.FileMode) [2]func() {
		return [2]func(){func() { os.Chmod(path, now) }, func() { os.Chmod(path, usual) }}
	}
	tool := func(now, usual []string) [2]func() {
		return [2]func(){func() { run(t, now[0], now[1:]...) }, func() { run(t, usual[0], usual[1:]...) }}
	}
	os.Chmod(c.home, 0o775) // the group is the user's own, which Debian's sshd knows
	if code, report := c.look(t, c.conf); code != 0 || !strings.Contains(report, "the group may write the directory "+c.home) {
		t.Errorf("a group of the user's own: %d\n%s", code, report)
	}
	p.finds(t, "", 0, nil, args...)
	os.Chmod(c.home, 0o755)
	for _, row := range []struct {
		name  string
		cause string // that the client's side sees
		code  int
		words []string
		do    [2]func() // break it, mend it
	}{
		{"home", "key-refused", 9, []string{"others may write the directory " + c.home + " (mode 0757)", "chmod go-w " + c.home, "bad ownership or modes", "\"bad ownership or modes\" means: "}, mode(c.home, 0o757, 0o755)},
		{"ssh", "key-refused", 9, []string{"others may write the directory " + filepath.Dir(c.keys)}, mode(filepath.Dir(c.keys), 0o777, 0o700)},
		{"keys", "key-refused", 9, []string{"others may write the file " + c.keys}, mode(c.keys, 0o666, 0o600)},
		{"owner", "key-refused", 9, []string{"belongs to the user with number 65534", "chown " + user + " " + c.keys}, [2]func(){func() { os.Chown(c.keys, 65534, 65534); os.Chmod(c.keys, 0o644) }, func() { os.Chown(c.keys, c.uid, c.gid); os.Chmod(c.keys, 0o600) }}},
		{"locked", "key-refused", 9, []string{"the account is locked", "usermod -U " + user}, tool([]string{"usermod", "-L", user}, []string{"usermod", "-U", user})},
		{"expired", "key-refused", 9, []string{"the account has expired on 1970-01-02", "chage -E -1"}, tool([]string{"chage", "-E", "1", user}, []string{"chage", "-E", "-1", user})},
		{"shell", "key-refused", 9, []string{"the shell /nowhere/sh does not exist", "usermod -s /bin/bash"}, tool([]string{"usermod", "-s", "/nowhere/sh", user}, []string{"usermod", "-s", "/bin/bash", user})},
		{"nologin", "shell-missing", 10, []string{"ends every session at once"}, tool([]string{"usermod", "-s", "/usr/sbin/nologin", user}, []string{"usermod", "-s", "/bin/bash", user})},
		{"text", "key-refused", 9, []string{"line 1 can't be read", "it looks like a private key"}, [2]func(){
			func() { os.WriteFile(c.keys, []byte("-----BEGIN OPENSSH PRIVATE KEY-----\n"), 0o600) },
			func() { os.WriteFile(c.keys, []byte(testpeer.Read(t, c.id.Path+".pub")), 0o600) }}},
		{"option", "key-refused", 9, []string{"the line counts for nothing", "no-such-thing"}, [2]func(){
			func() { os.WriteFile(c.keys, []byte("no-such-thing "+testpeer.Read(t, c.id.Path+".pub")), 0o600) },
			func() { os.WriteFile(c.keys, []byte(testpeer.Read(t, c.id.Path+".pub")), 0o600) }}},
		{"command", "forced-command", 10, []string{"the key runs this whatever is asked for: echo", "from these addresses alone: 127.0.0.1"}, [2]func(){
			func() {
				os.WriteFile(c.keys, []byte(`command="echo no",from="127.0.0.1" `+testpeer.Read(t, c.id.Path+".pub")), 0o600)
			},
			func() { os.WriteFile(c.keys, []byte(testpeer.Read(t, c.id.Path+".pub")), 0o600) }}},
		{"none", "key-refused", 9, []string{"there is no file of keys"}, [2]func(){func() { os.Rename(c.keys, c.keys+".x") }, func() { os.Rename(c.keys+".x", c.keys) }}},
	} {
		row.do[0]()
		p.finds(t, row.cause, row.code, nil, args...)
		code, report := c.look(t, c.conf)
		row.do[1]()
		if code != doctorServerBad && row.name != "command" {
			t.Errorf("%s: code %d", row.name, code)
		}
		for _, w := range row.words {
			if !strings.Contains(report, w) {
				t.Errorf("%s: no %q in:\n%s", row.name, w, report)
			}
		}
	}
	t.Run("configuration", func(t *testing.T) { serverConfigurations(t, c) })
}

// serverConfigurations are what sshd_config can do to a user.
func serverConfigurations(t *testing.T, c *clinic) {
	for _, row := range []struct{ line, words string }{
		{"AllowUsers somebody", "may not log in: not listed in AllowUsers (AllowUsers somebody)"},
		{"DenyUsers nacre*", "listed in DenyUsers"},
		{"AllowGroups wheel", "none of the user's groups"},
		{"AllowUsers " + c.Username + "@10.0.0.0/8", "from certain addresses alone"},
		{"PubkeyAuthentication no", "keys are turned off"},
		{"AuthorizedKeysFile /nowhere/%u", "there is no file of keys"},
		{"ForceCommand /bin/true", "ForceCommand runs this"},
		{"StrictModes no", "StrictModes is no"},
		{"Prot 22", "sshd -t refuses it"},
		{"TrustedUserCAKeys /nowhere", "TrustedUserCAKeys /nowhere: No such file"},
		{"PubkeyAcceptedAlgorithms rsa-sha2-512", "keys of this type are not accepted"},
	} {
		if _, report := c.look(t, c.configure(t, t.TempDir(), row.line)); !strings.Contains(report, row.words) {
			t.Errorf("%s: no %q in:\n%s", row.line, row.words, report)
		}
	}
}
