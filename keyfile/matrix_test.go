package keyfile

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/key"
)

// tool runs a program that must succeed.
func toolOutput(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v %s", name, args, err, stderr.String())
	}
	return out
}

func stored(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var pemNames = []string{"rsa", "ecdsa256", "ecdsa384", "ecdsa521", "dsa"}

func parsed(t *testing.T, name string) *key.Private {
	t.Helper()
	k, _, err := ParsePrivate(read(t, name), nil)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return k
}

// TestWritesWhatKeygenWrites compares files that have nothing random in them.
func TestWritesWhatKeygenWrites(t *testing.T) {
	for _, name := range pemNames {
		path := stored(t, name, read(t, name))
		for _, c := range []struct {
			form   string
			format Format
		}{{"PEM", FormatPEM}, {"PKCS8", FormatPKCS8}} {
			toolOutput(t, "ssh-keygen", "-q", "-p", "-P", "", "-N", "", "-m", c.form, "-f", path)
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Marshal(c.format, parsed(t, name), "", nil, Encryption{})
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s as %s: %v\n%s, not\n%s", name, c.form, err, got, want)
			}
			k, _, err := ParsePrivate(want, never(t))
			if err != nil {
				t.Fatalf("%s as %s: %v", name, c.form, err)
			}
			usable(t, k, name)
		}
	}
}

// TestEncryptedPEMBothWays has ssh-keygen and OpenSSL open what is written here,
// and the other way.
func TestEncryptedPEMBothWays(t *testing.T) {
	for _, name := range []string{"rsa", "ecdsa384", "dsa"} {
		for form, format := range map[string]Format{"PEM": FormatPEM, "PKCS8": FormatPKCS8} {
			ours, err := Marshal(format, parsed(t, name), "", []byte("secret"), Encryption{})
			if err != nil {
				t.Fatal(err)
			}
			path := stored(t, name, ours)
			line := string(toolOutput(t, "ssh-keygen", "-y", "-P", "secret", "-f", path))
			if !strings.HasPrefix(string(read(t, name+".pub")), strings.TrimSpace(line)) {
				t.Errorf("%s as %s: ssh-keygen reads %s", name, form, line)
			}
			toolOutput(t, "ssh-keygen", "-q", "-p", "-P", "secret", "-N", "others", "-m", form, "-f", path)
			theirs, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			k, _, err := ParsePrivate(theirs, passphrase("others"))
			if err != nil {
				t.Fatalf("%s as %s by ssh-keygen: %v", name, form, err)
			}
			usable(t, k, name)
			refusesWrong(t, name+" as "+form, theirs)
		}
	}
}

func refusesWrong(t *testing.T, what string, text []byte) {
	t.Helper()
	var p *PassphraseError
	for _, wrong := range []string{"", "Others", "another"} {
		if _, _, err := ParsePrivate(text, passphrase(wrong)); !errors.As(err, &p) || !p.Wrong {
			t.Errorf("%s with passphrase %q: %v", what, wrong, err)
		}
	}
}

// TestOpenSSLCiphers reads every cipher and pseudorandom function, in both of
// OpenSSL's encryptions.
func TestOpenSSLCiphers(t *testing.T) {
	path := stored(t, "rsa", read(t, "rsa.pem"))
	for _, c := range []string{"-aes128", "-aes192", "-aes256", "-des3"} {
		text := toolOutput(t, "openssl", "rsa", "-traditional", "-in", path, c, "-passout", "pass:others")
		k, _, err := ParsePrivate(text, passphrase("others"))
		if err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		usable(t, k, "rsa")
		refusesWrong(t, c, text)
	}
	for _, c := range []string{"aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3"} {
		for _, prf := range []string{"hmacWithSHA1", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512"} {
			text := toolOutput(t, "openssl", "pkcs8", "-topk8", "-in", path, "-v2", c, "-v2prf", prf, "-iter", "9", "-passout", "pass:others")
			k, _, err := ParsePrivate(text, passphrase("others"))
			if err != nil {
				t.Fatalf("%s %s: %v", c, prf, err)
			}
			usable(t, k, "rsa")
			refusesWrong(t, c+" "+prf, text)
		}
	}
}

