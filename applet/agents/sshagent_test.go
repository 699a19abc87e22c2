package agents

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// TestJudgeHost takes a host's certificate for the host that it names, as long as
// it is valid.
func TestJudgeHost(t *testing.T) {
	dir := t.TempDir()
	keygen := func(args string) {
		cmd := exec.Command("ssh-keygen", append([]string{"-q"}, strings.Split(args, " ")...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen %s: %v\n%s", args, err, out)
		}
	}
	keygen("-t ed25519 -N  -f ca")
	keygen("-t ecdsa -N  -f ec")
	for _, test := range []struct {
		args string
		want bool
	}{
		{"-h -n gate", true}, {"-h -n far", false}, {"-h -n gate -V 20200101:20200102", false}, {"-n gate", false},
	} {
		keygen("-s ca -I id " + test.args + " ec.pub")
		p, err := publicIn(filepath.Join(dir, "ec-cert.pub"))
		if err != nil {
			t.Fatal(err)
		}
		authority, err := judgeHost(p.blob, "gate")
		if (err == nil) != test.want {
			t.Errorf("%s: %v", test.args, err)
		}
		if ca, caErr := publicIn(filepath.Join(dir, "ca.pub")); caErr != nil || err == nil && string(authority.Blob()) != string(ca.blob) {
			t.Errorf("%s: another authority", test.args)
		}
	}
}

// What ssh-add doesn't know gets its usage.
func TestSSHAddUsage(t *testing.T) {
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	e := &door.Env{Name: "ssh-add", Args: []string{"-Z"}, Stdin: said, Stdout: said, Stderr: said, Getenv: func(string) string { return "" }}
	if code := runSSHAdd(t.Context(), e); code != 1 || testpeer.Read(t, said.Name()) != "unknown option -- Z\n"+addUsageText {
		t.Errorf("exit code %d, %q", code, testpeer.Read(t, said.Name()))
	}
}
