package keys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What dropbearkey prints and how it ends, of the same input, is what ours does.
func TestDropbearkeyLikeTheirs(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"rsa", "dss", "ecdsa", "ed25519"} {
		must(t, dir, "dropbearkey", "-t", name, "-f", name)
	}
	if err := os.WriteFile(filepath.Join(dir, "exists"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"-y -f rsa", "-y -f dss", "-y -f ecdsa", "-yf ed25519", "-y -f nofile",
		"-t rsa -s 100 -f x", "-t rsa -s 1025 -f x", "-t ed25519 -s 255 -f x", "-t ecdsa -s 100 -f x", "-t rsa -s x -f x",
		"-t ed25519 -f exists",
	} {
		args := strings.Fields(strings.Replace(line, "-yf", "-y -f", 1))
		theirs := runIn(t, dir, "", append([]string{"dropbearkey"}, args...)...)
		ours := insideOf(t, runDropbearkey, strings.Fields(line)...)
		if ours != theirs {
			t.Errorf("dropbearkey %s\ntheirs %+v\nours   %+v", line, theirs, ours)
		}
	}
	// Where they show their own options, the first line is the same.
	for _, line := range []string{"", "-Q", "-t foo -f x", "-f x"} {
		theirs := runIn(t, dir, "", append([]string{"dropbearkey"}, strings.Fields(line)...)...)
		ours := insideOf(t, runDropbearkey, strings.Fields(line)...)
		a, _, _ := strings.Cut(theirs.err, "\n")
		b, _, _ := strings.Cut(ours.err, "\n")
		if a != b || ours.code != theirs.code || !strings.Contains(ours.err, "\nUsage: dropbearkey -t <type>") {
			t.Errorf("dropbearkey %s\ntheirs %+v\nours   %+v", line, theirs, ours)
		}
	}
}

func TestDropbearkeyMakes(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for line, want := range map[string]string{
		"-t rsa -s 1024":      "Generating 1024 bit rsa key, this may take a while...\n",
		"-t ecdsa":            "Generating 256 bit ecdsa key, this may take a while...\n",
		"-t ecdsa -s 521":     "Generating 521 bit ecdsa key, this may take a while...\n",
		"-t ed25519 -C a@b":   "Generating 256 bit ed25519 key, this may take a while...\n",
		"-t ed25519 -N -q -v": "",
	} {
		file := strings.ReplaceAll(line, " ", "")
		r := insideOf(t, runDropbearkey, append([]string{"-f", file}, strings.Fields(line)...)...)
		if want == "" { // -N takes "-q" for a passphrase
			if r.code != 1 || !strings.Contains(r.err, "Only empty passphrase") {
				t.Errorf("%s: %+v", line, r)
			}
			continue
		}
		theirs := must(t, dir, "dropbearkey", "-y", "-f", file)
		if strings.Contains(line, "-C") {
			theirs = strings.Replace(theirs, lastWord(strings.Split(theirs, "\n")[1]), "a@b", 1)
		}
		if r != (ran{theirs, want, 0}) {
			t.Errorf("%s: %+v, want %s", line, r, theirs)
		}
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
	if r := insideOf(t, runDropbearkey, "-t", "dss", "-f", "x"); r.code != 1 || !strings.Contains(r.err, "not made any more") {
		t.Errorf("%+v", r)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.tmp*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func lastWord(line string) string {
	words := strings.Fields(line)
	return words[len(words)-1]
}

// dropbearconvert writes the same bytes as theirs, in both directions, and says
// the same.
func TestDropbearconvert(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"rsa", "dss", "ecdsa", "ed25519"} {
		must(t, dir, "dropbearkey", "-t", name, "-f", name)
		for _, way := range [][2]string{{"dropbear", "openssh"}, {"openssh", "dropbear"}} {
			from := name
			if way[0] == "openssh" {
				from = name + ".theirs.openssh"
			}
			theirs := runIn(t, dir, "", "dropbearconvert", way[0], way[1], from, name+".theirs."+way[1])
			ours := insideOf(t, runDropbearconvert, way[0], way[1], from, name+".ours."+way[1])
			ours.err = strings.ReplaceAll(ours.err, ".ours.", ".theirs.")
			if ours != theirs {
				t.Errorf("%s %v: theirs %+v, ours %+v", name, way, theirs, ours)
			}
			if a, b := fileIn(t, dir, name+".theirs."+way[1]), fileIn(t, dir, name+".ours."+way[1]); a != b {
				t.Errorf("%s %v: theirs\n%q\nours\n%q", name, way, a, b)
			}
		}
	}
	must(t, dir, "ssh-keygen", "-q", "-t", "ecdsa", "-N", "secret", "-f", "locked")
	for _, line := range []string{"a b c d", "openssh x c d", "openssh dropbear nofile out", "openssh dropbear rsa.theirs.openssh nodir/out", ""} {
		theirs := runIn(t, dir, "", append([]string{"dropbearconvert"}, strings.Fields(line)...)...)
		ours := insideOf(t, runDropbearconvert, strings.Fields(line)...)
		a, b := strings.Split(theirs.err, "\n"), strings.Split(ours.err, "\n")
		if ours.code != theirs.code || !strings.HasPrefix(b[0], a[0]) && !strings.HasPrefix(line, "openssh dropbear rsa") {
			t.Errorf("dropbearconvert %s\ntheirs %+v\nours   %+v", line, theirs, ours)
		}
		if n := len(a) - 2; strings.HasPrefix(a[n], "Error") && b[len(b)-2] != a[n] {
			t.Errorf("dropbearconvert %s\ntheirs %+v\nours   %+v", line, theirs, ours)
		}
	}
	if r := insideOf(t, runDropbearconvert, "openssh", "dropbear", "locked", "out"); r.code != 1 || !strings.Contains(r.err, "Encrypted keys are not supported") {
		t.Errorf("%+v", r)
	}
	for _, wrong := range []string{"openssh dropbear rsa out", "dropbear openssh rsa.theirs.openssh out", "dropbear openssh none out"} {
		r := insideOf(t, runDropbearconvert, append([]string{"-t"}, strings.Fields(wrong)...)...)
		if r.code != 1 || !strings.Contains(r.err, "Error reading key from") {
			t.Errorf("%s: %+v", wrong, r)
		}
	}
}
