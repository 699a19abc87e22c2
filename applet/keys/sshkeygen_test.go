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

// keygenFiles makes a key of each kind with the original, and files around them.
func keygenFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	run := func(args ...string) {
		if code, _, stderr := runReal(t, "", "ssh-keygen", args...); code != 0 {
			t.Fatalf("ssh-keygen %q: %s", args, stderr)
		}
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	for name, args := range map[string]string{
		"rsa": "-t rsa -b 2048", "ecdsa": "-t ecdsa -b 384", "ed25519": "-t ed25519", "dsa": "-t dsa", "pem": "-t rsa -b 1024 -m PEM",
	} {
		run(append(strings.Fields(args), "-q", "-N", "", "-C", name+" key", "-f", path(name))...)
	}
	for name, args := range map[string]string{"locked": "-t ed25519 -a 1", "lockedpem": "-t rsa -b 1024 -m PEM", "lockedpkcs8": "-t rsa -b 1024 -m PKCS8"} {
		run(append(strings.Fields(args), "-q", "-N", "secret", "-f", path(name))...)
	}
	run("-q", "-s", path("rsa"), "-I", "id", "-n", "me", path("ecdsa.pub"))
	text := func(name string) string { return testpeer.Read(t, path(name)) }
	bare := strings.Join(strings.Fields(text("ed25519.pub"))[:2], " ")
	for name, content := range map[string]string{
		"many": text("rsa.pub") + "\n# comment\n" + `no-pty,command="a \"b\" c" ` + text("ecdsa.pub") +
			"host.example " + bare + "\nhost.example " + bare + " # x\njunk\n",
		"bare": bare + "\n",
		"junk": "junk\n", "empty": "",
		"open": text("ed25519"),
	} {
		if err := os.WriteFile(path(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path("open"), 0o644); err != nil {
		t.Fatal(err)
	}
	for form, from := range map[string]string{"RFC4716": "rsa", "PKCS8": "ecdsa", "PEM": "rsa"} {
		_, out, _ := runReal(t, "", "ssh-keygen", "-e", "-m", form, "-f", path(from))
		if err := os.WriteFile(path(form), []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestKeygenLikeTheOriginal gives both the same command line: exit code, output
// and errors must be the same.
func TestKeygenLikeTheOriginal(t *testing.T) {
	dir := keygenFiles(t)
	var lines []string
	for _, name := range []string{"rsa", "ecdsa", "ed25519", "dsa", "pem"} {
		for _, options := range []string{
			"-y -P x", "-l", "-lv", "-l -E md5", "-lv -E MD5", "-B", "-B -v", "-e -m RFC4716", "-r h.example", "-g -r h.example",
		} {
			lines = append(lines, options+" -f DIR/"+name)
		}
		if name != "ed25519" {
			lines = append(lines, "-e -m PKCS8 -f DIR/"+name, "-e -m PEM -f DIR/"+name)
		}
	}
	for _, name := range []string{"locked", "lockedpem", "lockedpkcs8"} {
		lines = append(lines, "-y -P secret -f DIR/"+name, "-y -P wrong -f DIR/"+name, "-l -f DIR/"+name)
	}
	for _, mode := range []string{"-y", "-l", "-e", "-i", "-p -N x", "-c -C x"} {
		lines = append(lines, mode+" -f DIR/missing")
	}
	lines = append(lines,
		"-l -f DIR/many", "-l -f DIR/bare", "-lv -f DIR/many", "-l -f DIR/ecdsa-cert.pub", "-lv -f DIR/ecdsa-cert.pub", "-e -f DIR/ecdsa-cert.pub",
		"-l -f DIR/junk", "-l -f DIR/empty", "-y -P x -f DIR/open", "-y -P x -f DIR/rsa.pub",
		"-i -f DIR/RFC4716", "-i -m PKCS8 -f DIR/PKCS8", "-i -m PEM -f DIR/PEM",
		"-p -P wrong -N '' -f DIR/locked", "-c -P wrong -C x -f DIR/locked", "-m PEM -c -C x -f DIR/pem",
		"-r h -f DIR/missing", "-t no-such -f DIR/new", "-t rsa -b 512 -f DIR/new", "-t rsa -b 99999 -f DIR/new",
		"-t ecdsa -b 300 -f DIR/new", "-b x", "-b 0", "-a 0", "-a x", "-E foo", "-m foo", "-Z foo", "-M foo", "-z foo", "-z +foo",
		"-M generate", "-M screen a b", "-M generate -O foo=1 x", "-M screen -O foo=1 x", "-M screen -O generator=0 x",
		"-M generate -O bits=100 DIR/x", "-M generate -O start=xyz DIR/x", "-M screen -f DIR/missing DIR/x",
	)
	for _, line := range lines {
		args := strings.Fields(strings.ReplaceAll(line, "DIR", dir))
		for i := range args {
			if args[i] == "''" {
				args[i] = ""
			}
		}
		code, stdout, stderr := runDoor(t, "ssh-keygen", "", args...)
		wantCode, wantOut, wantErr := runReal(t, "", "ssh-keygen", args...)
		if code != wantCode || stdout != wantOut || stderr != wantErr {
			t.Errorf("ssh-keygen %s: %d, not %d\n%s%s--- not\n%s%s", line, code, wantCode, stdout, stderr, wantOut, wantErr)
		}
	}
}

var (
	artLine     = regexp.MustCompile(`(?m)^\|.{17}\|$`)
	fingerprint = regexp.MustCompile(`(SHA256|MD5):\S+`)
)

// shape takes out what differs from key to key.
func shape(text string) string {
	return fingerprint.ReplaceAllString(artLine.ReplaceAllString(text, "|art|"), "FP")
}

// TestKeygenGenerates makes a key of each kind here and there: the same text, the
// same files with the same modes, and each reads the other's.
func TestKeygenGenerates(t *testing.T) {
	for _, line := range []string{
		"-t ed25519", "-t ecdsa", "-t ecdsa -b 521", "-t rsa -b 1024", "-t ecdsa-sha2-nistp384 -q", "-t ed25519 -C some_words",
		"-t rsa -b 1024 -m PEM", "-t rsa -b 1024 -m PKCS8", "-t ed25519 -N secret -a 2 -Z aes128-gcm@openssh.com",
		"-t ed25519 -N secret -a 2 -Z chacha20-poly1305@openssh.com", "-t ecdsa -m PEM -N abc", "-t ecdsa -m PEM -N secret",
		"-t rsa -b 1024 -E md5 -N secret -a 1",
	} {
		dir, theirs := t.TempDir(), t.TempDir()
		args := strings.Fields(line)
		if !strings.Contains(line, "-N") {
			args = append(args, "-N", "")
		}
		code, stdout, stderr := runDoor(t, "ssh-keygen", "", append(args, "-f", filepath.Join(dir, "id"))...)
		wantCode, wantOut, wantErr := runReal(t, "", "ssh-keygen", append(args, "-f", filepath.Join(theirs, "id"))...)
		here, there := strings.ReplaceAll(shape(stdout+stderr), dir, "DIR"), strings.ReplaceAll(shape(wantOut+wantErr), theirs, "DIR")
		if code != wantCode || here != there {
			t.Errorf("%s: %d, not %d\n%s--- not\n%s", line, code, wantCode, here, there)
		}
		if code == 0 {
			sameKeyFiles(t, line, dir, theirs)
		}
	}
}

func sameKeyFiles(t *testing.T, what, dir, theirs string) {
	t.Helper()
	for _, name := range []string{"id", "id.pub"} {
		a, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.Stat(filepath.Join(theirs, name))
		if err != nil || a.Mode() != b.Mode() {
			t.Errorf("%s: %s has mode %v, not %v", what, name, a.Mode(), b.Mode())
		}
	}
	pub := strings.Fields(testpeer.Read(t, filepath.Join(dir, "id.pub")))
	wantPub := strings.Fields(testpeer.Read(t, filepath.Join(theirs, "id.pub")))
	if len(pub) != len(wantPub) || pub[0] != wantPub[0] || pub[len(pub)-1] != wantPub[len(wantPub)-1] {
		t.Errorf("%s: id.pub is %q, not like %q", what, pub, wantPub)
	}
	secret := ""
	if strings.Contains(what, "-N secret") {
		secret = "secret"
	}
	for _, dir := range []string{dir, theirs} {
		line := []string{"-y", "-P", secret, "-f", filepath.Join(dir, "id")}
		code, stdout, stderr := runDoor(t, "ssh-keygen", "", line...)
		wantCode, wantOut, wantErr := runReal(t, "", "ssh-keygen", line...)
		if code != 0 || wantCode != 0 || stdout != wantOut {
			t.Errorf("%s: %s%s--- not\n%s%s", what, stdout, stderr, wantOut, wantErr)
		}
	}
}

// TestKeygenChanges changes passphrases, formats, ciphers and comments, each time
// with one program, and looks with the other.
func TestKeygenChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "id")
	real := func(stdin string, args ...string) (int, string, string) {
		return runReal(t, stdin, "ssh-keygen", append(args, "-f", path)...)
	}
	ours := func(stdin string, args ...string) (int, string, string) {
		return runDoor(t, "ssh-keygen", stdin, append(args, "-f", path)...)
	}
	real("", "-q", "-t", "ecdsa", "-N", "", "-C", "first")
	for _, step := range []struct{ line, stdin, says string }{
		{"-p -P @ -N one -a 1", "", "Key has comment 'first'\nYour identification has been saved with the new passphrase.\n"},
		{"-p -P one -N two -Z 3des-cbc -a 1", "", "Key has comment 'first'\nYour identification has been saved with the new passphrase.\n"},
		{"-c -P two -C second -a 1", "", "Old comment: first\nComment 'second' applied\n"},
		{"-c -P two -C second -a 1", "", "Old comment: second\nNo change to comment\n"},
		{"-c -P two -a 1", "third words\n", "Old comment: second\nNew comment: Comment 'third words' applied\n"},
		{"-c -P two -C @ -a 1", "", "Old comment: third words\nComment removed\n"},
		{"-p -P two -N three -m PEM", "", "Key has comment ''\nYour identification has been saved with the new passphrase.\n"},
		{"-p -P three -N fourth -m PKCS8", "", "Your identification has been saved with the new passphrase.\n"},
		{"-c -P fourth -C again -a 1", "", "No existing comment\nComment 'again' applied\n"},
		{"-p -P fourth -N @", "", "Key has comment 'again'\nYour identification has been saved with the new passphrase.\n"},
	} {
		args := strings.Fields(step.line)
		for i := range args {
			if args[i] == "@" {
				args[i] = ""
			}
		}
		before := testpeer.Read(t, path)
		wantCode, wantOut, wantErr := real(step.stdin, args...)
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := ours(step.stdin, args...)
		if code != 0 || wantCode != 0 || stdout != wantOut || stdout != step.says {
			t.Fatalf("%s: %d, not %d\n%s%s--- not\n%s%s", step.line, code, wantCode, stdout, stderr, wantOut, wantErr)
		}
		_, new, _ := strings.Cut(step.line, "-N ")
		new = strings.TrimPrefix(strings.Fields(new + " @")[0], "@")
		if strings.HasPrefix(step.line, "-c") {
			new = strings.Fields(step.line)[2]
		}
		if code, _, stderr := real("", "-y", "-P", new); code != 0 {
			t.Fatalf("%s: the original can't read it: %s", step.line, stderr)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v %v", step.line, info.Mode(), err)
		}
	}
}

// TestKeygenRefuses: what is left to others gets one clear sentence.
func TestKeygenRefuses(t *testing.T) {
	dir := t.TempDir()
	for line, want := range map[string]string{
		"-t ecdsa-sk":   "security keys",
		"-t ed25519-sk": "security keys",
		"-t dsa":        "DSA keys are not made",
		"-D lib.so":     "PKCS#11",
		"-K":            "security key",
	} {
		code, stdout, stderr := runDoor(t, "ssh-keygen", "", append(strings.Fields(line), "-N", "", "-f", filepath.Join(dir, "id"))...)
		if code == 0 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: %d %s%s", line, code, stdout, stderr)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	code, _, stderr := runDoor(t, "ssh-keygen", "", "-y", "x")
	if code != 1 || !strings.HasPrefix(stderr, "Too many arguments.\nusage: ssh-keygen ") {
		t.Errorf("%d %s", code, stderr)
	}
	code, _, stderr = runDoor(t, "ssh-keygen", "", "-x")
	if code != 1 || !strings.HasPrefix(stderr, "ssh-keygen: unknown option -- x\nusage: ") {
		t.Errorf("%d %s", code, stderr)
	}
}

// TestKeygenOverwrites asks, in both programs with the same words, and leaves
// the file where the answer isn't yes.
func TestKeygenOverwrites(t *testing.T) {
	for _, answer := range []string{"", "n\n", "yes\n", "Y\n", "\n"} {
		path := filepath.Join(t.TempDir(), "id")
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"-t", "ed25519", "-N", "", "-f", path}
		code, stdout, _ := runDoor(t, "ssh-keygen", answer, args...)
		replaced := testpeer.Read(t, path) != "old"
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		wantCode, wantOut, _ := runReal(t, answer, "ssh-keygen", args...)
		if code != wantCode || shape(stdout) != shape(wantOut) || replaced != (testpeer.Read(t, path) != "old") {
			t.Errorf("answer %q: %d, not %d\n%s--- not\n%s", answer, code, wantCode, stdout, wantOut)
		}
	}
}

// TestKeygenAsks answers the questions on standard input, as a script without a
// terminal does.
func TestKeygenAsks(t *testing.T) {
	dir := t.TempDir()
	script := "cd " + dir + " && " +
		"printf 'id\\none\\nother\\nsecret\\nsecret\\n' | HOME=" + dir + " setsid --wait nacre ssh-keygen -t ed25519 -C me -a 1 && " +
		"printf 'secret\\nnew\\nnew\\n' | setsid --wait nacre ssh-keygen -p -a 1 -f id && " +
		"printf 'new\\n' | setsid --wait nacre ssh-keygen -y -f id"
	out, err := exec.Command("sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"Generating public/private ed25519 key pair.\nEnter file in which to save the key (" + dir + "/.ssh/id_ed25519): ",
		`Enter passphrase for "id" (empty for no passphrase): Enter same passphrase again: Passphrases do not match.  Try again.`,
		"Enter old passphrase: Key has comment 'me'\nEnter new passphrase (empty for no passphrase): Enter same passphrase again: Your identification",
		`Enter passphrase for "id": ssh-ed25519 `,
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// TestKeygenHostKeys makes what is missing, and nothing else.
func TestKeygenHostKeys(t *testing.T) {
	dir := t.TempDir()
	ssh := filepath.Join(dir, "etc/ssh")
	if err := os.MkdirAll(ssh, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(ssh, "ssh_host_rsa_key"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := runDoor(t, "ssh-keygen", "", "-A", "-f", dir)
	if code != 0 || stdout != "ssh-keygen: generating new host keys: ECDSA ED25519 \n" || stderr != "" {
		t.Errorf("%d %q %s", code, stdout, stderr)
	}
	for _, name := range []string{"ecdsa", "ed25519"} {
		path := filepath.Join(ssh, "ssh_host_"+name+"_key")
		k, comment, err := keyfile.Load(path, nil)
		if err != nil || comment != userAtHost() {
			t.Fatalf("%s: %q %v", name, comment, err)
		}
		if public, _, err := shownPublic(path + ".pub"); err != nil || !key.Equal(public, k.Public()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if code, stdout, _ := runDoor(t, "ssh-keygen", "", "-A", "-f", dir); code != 0 || stdout != "" || testpeer.Read(t, filepath.Join(ssh, "ssh_host_rsa_key")) != "mine" {
		t.Errorf("the second time: %d %q", code, stdout)
	}
}

// TestKeygenRecords chooses one digest, as newer originals do.
func TestKeygenRecords(t *testing.T) {
	dir := t.TempDir()
	testKeyFile(t, dir)
	records := func(options ...string) (int, string) {
		code, stdout, _ := runDoor(t, "ssh-keygen", "", append(options, "-r", "h", "-f", filepath.Join(dir, "rsa"))...)
		return code, stdout
	}
	_, both := records()
	_, one := records("-O", "hashalg=sha1")
	_, two := records("-O", "hashalg=SHA256")
	if !strings.HasPrefix(one, "h IN SSHFP 1 1 ") || !strings.HasPrefix(two, "h IN SSHFP 1 2 ") || one+two != both {
		t.Errorf("%s%s, not %s", one, two, both)
	}
	if code, stdout := records("-O", "hashalg=md4"); code != 255 || stdout != "" {
		t.Errorf("%d %s", code, stdout)
	}
}