// TestEdwardsPKCS8 exchanges the types with OpenSSL that ssh-keygen keeps in its
// own format only.
func TestEdwardsPKCS8(t *testing.T) {
	for _, name := range []string{"ed25519", "ed448"} {
		text := toolOutput(t, "openssl", "genpkey", "-algorithm", name)
		k, _, err := ParsePrivate(text, never(t))
		if err != nil || k.Public().Type() != "ssh-"+name {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := Marshal(FormatPKCS8, k, "", nil, Encryption{})
		if err != nil || !bytes.Equal(again, text) {
			t.Errorf("%s: %v\n%s, not\n%s", name, err, again, text)
		}
		path := stored(t, name, text)
		want := toolOutput(t, "openssl", "pkey", "-in", path, "-pubout")
		public, err := MarshalPublic(PublicPKCS8, k.Public(), "")
		if err != nil || !bytes.Equal(public, want) {
			t.Errorf("%s: %v\n%s, not\n%s", name, err, public, want)
		}
		back, _, format, err := ParsePublic(want)
		if err != nil || format != PublicPKCS8 || !key.Equal(back, k.Public()) {
			t.Errorf("%s: %v", name, err)
		}
		ours, err := Marshal(FormatPKCS8, k, "", []byte("secret"), Encryption{})
		if err != nil {
			t.Fatal(err)
		}
		if got := toolOutput(t, "openssl", "pkey", "-in", stored(t, name, ours), "-passin", "pass:secret"); !bytes.Equal(got, text) {
			t.Errorf("%s encrypted: OpenSSL reads\n%s", name, got)
		}
	}
}

// TestEveryFormat writes each type in each format that can hold it, with and
// without a passphrase, and reads it again.
func TestEveryFormat(t *testing.T) {
	keys := map[string]*key.Private{}
	for _, name := range append(testNames, "dsa", "ed25519_sk1", "ecdsa_sk1") {
		keys[name] = parsed(t, name)
	}
	held := map[Format]int{}
	for name, k := range keys {
		for _, f := range formats() {
			for _, secret := range []string{"", "secret"} {
				if secret != "" && name != "rsa" && name != "ed25519" {
					continue // the encryption is the same for all, and slow
				}
				text, err := Marshal(f.name, k, "a comment", []byte(secret), Encryption{Rounds: 1})
				if err != nil {
					continue // TestCantHold says which
				}
				held[f.name]++
				if found, ok := FormatOf(text); !ok || found != f.name {
					t.Errorf("%s as %s is taken for %q", name, f.name, found)
				}
				again, _, err := ParsePrivate(text, passphrase(secret))
				if err != nil || !key.Equal(again.Public(), k.Public()) {
					t.Errorf("%s as %s with passphrase %q: %v", name, f.name, secret, err)
				}
			}
		}
	}
	if held[FormatOpenSSH] != 10 || held[FormatPEM] != 6 || held[FormatPKCS8] != 8 {
		t.Errorf("held: %v", held)
	}
}

func TestCantHold(t *testing.T) {
	var u *UnsupportedError
	for name, f := range map[string]Format{"ed25519": FormatPEM, "ed25519_sk1": FormatPKCS8, "ecdsa_sk1": FormatPEM} {
		if _, err := Marshal(f, parsed(t, name), "", nil, Encryption{}); !errors.As(err, &u) {
			t.Errorf("%s as %s: %v", name, f, err)
		}
	}
	if _, err := Marshal("papyrus", parsed(t, "rsa"), "", nil, Encryption{}); err == nil {
		t.Error("an unknown format was written")
	}
}

// TestTokens reads files of security keys and has ssh-keygen read ours.
func TestTokens(t *testing.T) {
	for _, name := range []string{"ed25519_sk1", "ecdsa_sk1"} {
		k := parsed(t, name)
		want := strings.TrimSpace(string(read(t, name+".pub")))
		if got := string(MarshalAuthorizedKey(AuthorizedKey{Key: k.Public()})); !strings.HasPrefix(want, strings.TrimSpace(got)) {
			t.Errorf("%s: %s", name, got)
		}
		locked, comment, err := ParsePrivate(read(t, name+"_pw"), passphrase("mekmitasdigoat"))
		if err != nil || !key.Equal(locked.Public(), k.Public()) {
			t.Fatalf("%s encrypted: %v", name, err)
		}
		ours, err := MarshalPrivate(locked, comment, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(toolOutput(t, "ssh-keygen", "-y", "-P", "", "-f", stored(t, name, ours))); strings.TrimSpace(got) != want {
			t.Errorf("%s: ssh-keygen reads %s, not %s", name, got, want)
		}
	}
}

// TestPublicFormats writes what ssh-keygen -e writes, and reads it again.
func TestPublicFormats(t *testing.T) {
	for _, name := range append(testNames, "dsa") {
		line := stored(t, name+".pub", read(t, name+".pub"))
		for _, f := range []PublicFormat{PublicRFC4716, PublicPKCS8, PublicPEM} {
			k := public(t, name).Key
			text, err := MarshalPublic(f, k, "a comment")
			if err != nil {
				t.Fatalf("%s as %s: %v", name, f, err)
			}
			back, comment, format, err := ParsePublic(text)
			if err != nil || !key.Equal(back, k) || format != f && f != PublicPEM || f == PublicRFC4716 && comment != "a comment" {
				t.Errorf("%s as %s: %q %v", name, f, comment, err)
			}
			if f != PublicRFC4716 && name == "ed25519" {
				continue // ssh-keygen has no such form for it
			}
			want := toolOutput(t, "ssh-keygen", "-e", "-m", string(f), "-f", line)
			if f == PublicRFC4716 { // the comment says who did it
				text, want = withoutComment(text), withoutComment(want)
			}
			if !bytes.Equal(text, want) {
				t.Errorf("%s as %s:\n%s, not\n%s", name, f, text, want)
			}
		}
	}
}

func withoutComment(text []byte) []byte {
	before, after, _ := bytes.Cut(text, []byte("Comment: "))
	_, after, _ = bytes.Cut(after, []byte("\n"))
	return append(bytes.Clone(before), after...)
}

func TestRFC4716(t *testing.T) {
	k := public(t, "ed25519").Key
	plain, err := MarshalPublic(PublicRFC4716, k, "")
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Split(string(plain), "\n")[1]
	with := func(headers string) string { return rfc4716Begin + "\n" + headers + body + "\n" + rfc4716End + "\n" }
	for text, want := range map[string]string{
		with(""):                                                  "",
		with("Comment: plain words\n"):                            "plain words",
		with("Comment: \"quoted: words\"\n"):                      "quoted: words",
		with("COMMENT: upper\nSubject: me\n"):                     "upper",
		with("Comment: in \\\ntwo lines\n"):                       "in two lines",
		with("x-a: b\\\nc\\\nd\nComment: after\n"):                "after",
		with("Comment: empty line\n\n"):                           "empty line",
		strings.ReplaceAll(with("Comment: crlf\n"), "\n", "\r\n"): "crlf",
		strings.ReplaceAll(with("Comment: cr\n"), "\n", "\r"):     "cr",
	} {
		got, comment, f, err := ParsePublic([]byte(text))
		if err != nil || comment != want || f != PublicRFC4716 || !key.Equal(got, k) {
			t.Errorf("%q: %q %v", text, comment, err)
		}
	}
	for _, text := range []string{
		rfc4716Begin + "\n", rfc4716Begin + "\n" + body, with("x: " + strings.Repeat("y", 2000) + "\n"),
		with("Comment: " + strings.Repeat("y\\\n", 2000) + "\n"), strings.Replace(with(""), body, body[:20], 1), with("AAAA\n"),
	} {
		if _, _, _, err := ParsePublic([]byte(text)); err == nil {
			t.Errorf("%.80q was taken", text)
		}
	}
	long, err := MarshalPublic(PublicRFC4716, k, strings.Repeat("long ", 60)+"\nend")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(long), "\n") {
		if len(line) > rfc4716Line {
			t.Errorf("line of %d bytes: %s", len(line), line)
		}
	}
	if _, comment, _, err := ParsePublic(long); err != nil || comment != strings.Repeat("long ", 60)+" end" {
		t.Errorf("%q %v", comment, err)
	}
}

func TestBubblebabble(t *testing.T) {
	// The vectors of the encoding's specification.
	for in, want := range map[string]string{
		"": "xexax", "1234567890": "xesef-disof-gytuf-katof-movif-baxux", "Pineapple": "xigak-nyryk-humil-bosek-sonax",
	} {
		if got := bubblebabble([]byte(in)); got != want {
			t.Errorf("%q: %s, not %s", in, got, want)
		}
	}
	for _, name := range testNames {
		want := strings.Fields(string(toolOutput(t, "ssh-keygen", "-B", "-f", stored(t, "k.pub", read(t, name+".pub")))))[1]
		if got := Bubblebabble(public(t, name).Key); got != want {
			t.Errorf("%s: %s, not %s", name, got, want)
		}
	}
}
