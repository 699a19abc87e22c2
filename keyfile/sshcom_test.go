package keyfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/key"
)

const longComment = `a comment that is so long that it does not fit into one line of seventy characters, and a \ and a " too, and more and more`

func TestSSHComFiles(t *testing.T) {
	for name, secret := range map[string]string{"rsa.sshcom": "", "rsa.sshcom.enc": "pw", "dsa.sshcom.enc": "pw"} {
		text := read(t, "foreign/"+name)
		from, _, _ := strings.Cut(name, ".")
		want := opened(t, "ppk/"+from+".ppk", "")
		for _, end := range []string{"\n", "\r\n"} {
			k, comment, err := ParsePrivate(bytes.ReplaceAll(text, []byte("\n"), []byte(end)), passphrase(secret))
			if err != nil || !key.Equal(k.Public(), want.Public()) {
				t.Errorf("%s: %v", name, err)
			}
			if name == "rsa.sshcom" && comment != longComment || name == "dsa.sshcom.enc" && comment != "c dsa" {
				t.Errorf("%s: comment %q", name, comment)
			}
		}
		if secret == "" {
			continue
		}
		for _, wrong := range []string{"", "px"} {
			var e *PassphraseError
			if _, _, err := ParsePrivate(text, passphrase(wrong)); !errors.As(err, &e) || !e.Wrong {
				t.Errorf("%s with %q: %v", name, wrong, err)
			}
		}
	}
	again, err := Marshal(FormatSSHCom, opened(t, "ppk/rsa.ppk", ""), longComment, nil, Encryption{})
	if err != nil || !bytes.Equal(again, read(t, "foreign/rsa.sshcom")) {
		t.Errorf("written again: %s, %v", again, err)
	}
}

// puttygen reads what we write, and writes the same.
func TestPuttygenReadsOurSSHCom(t *testing.T) {
	for _, name := range []string{"rsa", "dsa"} {
		k := foreignKeys(t)[name]
		for _, secret := range []string{"", "pw"} {
			dir := t.TempDir()
			put(t, dir, "pass", []byte(secret))
			ours, err := Marshal(FormatSSHCom, k, longComment, []byte(secret), Encryption{})
			if err != nil {
				t.Fatal(err)
			}
			put(t, dir, "ours", ours)
			run(t, dir, "puttygen", "ours", "--old-passphrase", "pass", "-O", "private-openssh", "-o", "pem", "-P", "--new-passphrase", os.DevNull)
			again, _, err := ParsePrivate(get(t, dir, "pem"), never(t))
			if err != nil || !key.Equal(again.Public(), k.Public()) {
				t.Errorf("%s with %q: %v", name, secret, err)
			}
			if secret == "" { // ssh-keygen opens no encrypted ones
				again, _, err := ParsePrivate([]byte(run(t, dir, "ssh-keygen", "-i", "-f", "ours")), never(t))
				if err != nil || !key.Equal(again.Public(), k.Public()) {
					t.Errorf("%s by ssh-keygen: %v", name, err)
				}
			}
			run(t, dir, "puttygen", "ours", "--old-passphrase", "pass", "-O", "private-sshcom", "--reencrypt", "-o", "theirs")
			if theirs := get(t, dir, "theirs"); secret == "" && !bytes.Equal(ours, theirs) {
				t.Errorf("ours\n%s\ntheirs\n%s", ours, theirs)
			}
		}
	}
	_, err := Marshal(FormatSSHCom, foreignKeys(t)["ed25519"], "", nil, Encryption{})
	var unsupported *UnsupportedError
	if !errors.As(err, &unsupported) {
		t.Errorf("%v", err)
	}
}

func TestSSHComDamaged(t *testing.T) {
	text := string(read(t, "foreign/rsa.sshcom"))
	for n := 0; n < len(text)-1; n += 7 {
		if _, _, err := ParsePrivate([]byte(text[:n]), never(t)); err == nil {
			t.Fatalf("%d of %d bytes were read", n, len(text))
		}
	}
	for _, change := range [][2]string{{"P2/5", "P3/5"}, {"ub25l", "ub25m"}, {"aWYtbW9k", "aWYtbW9r"}, {"wAAAi4", "*AAAi4"}} {
		changed := strings.Replace(text, change[0], change[1], 1)
		if _, _, err := ParsePrivate([]byte(changed), never(t)); err == nil || changed == text {
			t.Errorf("%q was read", change)
		}
	}
}

// Headers that go on and on are not gathered.
func TestSSHComHeader(t *testing.T) {
	text := sshcomBegin + "\nComment: " + strings.Repeat("aa\\\n", MaxFile/5)
	if _, _, err := ParsePrivate([]byte(text), never(t)); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("%v", err)
	}
}

func FuzzParseSSHCom(f *testing.F) {
	files, err := filepath.Glob("testdata/foreign/*.sshcom*")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > MaxFile {
			return
		}
		s, err := parseSSHCom(text)
		if err == nil {
			s.open([]byte("pw"))
		}
	})
}
