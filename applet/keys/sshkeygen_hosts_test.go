package keys

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/applet/door"
)

// runDoor runs a door in this process and returns what it printed.
func runDoor(t *testing.T, name string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) *os.File {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	in, out, errs := file("in"), file("out"), file("err")
	if _, err := in.WriteString(stdin); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	d := door.Find(Doors(), name)
	code = d.Run(t.Context(), &door.Env{Name: name, Args: args, Stdin: in, Stdout: out, Stderr: errs, Getenv: os.Getenv})
	return code, readText(t, out.Name()), readText(t, errs.Name())
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// runReal runs the original.
func runReal(t *testing.T, stdin, program string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	plain := func(b bytes.Buffer) string { return strings.ReplaceAll(b.String(), "\r\n", "\n") }
	return cmd.ProcessState.ExitCode(), plain(out), plain(errs)
}

const (
	hostsKeyA = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIWbn7GZcrUMfb4FBWjMHw+WNyVGPVlCIlm6wOVbGRiN"
	hostsKeyB = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFMJAljoaxo0TQDOvYLwL6LcN2KLKGgskPi6sWRjhMc17n/87Ahh1g2CbrF9UYPKD3CREp5VH5CsTLPGx7SmyBo="
)

// hostsFiles are known_hosts files as people have them, and broken ones.
func hostsFiles() map[string]string {
	return map[string]string{
		"plain":     "# mine\n\nh,i " + hostsKeyA + " a comment\n  [h]:2222\t" + hostsKeyB + "\nother " + hostsKeyA + "\nH.example " + hostsKeyB + "\n",
		"no end":    "h " + hostsKeyA + "\ni " + hostsKeyB,
		"markers":   "@cert-authority *.example,h " + hostsKeyA + " ca\n@revoked * " + hostsKeyB + "\nh " + hostsKeyB + "\n",
		"wildcards": "*.example,!bad.example " + hostsKeyA + "\nh?st " + hostsKeyB + "\nh " + hostsKeyA + "\n!h,* " + hostsKeyA + "\n",
		"hashed":    "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= " + hostsKeyA + "\n|1|damaged " + hostsKeyB + "\nh " + hostsKeyA + "\n",
		"hash only": "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= " + hostsKeyA + "\n",
		"junk":      "h\ngarbage\nh " + hostsKeyA + "\n@unheard h " + hostsKeyA + "\nh 1024 35 1234\nh x-future AAAA\nh ssh-rsa\nh ssh-rsa #c\nh ssh-ed25519 AAAA\n",
		"damaged":   "h ssh-ed25519 AAAA\nh " + hostsKeyA + "\n",
		"crlf":      "h " + hostsKeyA + " c\r\ni " + hostsKeyB + "\r\n",
		"empty":     "",
	}
}

// salted are hashed names, which are never the same twice.
var salted = regexp.MustCompile(`\|1\|[A-Za-z0-9+/=]{28}\|[A-Za-z0-9+/=]{28}`)

// chatter is what -v adds about lines that are passed over.
var chatter = regexp.MustCompile(`(?m)^hostkeys_foreach.*\n`)

func TestKeygenHostsLikeTheOriginal(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	const path = "known_hosts"
	state := func() string {
		var b strings.Builder
		for _, name := range []string{path, path + ".old"} {
			text, err := os.ReadFile(name)
			if err != nil {
				b.WriteString(name + " is missing\n")
				continue
			}
			b.WriteString(name + ":\n" + salted.ReplaceAllString(string(text), "HASH"))
		}
		left, err := os.ReadDir(".")
		if err != nil || len(left) > 2 {
			t.Errorf("left behind: %v %v", left, err)
		}
		return b.String()
	}
	for what, text := range hostsFiles() {
		for _, line := range []string{
			"-F h", "-F H", "-F i", "-F [h]:2222", "-F nobody", "-F www.example", "-F bad.example", "-lF h", "-lv -F h", "-l -E md5 -F h",
			"-HF h", "-q -F h", "-lB -F i", "-R h", "-R nobody", "-R [h]:2222", "-q -R i", "-H", "-R h -H",
		} {
			args := append(strings.Fields(line), "-f", path)
			run := func(run func() (int, string, string)) (result string) {
				os.Remove(path + ".old")
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				code, stdout, stderr := run()
				return strings.Join([]string{string(rune('0' + code%256)), salted.ReplaceAllString(stdout, "HASH"), chatter.ReplaceAllString(stderr, ""), state()}, "\n--\n")
			}
			theirs := run(func() (int, string, string) { return runReal(t, "", "ssh-keygen", args...) })
			ours := run(func() (int, string, string) { return runDoor(t, "ssh-keygen", "", args...) })
			if ours != theirs {
				t.Errorf("%s, %s:\nours:\n%s\ntheirs:\n%s", what, line, ours, theirs)
			}
		}
	}
}

func TestKeygenHashesForTheOriginal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(path, []byte("H.Example,[h]:2222 "+hostsKeyA+"\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := runDoor(t, "ssh-keygen", "", "-H", "-f", path); code != 0 {
		t.Fatal(stderr)
	}
	for _, name := range []string{"h.example", "[h]:2222"} {
		if code, out, stderr := runReal(t, "", "ssh-keygen", "-F", name, "-f", path); code != 0 || !strings.Contains(out, hostsKeyA) {
			t.Errorf("%s: %d %s%s", name, code, out, stderr)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", info, err)
	}
}

func TestKeygenHostsMissingFile(t *testing.T) {
	args := []string{"-F", "h", "-f", filepath.Join(t.TempDir(), "missing")}
	code, _, stderr := runDoor(t, "ssh-keygen", "", args...)
	realCode, _, realErr := runReal(t, "", "ssh-keygen", args...)
	if code != realCode || stderr != realErr {
		t.Errorf("%d %q, not %d %q", code, stderr, realCode, realErr)
	}
}
