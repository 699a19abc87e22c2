package applet

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/testpeer"
	"github.com/nacre-ssh/nacre/transport"
)

// A patient is where doctor runs: an empty home, and the variables that it
// reads.
type patient struct {
	home string
	env  map[string]string
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	home := t.TempDir()
	return &patient{home: home, env: map[string]string{"HOME": home, "PATH": os.Getenv("PATH")}}
}

// examined is what doctor found.
type examined struct {
	code   int
	cause  string // its name; "" for a login that works
	report string
}

var causeLine = regexp.MustCompile(`(?m)^cause \(([a-z0-9-]+)\): `)

// doctor runs it in this process, without a terminal.
func (p *patient) doctor(t *testing.T, args ...string) examined {
	t.Helper()
	open := func(name string) *os.File {
		f, err := os.OpenFile(filepath.Join(t.TempDir(), name), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	out := open("out")
	e := &door.Env{Name: "doctor", Args: args, Stdin: open("in"), Stdout: out, Stderr: open("err"), Getenv: func(name string) string { return p.env[name] }}
	code := runDoctor(context.Background(), e)
	return newExamined(code, testpeer.Read(t, out.Name()))
}

func newExamined(code int, report string) examined {
	x := examined{code: code, report: report}
	if found := causeLine.FindStringSubmatch(x.report); found != nil {
		x.cause = found[1]
	}
	return x
}

// found fails unless doctor named a cause, with its exit code and certain words in
// the report.
func (x examined) found(t *testing.T, cause string, code int, words ...string) {
	t.Helper()
	if x.cause != cause || x.code != code {
		t.Errorf("cause %q, code %d; want %q, %d:\n%s", x.cause, x.code, cause, code, x.report)
	}
	for _, w := range words {
		if !strings.Contains(x.report, w) {
			t.Errorf("%s: no %q in:\n%s", cause, w, x.report)
		}
	}
}

// finds runs doctor, which must name a cause; see [examined.found].
func (p *patient) finds(t *testing.T, cause string, code int, words []string, args ...string) examined {
	t.Helper()
	x := p.doctor(t, args...)
	x.found(t, cause, code, words...)
	return x
}

// accepts serves connections with what a function does to each.
func accepts(t *testing.T, serve func(net.Conn)) int {
	t.Helper()
	return testpeer.Accept(t, func(nc *net.TCPConn) { serve(nc) })
}

// options writes an ssh_config of a test's own, with the working one behind it,
// less its key where there are other ones.
func (h *host) options(t *testing.T, ownKey bool, lines ...string) string {
	t.Helper()
	lines = append(lines, "UserKnownHostsFile "+h.known)
	if !ownKey {
		lines = append(lines, "IdentityFile "+h.Identity.Path)
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(h.config(lines...)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func port(n int) string { return strconv.Itoa(n) }

// A login that works, and what doctor leaves behind: nothing.
func TestDoctorWorks(t *testing.T) {
	h, p := startHost(t), newPatient(t)
	before := testpeer.Read(t, h.known)
	x := p.finds(t, "", 0, []string{"ok       host key: ED25519 SHA256:", "is known from " + h.known + ":1", "is let in with the key", "a command and a shell run", "The login works: ssh -F"}, "-F", h.conf, "host")
	if strings.Contains(x.report, "problem") || testpeer.Read(t, h.known) != before {
		t.Errorf("known_hosts was changed, or:\n%s", x.report)
	}
	known := filepath.Join(p.home, "nobody")
	p.finds(t, "", 0, []string{"is not known yet", "ssh-keygen -lf"}, "-F", h.conf, "-o", "UserKnownHostsFile="+known, "host")
	if _, err := os.Stat(known); err == nil {
		t.Error("doctor made a known_hosts file")
	}
	t.Run("causes", func(t *testing.T) { doctorHostCauses(t, h) })
}

// doctorHostCauses are what can be wrong with a server that works.
func doctorHostCauses(t *testing.T, h *host) {
	other, small := testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.RSA)
	line := func(k *testpeer.Key, marker string) string {
		name := filepath.Join(t.TempDir(), "known")
		if err := os.WriteFile(name, fmt.Appendf(nil, "%s[127.0.0.1]:%d %s", marker, h.Port, testpeer.Read(t, k.Path+".pub")), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	open := filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(open, []byte(testpeer.Read(t, h.Identity.Path)), 0o644); err != nil {
		t.Fatal(err)
	}
	os.Chmod(open, 0o644)
	damaged := filepath.Join(t.TempDir(), "damaged")
	os.WriteFile(damaged, []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n"), 0o600)
	for _, c := range []struct {
		cause string
		code  int
		words []string
		lines []string // of ssh_config, before those that work
		args  []string
	}{
		{"host-changed", 8, []string{"is not the one that line 1 of ", "ssh-keygen -f ", "-R '[127.0.0.1]:"}, nil, []string{"-o", "UserKnownHostsFile=" + line(other, "")}},
		{"host-revoked", 8, []string{"line 1 of", "do not log in"}, nil, []string{"-o", "UserKnownHostsFile=" + line(h.HostKeys[0], "@revoked ")}},
		{"host-revoked-file", 8, []string{"which RevokedHostKeys names"}, nil, []string{"-o", "RevokedHostKeys=" + h.HostKeys[0].Path + ".pub"}},
		{"host-unknown", 8, []string{"StrictHostKeyChecking is yes", "ssh-keyscan"}, []string{"StrictHostKeyChecking yes"}, []string{"-o", "UserKnownHostsFile=none"}},
		{"host-unknown", 8, []string{"BatchMode", "forbids to ask"}, []string{"BatchMode yes"}, []string{"-o", "UserKnownHostsFile=none"}},
		{"host-key-small", 8, []string{"RequiredRSASize asks for 4096"}, []string{"HostKeyAlgorithms rsa-sha2-512", "RequiredRSASize 4096"}, nil},
		{"algorithms-narrowed", 7, []string{"group14-sha1 (", "config:1 says so", "config:2 says so"}, []string{"KexAlgorithms diffie-hellman-group14-sha1", "Ciphers aes128-cbc"}, nil},
		{"key-permissions", 9, []string{"others may read it (mode 0644)", "chmod 600 " + open}, nil, []string{"-i", open}},
		{"key-missing", 9, []string{"/nowhere does not exist"}, nil, []string{"-i", "/nowhere"}},
		{"key-damaged", 9, []string{"can't be read"}, nil, []string{"-i", damaged}},
		{"key-locked", 9, []string{"locked with a passphrase", "ssh-add"}, nil, []string{"-i", h.encrypted}},
		{"key-small", 9, []string{"RequiredRSASize asks for 8192"}, []string{"RequiredRSASize 8192", "HostKeyAlgorithms ssh-ed25519"}, []string{"-i", small.Path}},
		{"key-algorithm", 9, []string{"PubkeyAcceptedAlgorithms"}, []string{"PubkeyAcceptedAlgorithms rsa-sha2-512"}, nil},
		{"key-refused", 9, []string{"not in that user's authorized_keys", "nacre ssh-copy-id -i ", "chmod go-w", "nacre doctor --server " + h.User}, nil, []string{"-i", other.Path}},
		{"publickey-off-here", 9, []string{"PubkeyAuthentication is no (", "config:1 says so"}, []string{"PubkeyAuthentication no"}, nil},
		{"publickey-not-preferred", 9, []string{"PreferredAuthentications"}, []string{"PreferredAuthentications password"}, nil},
		{"no-key", 9, []string{"ssh-keygen -t ed25519", "SSH_AUTH_SOCK is not set"}, nil, []string{"-o", "IdentityFile=none"}},
	} {
		t.Run(c.cause, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"-F", h.options(t, len(c.args) > 0, c.lines...)}, c.args...)
			newPatient(t).finds(t, c.cause, c.code, c.words, append(args, "host")...)
		})
	}
}

// What a stranger says never does more than be quoted.
func FuzzLooksLike(f *testing.F) {
	for _, text := range []string{
		"HTTP/1.1 400 Bad Request\r\nVia: 1.1 proxy\r\n\r\n", "\x15\x03\x01\x00\x02\x02\x46", "\xff\xfd\x18\xff\xfd\x20",
		"220 mx.example.net ESMTP Postfix\r\n", "SSH-2.0-OpenSSH_9.2p1\r\n", "\x4a\x00\x00\x00\x0a8.0.35\x00", "RFB 003.008\n", "",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, first []byte) {
		looksLike(first)
		if v := (&hearing{first: first}).version(); v != "" && !strings.HasPrefix(v, "SSH-") {
			t.Errorf("version %q", v)
		}
		if said := firstLineOf(first); strings.ContainsAny(said, "\x1b\r\n\x00") {
			t.Errorf("%q", said)
		}
	})
}

// An ssh that fails on a terminal names doctor, with the options that lead to
// the host; in a pipe it says what OpenSSH's says.
func TestDoctorIsNamed(t *testing.T) {
	for err, want := range map[error]bool{
		&auth.Error{User: "me"}: true, &client.ConnectError{Host: "h", Err: syscall.ECONNREFUSED}: true,
		&transport.NegotiationError{What: "cipher"}: true, io.EOF: true,
		errHostKey: false, &transport.DisconnectError{Text: "ours"}: false, &config.RefusedError{}: false,
	} {
		if doctorKnows(err) != want {
			t.Errorf("%T %v: %v", err, err, !want)
		}
	}
	line, err := parseSSH([]string{"-p", "22", "-J", "jump", "-F", "a b", "me@host", "true"})
	if err != nil {
		t.Fatal(err)
	}
	if got := sentenceOfWords((&exam{run: &sshRun{line: line}}).words()); got != "-F 'a b' -p 22 -J jump me@host" {
		t.Error(got)
	}
}
