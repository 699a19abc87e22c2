package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/putty"
)

// A ran is what a program printed and how it ended.
type ran struct {
	out, err string
	code     int
}

// runIn runs a program in a directory, with the rest of its arguments and an
// input, without a terminal.
func runIn(t *testing.T, dir, input string, argv ...string) ran {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	withoutTerminal(cmd)
	err := cmd.Run()
	code := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("%v: %v", argv, err)
	}
	return ran{out.String(), errs.String(), code}
}

// must is runIn for a run that must end well.
func must(t *testing.T, dir string, argv ...string) string {
	t.Helper()
	r := runIn(t, dir, "", argv...)
	if r.code != 0 {
		t.Fatalf("%v: exit code %d\n%s%s", argv, r.code, r.out, r.err)
	}
	return r.out
}

// inside runs puttygen within the test's process, where the test has changed
// its directory.
func inside(t *testing.T, args ...string) ran {
	t.Helper()
	return insideOf(t, runPuttygen, args...)
}

func insideOf(t *testing.T, program func(context.Context, *door.Env) int, args ...string) ran {
	t.Helper()
	var files [2]*os.File
	for i := range files {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	code := program(t.Context(), &door.Env{Args: args, Stdout: files[0], Stderr: files[1], Getenv: os.Getenv})
	return ran{fileIn(t, "", files[0].Name()), fileIn(t, "", files[1].Name()), code}
}

func fileIn(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// puttyDir has keys of every type in PuTTY's format and certificates, all made
// by the original programs.
func puttyDir(t *testing.T) string {
	dir := t.TempDir()
	for name, text := range map[string]string{"none": "", "pw": "a passphrase\nand more\n", "wrong": "x\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"rsa", "dsa", "ed25519", "ed448", "ecdsa"} {
		from, err := filepath.Abs("../../keyfile/testdata/ppk/" + name + ".ppk")
		if err != nil {
			t.Fatal(err)
		}
		must(t, dir, "puttygen", from, "-C", `c "of" a\b `+name, "-o", name+".ppk")
	}
	must(t, dir, "puttygen", "-t", "ecdsa", "-b", "521", "--new-passphrase", "none", "-o", "ecdsa521.ppk")
	must(t, dir, "puttygen", "ed25519.ppk", "-P", "--new-passphrase", "pw", "--ppk-param", "memory=64,passes=1", "-o", "enc.ppk")
	must(t, dir, "puttygen", "rsa.ppk", "-O", "private-openssh", "-o", "rsa.pem")
	must(t, dir, "puttygen", "ed448.ppk", "-O", "private-openssh", "-o", "ed448.new")
	must(t, dir, "puttygen", "rsa.ppk", "-O", "private-sshcom", "-o", "rsa.com")
	must(t, dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "ca")
	for name, args := range map[string][]string{
		"ed25519": {"-n", "root,bob", "-z", "77", "-V", "20240101:20300101", "-O", "force-command=echo hi", "-O", "source-address=10.0.0.0/8"},
		"rsa":     {"-h", "-n", "host.example"}, "ecdsa521": {"-V", "always:20300101", "-O", "clear"},
	} {
		put := must(t, dir, "puttygen", "-L", name+".ppk")
		if err := os.WriteFile(filepath.Join(dir, name+".pub"), []byte(put), 0o644); err != nil {
			t.Fatal(err)
		}
		must(t, dir, append(append([]string{"ssh-keygen", "-q", "-s", "ca", "-I", "my id"}, args...), name+".pub")...)
		must(t, dir, "puttygen", name+".ppk", "--certificate", name+"-cert.pub", "-o", name+".cert.ppk")
	}
	tampered := strings.Replace(fileIn(t, dir, "ed25519.ppk"), "Comment: c", "Comment: d", 1)
	if err := os.WriteFile(filepath.Join(dir, "tampered.ppk"), []byte(tampered), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What puttygen prints and how it ends, of the same input, is what ours does.
func TestPuttygenLikeTheirs(t *testing.T) {
	dir := puttyDir(t)
	t.Chdir(dir)
	var lines []string
	for _, file := range []string{
		"rsa.ppk", "dsa.ppk", "ed25519.ppk", "ed448.ppk", "ecdsa.ppk", "ecdsa521.ppk", "rsa.pem", "ed448.new", "rsa.com",
		"ed25519.cert.ppk", "rsa.cert.ppk", "ecdsa521.cert.ppk", "ed25519.pub", "rsa-cert.pub", "ecdsa521-cert.pub", "enc.ppk",
	} {
		for _, args := range []string{"-l", "-l -E md5", "-L", "-p", "--cert-info", "-l -E sha256-cert", "-O fingerprint -E md5-cert", "-p --remove-certificate"} {
			lines = append(lines, file+" "+args)
		}
		if file != "enc.ppk" {
			lines = append(lines, file+" --dump", "-O text -q "+file)
		}
	}
	lines = append(lines, strings.Split(strings.TrimSpace(`
enc.ppk --dump --old-passphrase pw
enc.ppk --dump --old-passphrase wrong
enc.ppk -O private-openssh --old-passphrase wrong -o t
-Q x
--foo
--help=3
nofile
ca.pub extra
-t foo
-t ecdsa -b 100 -o x
-t eddsa -b 3 -o x
-t ed25519
-t ed25519 -L
-t rsa ed25519.ppk -o x
ed25519.ppk
none
ed25519.ppk -O private-openssh
ed25519.ppk -O foo
ed25519.ppk -E foo
ed25519.pub -o t
ed25519.pub --certificate ed25519-cert.pub -o t
ed25519.ppk --certificate rsa-cert.pub -o t
ed25519.ppk --certificate nofile -o t
ed25519.ppk --certificate ed25519-cert.pub --remove-certificate -o t
ed25519.ppk --ppk-param foo=3,kdf=x,memory,memory=f
ed25519.ppk --primes foo -o t
ed25519.ppk -L --old-passphrase nofile
--old-passphrase
--certificate`), "\n")...)
	lines = append(lines, "")
	for _, line := range lines {
		args := strings.Fields(line)
		theirs := runIn(t, dir, "", append([]string{"puttygen"}, args...)...)
		if ours := inside(t, args...); ours != theirs {
			t.Errorf("puttygen %s\ntheirs %+v\nours   %+v", line, theirs, ours)
		}
	}
}

// Files that hold no chance are the same to the byte.
func TestPuttygenWritesTheSame(t *testing.T) {
	dir := puttyDir(t)
	t.Chdir(dir)
	for _, name := range []string{"rsa", "dsa", "ed25519", "ed448", "ecdsa", "ecdsa521", "ed25519.cert", "rsa.cert", "ecdsa521.cert"} {
		kinds := []string{"-O private --reencrypt", "-O private --ppk-param version=2 --reencrypt", "-O private -C other", "--remove-certificate", "-O public", "-O public-openssh"}
		if name == "rsa" || name == "dsa" { // theirs writes a shorter scalar for ECDSA than SEC1 has
			kinds = append(kinds, "-O private-openssh", "-O private-sshcom")
		}
		for _, kind := range kinds {
			args := append([]string{name + ".ppk"}, strings.Fields(kind)...)
			must(t, dir, append(append([]string{"puttygen"}, args...), "-o", "theirs")...)
			if r := inside(t, append(args, "-o", "ours")...); r != (ran{}) {
				t.Errorf("%s %s: %+v", name, kind, r)
			}
			if ours, theirs := fileIn(t, dir, "ours"), fileIn(t, dir, "theirs"); ours != theirs {
				t.Errorf("%s %s\ntheirs\n%s\nours\n%s", name, kind, theirs, ours)
			}
		}
	}
}

// What we encrypt, puttygen opens, and the other way, in every format.
func TestPuttygenEncrypted(t *testing.T) {
	dir := puttyDir(t)
	t.Chdir(dir)
	programs := [2]func(args ...string) ran{
		func(args ...string) ran { return runIn(t, dir, "", append([]string{"puttygen"}, args...)...) },
		func(args ...string) ran { return inside(t, args...) },
	}
	for name, kinds := range map[string]string{
		"rsa": "private private-openssh private-sshcom", "dsa": "private private-openssh private-sshcom", "ed448": "private",
		"ed25519": "private", "ecdsa": "private private-openssh", "ecdsa521": "private private-openssh",
	} {
		want := must(t, dir, "puttygen", "-l", name+".ppk")
		for _, kind := range strings.Fields(kinds) {
			for i := range programs {
				first, second := programs[i], programs[1-i]
				r := first(name+".ppk", "-O", kind, "-P", "--new-passphrase", "pw", "-o", "locked", "--ppk-param", "memory=64,passes=1")
				again := second("locked", "--old-passphrase", "pw", "-P", "--new-passphrase", "none", "-O", "private", "-o", "open.ppk")
				if got := must(t, dir, "puttygen", "-l", "open.ppk"); got != want || r != (ran{}) || again != (ran{}) {
					t.Errorf("%s as %s: %+v, %+v, %s", name, kind, r, again, got)
				}
				r = second("locked", "--old-passphrase", "wrong", "-P", "--new-passphrase", "none", "-O", "private", "-o", "t.ppk")
				if r.code != 1 || r.err != "puttygen: error loading `locked': wrong passphrase\n" {
					t.Errorf("%s as %s with another passphrase: %+v", name, kind, r)
				}
			}
		}
	}
}

// Keys that we make are keys for puttygen.
func TestPuttygenMakes(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile(filepath.Join(dir, "none"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"-t rsa -b 1024":                                "ssh-rsa 1024",
		"-t rsa -b 1027 --primes proven":                "ssh-rsa 1027",
		"-t rsa -b 1024 --strong-rsa -q":                "ssh-rsa 1024",
		"-t rsa2 -b 1024 --strong-rsa --primes=complex": "ssh-rsa 1024",
		"-t ecdsa":                             "ecdsa-sha2-nistp384 384",
		"-t ecdsa -b521":                       "ecdsa-sha2-nistp521 521",
		"-t eddsa":                             "ssh-ed25519 255",
		"-t eddsa -b 448":                      "ssh-ed448 448",
		"-t ed448":                             "ssh-ed448 448",
		"-t ed25519 --random-device /dev/zero": "ssh-ed25519 255",
	} {
		if r := inside(t, append([]string{"-o", "made.ppk", "--new-passphrase", "none"}, strings.Fields(line)...)...); r.code != 0 {
			t.Errorf("%s: %+v", line, r)
		}
		must(t, dir, "puttygen", "made.ppk", "-O", "private-openssh-new", "-o", "openssh")
		if got := must(t, dir, "puttygen", "-l", "made.ppk"); !strings.HasPrefix(got, want+" ") {
			t.Errorf("%s: %s", line, got)
		}
		if info, err := os.Stat(filepath.Join(dir, "made.ppk")); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
	for line, want := range map[string]string{
		"-t dsa -o x":                       "not made any more",
		"-t rsa1 -o x":                      "SSH-1",
		"-t rsa -b 512 -o x":                "shorter than 1024",
		"-t ed25519 -o x --random-device y": "failed to collect entropy",
		"-t ed25519 -o x --new-passphrase none --ppk-param memory=2000000": "not read back",
		"-t ed25519 -o x --ppk-param version=1":                            "only 2 and 3",
	} {
		r := inside(t, strings.Fields(line)...)
		if r.code != 1 || !strings.Contains(r.err, want) {
			t.Errorf("%s: %+v", line, r)
		}
	}
}

// A passphrase is asked for; without a terminal it comes from standard input.
func TestPuttygenAsks(t *testing.T) {
	dir := puttyDir(t)
	r := runIn(t, dir, "one\none\n", "nacre", "puttygen", "ed25519.ppk", "-P", "--ppk-param", "memory=64,passes=1")
	if want := "Enter passphrase to save key: \nRe-enter passphrase to verify: \n"; r != (ran{"", want, 0}) {
		t.Errorf("%+v", r)
	}
	before := fileIn(t, dir, "ed25519.ppk")
	if !strings.Contains(before, "aes256-cbc") || strings.Count(before, "Argon2-Memory: 64\n") != 1 {
		t.Errorf("%s", before)
	}
	r = runIn(t, dir, "one\n", "nacre", "puttygen", "ed25519.ppk", "-O", "text")
	if r.code != 0 || !strings.Contains(r.out, "private_exponent=0x") || r.err != "Enter passphrase to load key: \n" {
		t.Errorf("%+v", r)
	}
	r = runIn(t, dir, "one\ntwo\n", "nacre", "puttygen", "rsa.ppk", "-P")
	if r.code != 1 || !strings.HasSuffix(r.err, "puttygen: passphrases do not match\n") {
		t.Errorf("%+v", r)
	}
	r = runIn(t, dir, "", "nacre", "puttygen", "ed25519.ppk", "-C", "x")
	if r.code != 1 || fileIn(t, dir, "ed25519.ppk") != before {
		t.Errorf("%+v", r)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Standard input is a file, and so is standard output.
func TestPuttygenPipes(t *testing.T) {
	dir := puttyDir(t)
	key := fileIn(t, dir, "rsa.ppk")
	r := runIn(t, dir, key, "nacre", "puttygen", "-", "-O", "private-openssh", "-o", "/dev/stdout")
	if r.code != 0 || r.out != fileIn(t, dir, "rsa.pem") {
		t.Errorf("%+v", r)
	}
	if r := runIn(t, dir, key, "nacre", "puttygen", "-", "-C", "x"); r.code != 1 || !strings.Contains(r.err, "need to specify an output file") {
		t.Errorf("%+v", r)
	}
	if r := runIn(t, dir, "", "nacre", "puttygen", "-L", "-C", "other", "rsa.ppk"); r.code != 0 || !strings.HasSuffix(r.out, "== other\n") && !strings.HasSuffix(r.out, " other\n") {
		t.Errorf("%+v", r)
	}
}

// A comment is one line, wherever it comes from, and a file that is changed in
// its place keeps its mode.
func TestPuttygenComments(t *testing.T) {
	dir := puttyDir(t)
	t.Chdir(dir)
	must(t, dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "one\nssh-rsa two", "-f", "evil")
	if r := inside(t, "evil", "-L"); r.code != 0 || strings.Count(r.out, "\n") != 1 || !strings.HasSuffix(r.out, " one ssh-rsa two\n") {
		t.Errorf("%+v", r)
	}
	if r := inside(t, "rsa.ppk", "-C", "one\ntwo", "-L"); r.code != 1 {
		t.Errorf("%+v", r)
	}
	if err := os.Chmod("rsa.ppk", 0o640); err != nil {
		t.Fatal(err)
	}
	if r := inside(t, "rsa.ppk", "-C", "new"); r != (ran{}) || !strings.Contains(fileIn(t, dir, "rsa.ppk"), "Comment: new\n") {
		t.Errorf("%+v", r)
	}
	if info, err := os.Stat("rsa.ppk"); err != nil || info.Mode() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
}

// A key that asks for 64 GiB to be opened gets one sentence, at once.
func TestPuttygenDemands(t *testing.T) {
	dir := puttyDir(t)
	greedy := strings.Replace(fileIn(t, dir, "enc.ppk"), "Argon2-Memory: 64\n", "Argon2-Memory: 67108864\n", 1)
	if err := os.WriteFile(filepath.Join(dir, "greedy.ppk"), []byte(greedy), 0o600); err != nil {
		t.Fatal(err)
	}
	r := runIn(t, dir, "", "nacre", "puttygen", "greedy.ppk", "-O", "text", "--old-passphrase", "pw")
	if want := "puttygen: error loading `greedy.ppk': it asks for 65536 MiB of memory to be opened, 1024 MiB are given\n"; r != (ran{"", want, 1}) {
		t.Errorf("%+v", r)
	}
	r = runIn(t, dir, "", "nacre", "puttygen", "tampered.ppk", "-O", "text")
	if want := "puttygen: error loading `tampered.ppk': MAC failed"; r.code != 1 || !strings.HasPrefix(r.err, want) {
		t.Errorf("%+v", r)
	}
}

func TestProvenPrimes(t *testing.T) {
	for _, m := range []primeMaker{{proven: true}, {strong: true}, {true, true}} {
		p, err := m.factor(520)
		if err != nil || p.BitLen() != 520 || p.Bit(518) != 1 || !p.ProbablyPrime(32) {
			t.Errorf("%+v: %v, %v", m, p, err)
		}
	}
	for n, want := range map[uint64]bool{1: false, 2: true, 4: false, 9: false, 97: true, 1 << 20: false} {
		if trialDivision(n) != want {
			t.Errorf("%d is taken for the other kind", n)
		}
	}
}

func FuzzParsePublicText(f *testing.F) {
	const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDTiTg7VaBfXWGHHabjC2sFnjc0Zb4qJ9Fc+4pXe28Le c ed25519\n"
	f.Add([]byte(line))
	f.Add([]byte("---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"c \\\"ed25519\"\nAAAAC3NzaC1lZDI1NTE5AAAAIDTiTg7VaBfXWGHHabjC2sFnjc0Zb4qJ9Fc+4pXe\n28Le\n---- END SSH2 PUBLIC KEY ----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		blob, comment, err := parsePublicText(text)
		if err != nil {
			return
		}
		k := &puttyKey{public: blob, comment: comment}
		g := &puttygen{}
		for _, render := range []func(*puttyKey) ([]byte, error){g.renderLine, g.renderRFC4716} {
			out, err := render(k)
			if err != nil {
				t.Fatal(err)
			}
			again, _, err := parsePublicText(out)
			if err != nil || !bytes.Equal(again, blob) {
				t.Errorf("%q became %q: %v", text, out, err)
			}
		}
		_, _ = g.renderText(k)
		_ = fmt.Sprint(putty.Fingerprint(blob, putty.Hash{}))
	})
}
