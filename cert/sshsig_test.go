package cert

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/key"
)

func base64Raw(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

func TestSSHSigBothWays(t *testing.T) {
	dir := t.TempDir()
	message := []byte("a message\n")
	write(t, message, dir, "m")
	for name, args := range map[string][]string{"rsa": {"-t", "rsa", "-b", "2048"}, "ed25519": {"-t", "ed25519"}, "p256": {"-t", "ecdsa"}, "p521": {"-t", "ecdsa", "-b", "521"}} {
		keygen(t, dir, append(args, "-q", "-N", "", "-C", "c", "-f", name)...)
		keygen(t, dir, "-Y", "sign", "-q", "-f", name, "-n", "file", "-O", "hashalg=sha256", "m")
		text := read(t, dir, "m.sig")
		s, err := Dearmor(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify("file", bytes.NewReader(message)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s.Verify("git", bytes.NewReader(message)) == nil || s.Verify("file", strings.NewReader("x")) == nil {
			t.Errorf("%s: a wrong signature was accepted", name)
		}
		if !bytes.Equal(s.Armor(), text) {
			t.Errorf("%s: the armor differs:\n%s", name, s.Armor())
		}
		ours, err := SignMessage(context.Background(), load(t, dir, name), "file", "", bytes.NewReader(message))
		if err != nil {
			t.Fatal(err)
		}
		write(t, ours.Armor(), dir, "ours.sig")
		cmd := exec.Command("ssh-keygen", "-Y", "check-novalidate", "-n", "file", "-s", "ours.sig")
		cmd.Dir, cmd.Stdin = dir, bytes.NewReader(message)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if err := exec.Command("rm", dir+"/m.sig").Run(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAllowedSigners(t *testing.T) {
	k, ca, other := newKey(t, key.TypeEd25519), newKey(t, key.TypeEd25519), newKey(t, key.TypeEd25519)
	c := contents(k.Public())
	c.Critical = nil
	certificate := sign(t, ca, c)
	line := func(k key.Public) string { return string(MarshalLine(k, "comment")) }
	now := time.Unix(1500, 0)
	tests := []struct {
		name, file string
		key        key.Public
		principal  string
		ok         bool
	}{
		{"plain", "alice " + line(k.Public()), k.Public(), "alice", true},
		{"comments", "# x\n\n  alice " + line(k.Public()), k.Public(), "alice", true},
		{"wildcard", "*@example.com,!eve@example.com " + line(k.Public()), k.Public(), "bob@example.com", true},
		{"negated", "*@example.com,!eve@example.com " + line(k.Public()), k.Public(), "eve@example.com", false},
		{"second line", "alice " + line(other.Public()) + "alice " + line(k.Public()), k.Public(), "alice", true},
		{"other name", "alice " + line(k.Public()), k.Public(), "bob", false},
		{"namespace", `alice namespaces="git,file" ` + line(k.Public()), k.Public(), "alice", true},
		{"other namespace", `alice namespaces="git" ` + line(k.Public()), k.Public(), "alice", false},
		{"empty namespaces", `alice namespaces="" ` + line(k.Public()), k.Public(), "alice", false},
		{"before", `alice valid-before="19700101002000Z" ` + line(k.Public()), k.Public(), "alice", false},
		{"after", `alice valid-after="19700101003000Z" ` + line(k.Public()), k.Public(), "alice", false},
		{"between", `alice valid-after="19700101002000Z",valid-before="19700101003000Z" ` + line(k.Public()), k.Public(), "alice", true},
		{"unknown option", "alice foo " + line(k.Public()), k.Public(), "alice", false},
		{"broken line first", "alice\nalice " + line(k.Public()), k.Public(), "alice", true},
		{"authority", "alice cert-authority " + line(ca.Public()), certificate, "alice", true},
		{"authority for another", "* cert-authority " + line(ca.Public()), certificate, "eve", false},
		{"authority for a key", "* cert-authority " + line(k.Public()), k.Public(), "alice", false},
		{"no authority", "alice " + line(ca.Public()), certificate, "alice", false},
		{"certificate's key", "alice " + line(k.Public()), certificate, "alice", false},
		{"other authority", "alice cert-authority " + line(other.Public()), certificate, "alice", false},
	}
	for _, test := range tests {
		a := &AllowedSigners{Name: "f", File: strings.NewReader(test.file)}
		if err := a.Check(test.key, test.principal, "file", now); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	a := &AllowedSigners{File: strings.NewReader("x,al* cert-authority " + line(ca.Public()))}
	if names, err := a.FindPrincipals(certificate, now); err != nil || !slices.Equal(names, []string{"alice"}) {
		t.Errorf("principals of a certificate: %q %v", names, err)
	}
	a = &AllowedSigners{File: strings.NewReader("x,al* cert-authority " + line(ca.Public()))}
	if names, err := a.FindPrincipals(certificate, time.Unix(2000, 0)); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("principals of an expired certificate: %q %v", names, err)
	}
}
