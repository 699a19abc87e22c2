package applet

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// A dbHome is a home directory for dbclient, with the key that a host takes.
type dbHome struct {
	dir  string
	host string // user@address^port
	env  []string
}

// newDbHome makes one whose key is in Dropbear's own format.
func newDbHome(t *testing.T, h *testpeer.Running) *dbHome {
	t.Helper()
	d := &dbHome{dir: t.TempDir(), host: fmt.Sprintf("%s@127.0.0.1^%d", h.User, h.Port)}
	if err := os.Mkdir(filepath.Join(d.dir, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("/usr/bin/dropbearconvert", "openssh", "dropbear", h.Identity.Path, filepath.Join(d.dir, ".ssh/id_dropbear")).CombinedOutput(); err != nil {
		t.Fatalf("%v, %s", err, out)
	}
	return d
}

func (d *dbHome) known() string { return filepath.Join(d.dir, ".ssh", "known_hosts") }

// run runs a dbclient and returns what it wrote and its exit code.
func (d *dbHome) run(t *testing.T, program, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	if program == "dbclient" {
		program, args = "nacre", append([]string{"dbclient"}, args...)
	}
	cmd := exec.Command(program, args...)
	if program != "nacre" {
		cmd.Args[0] = "dbclient"
	}
	cmd.Env = append(os.Environ(), "HOME="+d.dir, "SSH_AUTH_SOCK=", "DISPLAY=")
	cmd.Env = append(cmd.Env, d.env...)
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &said
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), said.String(), cmd.ProcessState.ExitCode()
}

// What dbclient says of a command line, and of a host that isn't there, is what
// Dropbear's says, to the letter.
func TestDbclientWords(t *testing.T) {
	t.Parallel()
	d := &dbHome{dir: t.TempDir()}
	for _, line := range []string{
		"-p", ",h", "-f h", "-L 1:2 h", "-L a:b:c h", "-L 99999:a:1 h", "-R 1:a:99999 h", "-B x h", "-B a:b:1 h", "-K x h", "-I x h", "-J", "-c foo,bar h -c",
		"-p 1 127.0.0.1 true", "127.0.0.1^1", "127.0.0.1/1 x y", "me@127.0.0.1^1", "-l you 127.0.0.1^1", "-Z -p 1 127.0.0.1", "-W 99999999 -p 1 127.0.0.1",
		"-i /nonexistent 127.0.0.1^1", "-o Foo=1 127.0.0.1^1", "127.0.0.1 -p 1 true", "-NTp1 127.0.0.1", "no-such-host.invalid",
	} {
		args := strings.Fields(line)
		out, said, code := d.run(t, "dbclient", "", args...)
		wantOut, want, wantCode := d.run(t, "/usr/bin/dbclient", "", args...)
		if out != wantOut || said != want || code != wantCode {
			t.Errorf("%s: %q, %q, %d\nDropbear: %q, %q, %d", line, out, said, code, wantOut, want, wantCode)
		}
	}
}

// Commands, hosts in a row, -B and -J, with a key in Dropbear's format.
func TestDbclient(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	d := newDbHome(t, h.Running)
	if out, said, code := d.run(t, "dbclient", "in", "-y", d.host, "cat; exit 5"); out != "in" || code != 5 || !strings.Contains(said, "Host '127.0.0.1' key accepted unconditionally.\n(ssh-ed25519 fingerprint SHA256:") {
		t.Fatalf("%q, %q, %d", out, said, code)
	}
	if line := testpeer.Read(t, d.known()); !strings.HasPrefix(line, "127.0.0.1 ssh-ed25519 ") || strings.Count(line, "\n") != 1 {
		t.Errorf("known_hosts has %q", line)
	}
	target := fmt.Sprintf("127.0.0.1:%d", h.Port)
	user := strings.Split(d.host, "@")[0]
	for _, test := range []struct {
		line string
		out  string
		code int
	}{
		{d.host + "|exit 255", "", 255},
		{d.host + "|kill -9 $$", "", 128},
		{"-T|" + d.host + "|-v|printf %s 'a  b'", "a  b", 0},
		{d.host + "," + d.host + "," + strings.Replace(d.host, "^", "/", 1) + "|printf there", "there", 0},
		{"-l|" + d.host + "," + user + "|127.0.0.1^" + fmt.Sprint(h.Port) + "|printf sutured", "sutured", 0}, // as rsync has it
		{"-J|nc 127.0.0.1 " + fmt.Sprint(h.Port) + "|" + user + "@127.0.0.1|printf through", "through", 0},
		{"-I|1|" + d.host + "|sleep 60", "", 0},
		{"-M|1|-N|" + d.host, "", 0},
		{d.host + ",127.0.0.1^1|true", "", 1},
		{"-o|BatchMode=yes|-l|nobody-here|127.0.0.1^" + fmt.Sprint(h.Port) + "|true", "", 1},
		{"-o|ProxyCommand=false|h|true", "", 1},
		{"-s|" + d.host + "|no-such-subsystem", "", 1},
	} {
		if out, said, code := d.run(t, "dbclient", "", strings.Split(test.line, "|")...); out != test.out || code != test.code {
			t.Errorf("%s: %q and %d, want %q and %d; it says %q", test.line, out, code, test.out, test.code, said)
		}
	}
	if out, said, code := d.run(t, "dbclient", "", "-B", target, d.host); !strings.HasPrefix(out, "SSH-2.0-OpenSSH") || code != 0 {
		t.Errorf("-B: %q, %q, %d", out, said, code)
	}
	testDbclientDoubts(t, d)
}

// testDbclientDoubts is about hosts that aren't known, and one that has changed.
func testDbclientDoubts(t *testing.T, d *dbHome) {
	good := testpeer.Read(t, d.known())
	os.Remove(d.known())
	for _, test := range []struct {
		args, stdin, says string
		code              int
	}{
		{"-o BatchMode=yes", "", "is not in the trusted hosts file.\n(ssh-ed25519 fingerprint SHA256:", 1},
		{"-o BatchMode=yes", "", "exited: Didn't validate host key\n", 1},
		{"-o StrictHostKeyChecking=yes", "", "exited: Not accepted automatically\n", 1},
		{"-T", "n\n", "Do you want to continue connecting? (y/n) ", 1},
		{"-yy", "", "Caution, skipping hostkey check for 127.0.0.1\n", 0},
		{"-T", "y\n", "Do you want to continue connecting? (y/n) ", 0},
	} {
		if _, said, code := d.run(t, "dbclient", test.stdin, append(strings.Fields(test.args), d.host, "true")...); code != test.code || !strings.Contains(said, test.says) {
			t.Errorf("%s: %q, %d", test.args, said, code)
		}
	}
	if now := testpeer.Read(t, d.known()); now != good {
		t.Errorf("%q is remembered, not %q", now, good)
	}
	other := testpeer.Read(t, testpeer.NewKey(t, testpeer.Ed25519).Path+".pub")
	if err := os.WriteFile(d.known(), []byte("127.0.0.1 "+other), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, said, code := d.run(t, "dbclient", "", "-y", d.host, "true"); code != 1 || !strings.Contains(said, "ssh-ed25519 host key mismatch for 127.0.0.1 !\nFingerprint is SHA256:") {
		t.Errorf("a changed key: %q, %d", said, code)
	}
	testDbclientPorts(t, d, strings.TrimPrefix(good, "127.0.0.1 "), other)
}

// testDbclientPorts is about the lines that ssh writes, with the port.
func testDbclientPorts(t *testing.T, d *dbHome, good, other string) {
	at := "[127.0.0.1]:" + d.host[strings.IndexByte(d.host, '^')+1:] + " "
	for _, test := range []struct {
		lines, says string
		code        int
	}{
		{at + good, "", 0},
		{"127.0.0.1 " + other + at + good, "", 0},
		{at + other, "host key mismatch for 127.0.0.1 !", 1},
		{"127.0.0.1 " + good + "@revoked " + at + good, "is marked as revoked in ", 1},
		{"@revoked 127.0.0.1 " + good + at + good, "is marked as revoked in ", 1},
	} {
		if err := os.WriteFile(d.known(), []byte(test.lines), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, said, code := d.run(t, "dbclient", "", "-y", d.host, "true"); code != test.code || !strings.Contains(said, test.says) || testpeer.Read(t, d.known()) != test.lines {
			t.Errorf("%s: %q, %d", test.lines, said, code)
		}
	}
}

// DROPBEAR_PASSWORD lets in once, to Dropbear's server and OpenSSH's, and a wrong
// one ends it without a question.
func TestDbclientPassword(t *testing.T) {
	t.Parallel()
	id := testpeer.NewKey(t, testpeer.Ed25519)
	for name, server := range map[string]testpeer.Server{"OpenSSH": testpeer.NewOpenSSH(t), "Dropbear": testpeer.NewDropbear(t)} {
		at := server.Start(t, testpeer.ServerOptions{HostKeys: []*testpeer.Key{id}, Authorized: testpeer.NewKey(t, testpeer.Ed25519), Password: "right one"})
		d := &dbHome{dir: t.TempDir(), host: fmt.Sprintf("%s@127.0.0.1^%d", at.User, at.Port)}
		for password, want := range map[string]int{"right one": 3, "wrong": 1} {
			d.env = []string{"DROPBEAR_PASSWORD=" + password}
			out, said, code := d.run(t, "dbclient", "", "-y", "-y", d.host, "printf in; exit 3")
			if code != want || want == 3 && out != "in" || strings.Contains(said, "assword:") || strings.Contains(said, password) {
				t.Errorf("%s, %s: %q, %q, %d", name, password, out, said, code)
			}
		}
	}
}

// Names that could be more than names never get anywhere (CVE-2025-47203).
func TestDbclientNames(t *testing.T) {
	for _, word := range []string{"a;b,c", "$(id),c", "`id`,c", "a|b,c", "-oProxyCommand=x@h,c", "u;v@h", "a b,c", "a\nb", "h^0", "h^65536", "h^x", "@", "a,", "a,,b", strings.Repeat("a,", 20) + "b"} {
		l := &dbLine{host: word}
		if hosts, err := l.hosts(); err == nil {
			t.Errorf("%q became %+v", word, hosts)
		}
	}
	l := &dbLine{host: "two/44,c^55", user: "a@one,b", port: "66"}
	hosts, err := l.hosts()
	if err != nil || fmt.Sprint(hosts) != "[a@one:22 b@two:44 "+ownUser()+"@c:55]" {
		t.Errorf("%v, %v", hosts, err)
	}
}

func FuzzDbclientLine(f *testing.F) {
	for _, seed := range []string{"-p\n22\nh", "-y\n-y\na@b^1,c/2,d\ncmd", "-L\n1:a:2\n-o\nPort = 3\nh", "-c\naes128-ctr,x\n-B\na:1\nh", "-Q\nkex"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		l, err := parseDbclient(&door.Env{Name: "dbclient", Args: strings.Split(line, "\n"), Stdin: null, Stdout: null, Stderr: null, Getenv: func(string) string { return "" }})
		if err != nil || l.show != nil {
			return
		}
		hosts, err := l.hosts()
		if err == nil && (len(hosts) == 0 || strings.ContainsAny(fmt.Sprint(hosts), "\n$`;|&<>")) {
			t.Errorf("%q became %v", line, hosts)
		}
	})
}
