package keys

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
)

// TestKeygenForeign reads what the original doesn't: keys of PuTTY and Dropbear.
func TestKeygenForeign(t *testing.T) {
	dir := t.TempDir()
	k := testKeyFile(t, dir)
	for _, f := range []keyfile.Format{keyfile.FormatPPK, keyfile.FormatDropbear, keyfile.FormatSSHCom} {
		text, err := keyfile.Marshal(f, k, "a comment", nil, keyfile.Encryption{})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "foreign")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		want := keyfile.FingerprintSHA256(k.Public())
		if code, stdout, stderr := runDoor(t, "ssh-keygen", "", "-l", "-f", path); code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("%s: %d %s%s", f, code, stdout, stderr)
		}
		if code, stdout, stderr := runDoor(t, "ssh-keygen", "", "-i", "-f", path); code != 0 || !strings.HasPrefix(stdout, "-----BEGIN RSA PRIVATE KEY-----\n") {
			t.Errorf("%s: %d %s%s", f, code, stdout, stderr)
		}
	}
}

// TestKeygenKeepsForeign changes files of other programs, which stay what they
// are.
func TestKeygenKeepsForeign(t *testing.T) {
	dir := t.TempDir()
	k := testKeyFile(t, dir)
	path := filepath.Join(dir, "key.ppk")
	text, err := keyfile.Marshal(keyfile.FormatPPK, k, "first", nil, keyfile.Encryption{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-c", "-C", "second"}, {"-p", "-N", "secret"}} {
		if code, stdout, stderr := runDoor(t, "ssh-keygen", "", append(args, "-f", path)...); code != 0 {
			t.Fatalf("%q: %s%s", args, stdout, stderr)
		}
	}
	if f, _ := keyfile.FormatOf([]byte(testpeer.Read(t, path))); f != keyfile.FormatPPK {
		t.Errorf("it became %s", f)
	}
	again, comment, err := keyfile.Load(path, func() ([]byte, error) { return []byte("secret"), nil })
	if err != nil || comment != "second" || !key.Equal(again.Public(), k.Public()) {
		t.Errorf("%q %v", comment, err)
	}
}

// TestKeygenToDevice writes to a pipe, and doesn't put a file in its place.
func TestKeygenToDevice(t *testing.T) {
	dir := t.TempDir()
	script := "cd " + dir + " && mkfifo pipe && { cat pipe > got & } && echo y | nacre ssh-keygen -q -t ed25519 -N '' -f pipe && wait"
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if _, _, err := keyfile.ParsePrivate([]byte(testpeer.Read(t, filepath.Join(dir, "got"))), nil); err != nil {
		t.Error(err)
	}
	if info, err := os.Lstat(filepath.Join(dir, "pipe")); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe was replaced: %v", err)
	}
}

func testKeyFile(t *testing.T, dir string) *key.Private {
	t.Helper()
	path := filepath.Join(dir, "rsa")
	if code, _, stderr := runReal(t, "", "ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", path); code != 0 {
		t.Fatal(stderr)
	}
	k, _, err := keyfile.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestKeygenModuli screens in two parts, with a checkpoint between, what the
// original screens in one.
func TestKeygenModuli(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	candidates := strings.Repeat("20260101000000 4 2 10 510 0 C1\n", 2) + moduliSample + "# comment\n" + moduliSample
	if err := os.WriteFile(path("in"), []byte(candidates), 0o600); err != nil {
		t.Fatal(err)
	}
	screen := []string{"-M", "screen", "-O", "prime-tests=4", "-f", path("in")}
	if code, _, stderr := runReal(t, "", "ssh-keygen", append(screen, path("theirs"))...); code != 0 {
		t.Fatal(stderr)
	}
	for _, part := range [][]string{{"-O", "lines=3", "-O", "checkpoint=" + path("point")}, {"-O", "start-line=3"}} {
		code, _, stderr := runDoor(t, "ssh-keygen", "", append(append(part, screen...), path("ours"))...)
		if code != 0 || !strings.Contains(stderr, " Found 1 safe primes of 1 candidates in ") {
			t.Fatalf("%d %s", code, stderr)
		}
	}
	times := regexp.MustCompile(`(?m)^\d{14}`)
	ours, theirs := times.ReplaceAllString(testpeer.Read(t, path("ours")), ""), times.ReplaceAllString(testpeer.Read(t, path("theirs")), "")
	if ours != theirs || strings.Count(ours, "\n") != 2 {
		t.Errorf("%s, not %s", ours, theirs)
	}
	if _, err := os.Stat(path("point")); err == nil {
		t.Error("the checkpoint was left behind")
	}
}

// moduliSample is a candidate for a safe prime, and one.
const moduliSample = "20260101000000 4 2 10 515 0 C000000000000000000000000000000000000000000000000000000000000000" +
	"0000000000000000000000000000000000000000000000000000000000002F789\n"

func FuzzListedKey(f *testing.F) {
	f.Add([]byte(hostsKeyA))
	f.Add([]byte(`no-pty,command="a \"b\" c" ` + hostsKeyB + " a comment"))
	f.Add([]byte("|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= " + hostsKeyA + " # x"))
	f.Fuzz(func(t *testing.T, line []byte) {
		public, comment, ok := listedKey(line)
		if ok != (public != nil) || len(comment) > len(line) {
			t.Errorf("%q: %q", line, comment)
		}
	})
}
