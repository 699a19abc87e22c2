package keyfile

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/key"
)

const testPassphrase = "opensesame"

var testNames = []string{"ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa"}

// openSSHFile reads an openssh-key-v1 file and leaves its private part closed.
func openSSHFile(text []byte) (*opensshFile, error) {
	block := findBlock(text, opensshBlock)
	if block == nil {
		return nil, errors.New("no openssh-key-v1")
	}
	return parseOpenSSH(block.Bytes)
}

func passphrase(s string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(s), nil }
}

func never(t *testing.T) func() ([]byte, error) {
	return func() ([]byte, error) {
		t.Error("a passphrase was asked for")
		return nil, nil
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func public(t testing.TB, name string) AuthorizedKey {
	t.Helper()
	k, err := ParseAuthorizedKey(read(t, name+".pub"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// usable checks that a private key is the one of name.pub and signs.
func usable(t testing.TB, k *key.Private, name string) {
	t.Helper()
	want := public(t, name).Key
	if !key.Equal(k.Public(), want) {
		t.Fatalf("another key than %s came back", name)
	}
	a := want.Algorithms()[0]
	s, err := k.Sign(context.Background(), a, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	if err := want.Verify(a, []byte("data"), s); err != nil {
		t.Error(err)
	}
}

func TestParseOpenSSH(t *testing.T) {
	for _, name := range testNames {
		k, comment, err := ParsePrivate(read(t, name), never(t))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		usable(t, k, name)
		if comment != name+"@test" || public(t, name).Comment != comment {
			t.Errorf("%s: comment %q", name, comment)
		}
	}
}

func TestParseEncrypted(t *testing.T) {
	files := map[string]string{"ed25519.rounds40": "ed25519"}
	for _, name := range testNames {
		files[name+".enc"] = name
	}
	for _, c := range Ciphers() {
		if c != DefaultCipher {
			files["ed25519."+c] = "ed25519"
		}
	}
	for file, name := range files {
		text := read(t, file)
		k, comment, err := ParsePrivate(text, passphrase(testPassphrase))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		usable(t, k, name)
		if comment != name+"@test" {
			t.Errorf("%s: comment %q", file, comment)
		}
		var p *PassphraseError
		for _, wrong := range []string{"Opensesame", ""} {
			_, _, err = ParsePrivate(text, passphrase(wrong))
			if !errors.As(err, &p) || !p.Wrong || !key.Equal(p.Public, k.Public()) {
				t.Errorf("%s with passphrase %q: %v", file, wrong, err)
			}
		}
		_, _, err = ParsePrivate(text, nil)
		if !errors.As(err, &p) || p.Wrong || !key.Equal(p.Public, k.Public()) {
			t.Errorf("%s without a passphrase: %v", file, err)
		}
		mine := errors.New("asked nobody")
		if _, _, err = ParsePrivate(text, func() ([]byte, error) { return nil, mine }); err != mine {
			t.Errorf("%s: %v", file, err)
		}
		shown, encrypted, err := ParsePublicOf(text)
		if err != nil || !encrypted || !key.Equal(shown, k.Public()) {
			t.Errorf("%s: public half: %v %v", file, encrypted, err)
		}
	}
}

func TestParsePEM(t *testing.T) {
	for _, file := range []string{
		"rsa.pem", "rsa.pkcs8", "ecdsa256.pem", "ecdsa256.pkcs8",
		"ecdsa384.pem", "ecdsa384.pkcs8", "ecdsa521.pem", "ecdsa521.pkcs8",
	} {
		k, _, err := ParsePrivate(read(t, file), never(t))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		name, _, _ := strings.Cut(file, ".")
		usable(t, k, name)
		if shown, encrypted, err := ParsePublicOf(read(t, file)); err != nil || encrypted || !key.Equal(shown, k.Public()) {
			t.Errorf("%s: public half: %v", file, err)
		}
	}
	for file, typ := range map[string]string{
		"openssl-ed25519.pkcs8": key.TypeEd25519, "openssl-ecdsa256.pem": key.TypeECDSA256,
	} {
		k, _, err := ParsePrivate(read(t, file), never(t))
		if err != nil || k.Public().Type() != typ {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestParseEncryptedPEM(t *testing.T) {
	for file, name := range map[string]string{"rsa.pem.enc": "rsa", "rsa.pkcs8.enc": "rsa"} {
		text := read(t, file)
		k, _, err := ParsePrivate(text, passphrase(testPassphrase))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		usable(t, k, name)
		var p *PassphraseError
		for _, wrong := range []string{"Opensesame", ""} {
			if _, _, err = ParsePrivate(text, passphrase(wrong)); !errors.As(err, &p) || !p.Wrong {
				t.Errorf("%s with passphrase %q: %v", file, wrong, err)
			}
		}
		if _, encrypted, err := ParsePublicOf(text); !errors.As(err, &p) || p.Wrong || !encrypted {
			t.Errorf("%s: public half: %v %v", file, encrypted, err)
		}
	}
}

func TestUnsupported(t *testing.T) {
	for name, text := range map[string]string{
		"DES":       "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,0011223344556677\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
		"PBES1":     string(read(t, "rsa.pbes1")),
		"other KDF": string(read(t, "rsa.scrypt")),
	} {
		var u *UnsupportedError
		if _, _, err := ParsePrivate([]byte(text), passphrase(testPassphrase)); !errors.As(err, &u) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNotAKey(t *testing.T) {
	plain := string(read(t, "ed25519"))
	lines := strings.SplitAfter(plain, "\n")
	for name, text := range map[string]string{
		"empty":      "",
		"text":       "Dear diary",
		"public key": string(read(t, "ed25519.pub")),
		"cut":        plain[:len(plain)/2],
		"no end":     strings.Join(lines[:len(lines)-2], ""),
		"one line":   lines[0] + lines[1] + lines[len(lines)-2],
		"other PEM":  "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"huge":       plain + strings.Repeat("#", MaxFile),
	} {
		var f *FormatError
		if _, _, err := ParsePrivate([]byte(text), nil); !errors.As(err, &f) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDamage flips each byte of an unencrypted file's binary form: it may give
// another comment or check number, never another key.
func TestDamage(t *testing.T) {
	f, err := openSSHFile(read(t, "ed25519"))
	if err != nil {
		t.Fatal(err)
	}
	whole := f.encode()
	want := public(t, "ed25519").Key
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 0x10
		k, comment, err := ParsePrivate(armor(opensshBlock, b), nil)
		if err == nil && (!key.Equal(k.Public(), want) || comment == "ed25519@test") {
			t.Errorf("byte %d flipped: no error", i)
		}
		if _, _, err := ParsePrivate(armor(opensshBlock, whole[:i]), nil); err == nil {
			t.Errorf("cut after %d bytes: no error", i)
		}
	}
	if _, _, err := ParsePrivate(armor(opensshBlock, append(bytes.Clone(whole), 0)), nil); err == nil {
		t.Error("a trailing byte was taken")
	}
}

func TestRoundCap(t *testing.T) {
	f, err := openSSHFile(read(t, "ed25519.enc"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rounds := range []int{0, MaxRounds + 1, 1<<32 - 1} {
		f.rounds = rounds
		var format *FormatError
		if _, _, err := ParsePrivate(armor(opensshBlock, f.encode()), passphrase(testPassphrase)); !errors.As(err, &format) {
			t.Errorf("%d rounds: %v", rounds, err)
		}
	}
	if _, err := MarshalPrivateAs(plainKey(t), "", []byte("x"), Encryption{Rounds: MaxRounds + 1}); err == nil {
		t.Error("a file was written that can't be read")
	}
	if _, err := MarshalPrivateAs(plainKey(t), "", []byte("x"), Encryption{Cipher: "rot13"}); err == nil {
		t.Error("an unknown cipher was taken")
	}
}

func plainKey(t *testing.T) *key.Private {
	t.Helper()
	k, _, err := ParsePrivate(read(t, "ed25519"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestMarshalPrivate(t *testing.T) {
	for _, name := range testNames {
		text := read(t, name)
		k, comment, err := ParsePrivate(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := MarshalPrivate(k, comment, nil)
		if err != nil {
			t.Fatal(err)
		}
		// Only the check numbers are random, so the rest must be what
		// ssh-keygen wrote, to the byte.
		a, _ := openSSHFile(ours)
		b, _ := openSSHFile(text)
		clear(a.private[:8])
		clear(b.private[:8])
		if !bytes.Equal(armor(opensshBlock, a.encode()), armor(opensshBlock, b.encode())) {
			t.Errorf("%s: not what ssh-keygen writes", name)
		}
		if bytes.Count(ours, []byte("\n")) != bytes.Count(text, []byte("\n")) || len(ours) != len(text) {
			t.Errorf("%s: the text has another shape than ssh-keygen's", name)
		}
	}
	for _, c := range Ciphers() {
		text, err := MarshalPrivateAs(plainKey(t), "a comment", []byte("pass"), Encryption{c, 1})
		if err != nil {
			t.Fatal(err)
		}
		k, comment, err := ParsePrivate(text, passphrase("pass"))
		if err != nil || comment != "a comment" {
			t.Fatalf("%s: %q %v", c, comment, err)
		}
		usable(t, k, "ed25519")
	}
}

// keygen runs the real ssh-keygen, which must be there.
func keygen(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("ssh-keygen", args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ssh-keygen %q: %v %s", args, err, stderr.String())
	}
	return string(out)
}

// TestKeygenReadsOurs writes each type plain and with each cipher for
// ssh-keygen.
func TestKeygenReadsOurs(t *testing.T) {
	dir := t.TempDir()
	for _, name := range testNames {
		k, _, err := ParsePrivate(read(t, name), nil)
		if err != nil {
			t.Fatal(err)
		}
		want := string(MarshalAuthorizedKey(AuthorizedKey{Key: k.Public(), Comment: "made here"}))
		path := filepath.Join(dir, name)
		for _, pass := range []string{"", "a pass phrase"} {
			if pass != "" && name != "ed25519" {
				continue // the derivation is the same for all, and slow
			}
			if err := SavePrivate(path, k, "made here", []byte(pass)); err != nil {
				t.Fatal(err)
			}
			if got := keygen(t, "-y", "-P", pass, "-f", path); got != want {
				t.Errorf("%s with passphrase %q: %s", name, pass, got)
			}
		}
	}
	for _, c := range Ciphers() {
		text, err := MarshalPrivateAs(plainKey(t), "", []byte("pass"), Encryption{c, 1})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, c)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := keygen(t, "-y", "-P", "pass", "-f", path); !strings.HasPrefix(got, key.TypeEd25519+" ") {
			t.Errorf("%s: %s", c, got)
		}
	}
}

// TestWeReadKeygen has ssh-keygen make each type and compares what both say
// about it.
func TestWeReadKeygen(t *testing.T) {
	dir := t.TempDir()
	for _, kind := range []string{"ed25519", "ecdsa -b 256", "ecdsa -b 384", "ecdsa -b 521", "rsa -b 1024", "rsa -b 3072"} {
		for _, pass := range []string{"", "pass"} {
			path := filepath.Join(dir, strings.ReplaceAll(kind, " ", "")+pass)
			args := append([]string{"-q", "-t"}, strings.Fields(kind)...)
			keygen(t, append(args, "-a", "2", "-C", "a comment", "-N", pass, "-f", path)...)
			k, comment, err := Load(path, passphrase(pass))
			if err != nil || comment != "a comment" {
				t.Fatalf("%s: %q %v", kind, comment, err)
			}
			line, err := os.ReadFile(path + ".pub")
			if err != nil {
				t.Fatal(err)
			}
			if got := MarshalAuthorizedKey(AuthorizedKey{Key: k.Public(), Comment: comment}); !bytes.Equal(got, line) {
				t.Errorf("%s: %s, not %s", kind, got, line)
			}
			for _, h := range []Hash{SHA256, MD5} {
				if got, want := listing(k.Public(), comment, h), keygen(t, "-lv", "-E", string(h), "-f", path+".pub"); got != want {
					t.Errorf("%s:\n%s, not\n%s", kind, got, want)
				}
			}
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "id")
	if err := os.WriteFile(path, read(t, "ed25519"), 0o600); err != nil {
		t.Fatal(err)
	}
	k, _, err := Load(path, never(t))
	if err != nil {
		t.Fatal(err)
	}
	usable(t, k, "ed25519")

	_, _, err = Load(filepath.Join(dir, "missing"), nil)
	var load *LoadError
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &load) || strings.Count(err.Error(), "missing") != 1 {
		t.Errorf("missing: %v", err)
	}
	if _, _, err = Load(dir, nil); err == nil {
		t.Error("a directory was loaded")
	}
	if runtime.GOOS == "windows" {
		return
	}
	for _, mode := range []fs.FileMode{0o644, 0o640, 0o601, 0o620} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		var open *PermissionsError
		if _, _, err = Load(path, never(t)); !errors.As(err, &open) || open.Mode.Perm() != mode {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

func TestWarning(t *testing.T) {
	e := &PermissionsError{Path: "/home/u/.ssh/id", Mode: 0o644}
	// What ssh-keygen -y prints for such a file.
	path := filepath.Join(t.TempDir(), "id")
	if err := os.WriteFile(path, read(t, "ed25519"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ssh-keygen", "-y", "-P", "", "-f", path).CombinedOutput()
	if err == nil {
		t.Fatal("ssh-keygen took a file that is too open")
	}
	e.Path = path
	if got := strings.ReplaceAll(string(out), "\r", ""); !strings.HasPrefix(got, e.Warning()) {
		t.Errorf("ours:\n%stheirs:\n%s", e.Warning(), got)
	}
}

func FuzzParsePrivate(f *testing.F) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if !file.IsDir() && !strings.HasSuffix(file.Name(), ".txt") {
			f.Add(read(f, file.Name()))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		k, comment, err := ParsePrivate(text, nil)
		if err != nil {
			return
		}
		out, err := MarshalPrivate(k, comment, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, c, err := ParsePrivate(out, nil)
		if err != nil || c != comment || !key.Equal(again.Public(), k.Public()) {
			t.Errorf("round trip: %q %v", c, err)
		}
	})
}

// FuzzParseOpenSSH fuzzes below the base64.
func FuzzParseOpenSSH(f *testing.F) {
	for _, name := range append(testNames, "ed25519.enc", "ed25519.aes256-gcm@openssh.com") {
		file, err := openSSHFile(read(f, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file.encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := parseOpenSSH(b)
		if err != nil || file.cipher != nil && file.rounds > 4 {
			return
		}
		if _, _, err := file.open([]byte("p")); err == nil && file.cipher != nil {
			t.Error("opened with a passphrase of the fuzzer's")
		}
	})
}
