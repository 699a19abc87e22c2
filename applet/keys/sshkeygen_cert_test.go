package keys

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// A keygenTwin runs the real ssh-keygen and ours on the same files.
type keygenTwin struct {
	dir   string
	agent string // SSH_AUTH_SOCK of ours
}

func newKeygenTwin(t *testing.T) *keygenTwin {
	t.Helper()
	k := &keygenTwin{dir: t.TempDir()}
	t.Chdir(k.dir)
	for name, args := range map[string]string{"ca": "-t ed25519", "rca": "-t rsa -b 2048", "k1": "-t ecdsa", "k2": "-t ed25519", "u": "-t ed25519"} {
		k.real(t, "", append(strings.Fields(args), "-q", "-N", "", "-C", "comment of "+name, "-f", name)...)
	}
	return k
}

func (k *keygenTwin) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A said is what a program leaves behind.
type said struct {
	code           int
	stdout, stderr string
}

func (k *keygenTwin) real(t *testing.T, stdin string, args ...string) said {
	t.Helper()
	cmd := exec.Command("ssh-keygen", args...)
	cmd.Dir, cmd.Stdin = k.dir, strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+k.agent)
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trouble
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return said{cmd.ProcessState.ExitCode(), out.String(), strings.ReplaceAll(trouble.String(), "\r\n", "\n")}
}

func (k *keygenTwin) ours(t *testing.T, stdin string, args ...string) said {
	t.Helper()
	var files [3]*os.File
	for i := range files {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	if _, err := files[0].WriteString(stdin); err != nil {
		t.Fatal(err)
	}
	if _, err := files[0].Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) string {
		if name == "SSH_AUTH_SOCK" {
			return k.agent
		}
		return ""
	}
	e := &door.Env{Name: "ssh-keygen", Args: args, Stdin: files[0], Stdout: files[1], Stderr: files[2], Getenv: getenv}
	code := runKeygen(context.Background(), e)
	return said{code, testpeer.Read(t, files[1].Name()), testpeer.Read(t, files[2].Name())}
}

// both demands that the two leave the same behind.
func (k *keygenTwin) both(t *testing.T, stdin string, args ...string) said {
	t.Helper()
	want, got := k.real(t, stdin, args...), k.ours(t, stdin, args...)
	if strings.HasPrefix(got.stdout, "Revoking from") && want.code != 0 {
		got.stdout = "" // the original's last words stay in its buffer
	}
	if got != want {
		t.Errorf("ssh-keygen %q:\ngot  %+v\nwant %+v", args, got, want)
	}
	return got
}

func TestKeygenCertify(t *testing.T) {
	k := newKeygenTwin(t)
	every := []string{
		"-n", "a,b", "-z", "77", "-V", "0x10:0xffffffffff", "-O", "extension:foo@bar=baz", "-O", "extension:flag@bar", "-O", "critical:c@r=it",
		"-O", "force-command=a b", "-O", "source-address=::1,10.0.0.0/8", "-O", "verify-required", "-O", "no-touch-required", "-O", "no-pty",
	}
	for _, args := range [][]string{
		{"-n", "a,b", "-z", "5"}, {"-n", "a", "-V", "20200101Z:20380101Z"}, {"-n", "a", "-V", "202001011200:forever"},
		{"-n", "a", "-O", "clear"}, {"-n", "a", "-O", "CLEAR", "-O", "Permit-PTY"}, {"-h", "-n", "host.example"}, {"-h", "-n", "h", "-O", "clear"}, every,
	} {
		for _, ca := range []string{"ca", "rca"} {
			sign := append([]string{"-s", ca, "-I", "key \"id\""}, append(args, "u.pub")...)
			k.both(t, "", sign...)
			ours := k.both(t, "", "-L", "-f", "u-cert.pub").stdout
			k.real(t, "", sign...)
			if theirs := k.real(t, "", "-L", "-f", "u-cert.pub").stdout; theirs != ours {
				t.Errorf("%q: ours is\n%s\ntheirs is\n%s", sign, ours, theirs)
			}
		}
	}
	k.both(t, "", "-L", "-E", "md5", "-f", "u-cert.pub")
	mixed := "# comment\nfoo\n" + testpeer.Read(t, "u-cert.pub") + testpeer.Read(t, "u.pub")
	k.write(t, "mixed", mixed)
	k.both(t, "", "-L", "-f", "mixed")
	k.both(t, mixed, "-L", "-f", "-")
	k.both(t, "", "-s", "rca", "-t", "rsa-sha2-256", "-I", "x", "-n", "a", "u.pub")
	k.both(t, "", "-L", "-f", "u-cert.pub")
}

