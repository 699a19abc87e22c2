package keyfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// The files that dropbearconvert made are read, hold the keys that they were
// made of, and are written again byte for byte.
func TestDropbearFiles(t *testing.T) {
	for _, name := range []string{"rsa", "dsa", "ecdsa", "ed25519"} {
		text := read(t, "foreign/"+name+".dropbear")
		k, comment, err := ParsePrivate(text, never(t))
		if err != nil || comment != "" || !key.Equal(k.Public(), opened(t, "ppk/"+name+".ppk", "").Public()) {
			t.Errorf("%s: %q, %v", name, comment, err)
			continue
		}
		again, err := Marshal(FormatDropbear, k, "lost", nil, Encryption{})
		if err != nil || !bytes.Equal(again, text) {
			t.Errorf("%s written again: %x, %v", name, again, err)
		}
	}
}

// dropbearkey prints the public half of what we write, and dropbearconvert makes
// of our OpenSSH files what we make of them.
func TestDropbearReadsOurs(t *testing.T) {
	for name, k := range foreignKeys(t) {
		dir := t.TempDir()
		ours, err := Marshal(FormatDropbear, k, "", nil, Encryption{})
		if name == "ed448" {
			var unsupported *UnsupportedError
			if !errors.As(err, &unsupported) {
				t.Errorf("Ed448: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, "ours", ours)
		line := strings.TrimSpace(string(MarshalAuthorizedKey(AuthorizedKey{Key: k.Public()})))
		if out := run(t, dir, "dropbearkey", "-y", "-f", "ours"); !strings.Contains(out, line) {
			t.Errorf("%s: %s", name, out)
		}
		format := FormatOpenSSH
		if name == "dsa" {
			format = FormatPEM // it reads no other DSA key
		}
		text, err := Marshal(format, k, "c", nil, Encryption{})
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, "openssh", text)
		run(t, dir, "dropbearconvert", "openssh", "dropbear", "openssh", "theirs")
		if theirs := get(t, dir, "theirs"); !bytes.Equal(theirs, ours) {
			t.Errorf("%s: theirs %x\nours %x", name, theirs, ours)
		}
	}
}

func TestMarshalAsDropbear(t *testing.T) {
	for _, name := range []string{"rsa", "dsa", "ecdsa", "ed25519"} {
		dir := t.TempDir()
		put(t, dir, "in", read(t, "foreign/"+name+".dropbear"))
		run(t, dir, "dropbearconvert", "dropbear", "openssh", "in", "theirs")
		ours, err := MarshalAsDropbear(opened(t, "foreign/"+name+".dropbear", ""))
		if theirs := get(t, dir, "theirs"); err != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("%v, ours\n%s\ntheirs\n%s", err, ours, theirs)
		}
	}
	if _, err := MarshalAsDropbear(opened(t, "ppk/ed448.ppk", "")); err == nil {
		t.Error("Ed448 was written")
	}
}

func TestDropbearDamaged(t *testing.T) {
	for _, name := range []string{"rsa", "dsa", "ecdsa", "ed25519"} {
		text := read(t, "foreign/"+name+".dropbear")
		for n := range len(text) {
			if _, _, err := ParsePrivate(text[:n], never(t)); err == nil {
				t.Fatalf("%s: %d of %d bytes were read", name, n, len(text))
			}
		}
		if _, _, err := ParsePrivate(append(text, 0, 0, 0, 0), never(t)); err == nil {
			t.Errorf("%s: something behind it was read", name)
		}
	}
	huge := wire.AppendUint32(wire.AppendString(nil, "ssh-rsa"), 1<<31)
	if _, _, err := ParsePrivate(huge, never(t)); err == nil {
		t.Error("a field of 2 GiB was read")
	}
}

func FuzzParseDropbear(f *testing.F) {
	files, err := filepath.Glob("testdata/foreign/*.dropbear")
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
		if len(text) > MaxFile || !isDropbear(text) {
			return
		}
		s, err := parseDropbear(text)
		if err != nil {
			return
		}
		k, _, err := s.open(nil)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Marshal(FormatDropbear, k, "", nil, Encryption{}); err != nil || len(again) > len(text)+8 {
			t.Errorf("written again: %x, %v", again, err)
		}
	})
}
