package applet

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// The script for the usual place makes what a server with StrictModes wants, of
// a home directory that others can write to.
func TestCopyIDScript(t *testing.T) {
	home := t.TempDir()
	if err := os.Chmod(home, 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(home, ".ssh", "authorized_keys")
	for _, want := range []string{"one\n", "one\ntwo\n"} {
		lines := want[strings.LastIndex(want[:len(want)-1], "\n")+1:]
		cmd := exec.Command("sh", "-c", addScript, ".ssh/authorized_keys")
		cmd.Env, cmd.Stdin = append(os.Environ(), "HOME="+home), strings.NewReader(lines)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got := testpeer.Read(t, file); got != want {
			t.Errorf("the file holds %q, want %q", got, want)
		}
	}
	for path, want := range map[string]os.FileMode{home: 0o755, filepath.Dir(file): 0o700, file: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode().Perm(), err, want)
		}
	}
}