func TestKeygenCertifyTrouble(t *testing.T) {
	k := newKeygenTwin(t)
	for _, line := range []string{
		"-s nope -I x -n a u.pub", "-s ca -I x -n a nope.pub", "-s ca -n a u.pub", "-s ca -I x -n a, u.pub", "-s ca -I x -n a -O foo u.pub",
		"-s ca -I x -n a -O force-command= u.pub", "-s ca -I x -n a -O source-address= u.pub", "-s ca -I x -n a -t rsa u.pub",
		"-s ca -I x -n a -V foo u.pub", "-s ca -I x -n a -V +foo u.pub", "-s ca -I x -n a -V foo:bar u.pub", "-s ca -I x -n a -V always:bar u.pub",
		"-s ca -I x -n a -V 0x5:0x4 u.pub", "-s ca -I x -n a -V 0xz:0x4 u.pub", "-s ca -I x -n a -V +1x:0x4 u.pub", "-s ca -I x -n a -z x u.pub",
		"-U -s ca.pub -I x -n a u.pub", "-L -f u.pub", "-L -f nope",
	} {
		k.both(t, "", strings.Fields(line)...)
	}
	if got := k.ours(t, "", "-s", "ca", "-I", "x", "u.pub"); got.code != codeFatal || !strings.Contains(got.stderr, "without principals") {
		t.Errorf("no principals: %+v", got)
	}
	k.real(t, "", "-s", "ca", "-I", "x", "-n", "a", "u.pub")
	if got := k.both(t, "", "-s", "ca", "-I", "x", "-n", "a", "u-cert.pub"); got.code != codeFatal {
		t.Errorf("a certificate was certified: %+v", got)
	}
	if got := k.ours(t, "", "-D", "lib", "-s", "ca", "-I", "x", "-n", "a", "u.pub"); got.code == 0 {
		t.Errorf("a token was asked for: %+v", got)
	}
}

// -z +N counts on with each file.
func TestKeygenSerials(t *testing.T) {
	k := newKeygenTwin(t)
	k.both(t, "", "-s", "ca", "-I", "x", "-n", "a", "-z", "+9", "u.pub", "k1.pub", "k2.pub")
	for file, serial := range map[string]string{"u": "9", "k1": "10", "k2": "11"} {
		if got := k.both(t, "", "-L", "-f", file+"-cert.pub").stdout; !strings.Contains(got, "Serial: "+serial+"\n") {
			t.Errorf("%s: %s", file, got)
		}
	}
}

// The CA's key may be in the agent alone, and so may the key that signs a file.
func TestKeygenAgent(t *testing.T) {
	k := newKeygenTwin(t)
	k.agent = testpeer.SSHAgent(t, "ca", "rca", "u")
	for _, name := range []string{"ca", "rca", "u"} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, ca := range []string{"ca.pub", "rca.pub"} {
		k.both(t, "", "-U", "-s", ca, "-I", "x", "-n", "me", "u.pub")
		k.both(t, "", "-L", "-f", "u-cert.pub")
	}
	k.both(t, "", "-U", "-s", "k1.pub", "-I", "x", "-n", "me", "u.pub")
	signed := k.ours(t, "message", "-Y", "sign", "-q", "-f", "u-cert.pub", "-n", "file")
	k.write(t, "sig", signed.stdout)
	k.write(t, "signers", "me cert-authority "+testpeer.Read(t, "rca.pub"))
	if got := k.both(t, "message", "-Y", "verify", "-f", "signers", "-I", "me", "-n", "file", "-s", "sig", "-O", "print-pubkey"); got.code != 0 {
		t.Errorf("%+v", got)
	}
}
