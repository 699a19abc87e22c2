package applet

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// Our own server leads on, alone and two in a row, for our client and OpenSSH's.
func TestJumpThroughNacre(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("nacre")
	if err != nil {
		t.Fatal(err)
	}
	id := testpeer.NewKey(t, testpeer.Ed25519)
	var lines strings.Builder
	for _, name := range []string{"one", "two", "three"} {
		s := (&testpeer.Nacre{Path: path}).Start(t, testpeer.ServerOptions{HostKeys: []*testpeer.Key{testpeer.NewKey(t, testpeer.Ed25519)}, Authorized: id})
		fmt.Fprintf(&lines, "Host %s\n Port %d\n User %s\n", name, s.Port, s.User)
	}
	dir := t.TempDir()
	fmt.Fprintf(&lines, "Host *\n HostName 127.0.0.1\n IdentityFile %s\n IdentitiesOnly yes\n StrictHostKeyChecking accept-new\n UserKnownHostsFile %s\n GlobalKnownHostsFile none\n LogLevel ERROR\n", id.Path, filepath.Join(dir, "known"))
	conf := filepath.Join(dir, "config")
	if err := os.WriteFile(conf, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("0123456789abcdef", 1<<15)
	for _, program := range []string{"ssh", theirs} {
		for _, way := range []string{"one", "one,two"} {
			cmd := exec.Command(program, "-F", conf, "-J", way, "three", "cat; exit 3")
			cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
			cmd.Stdin, cmd.Stderr = strings.NewReader(big), os.Stderr
			if out, _ := cmd.Output(); string(out) != big || cmd.ProcessState.ExitCode() != 3 {
				t.Errorf("%s through %s: %d bytes, exit code %d", program, way, len(out), cmd.ProcessState.ExitCode())
			}
		}
	}
}

// A hop's connection is shared while it lives where the hop's own configuration
// says so, and stays with ControlPersist; its LocalCommand is run. All as with
// OpenSSH, where a hop is a process of its own.
func TestHopsAreShared(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	for _, persist := range []string{"no", "60"} {
		dir, err := os.MkdirTemp("", "hop")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		socket, mark := filepath.Join(dir, "s"), filepath.Join(dir, "mark")
		conf := h.write(t, "shares", fmt.Sprintf("Host hop\n ControlMaster auto\n ControlPath %s\n ControlPersist %s\n PermitLocalCommand yes\n LocalCommand touch %s\nHost *\n", socket, persist, mark)+testpeer.Read(t, h.conf))
		run := func(args ...string) (string, int) {
			cmd := exec.Command("ssh", append([]string{"-F", conf}, args...)...)
			cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
			out, _ := cmd.Output()
			return string(out), cmd.ProcessState.ExitCode()
		}
		if out, code := run("-J", "hop", "127.0.0.1", "test -S "+socket+" && echo shared"); out != "shared\n" || code != 0 {
			t.Errorf("persist %s: %q, %d", persist, out, code)
		}
		if _, err := os.Stat(mark); err != nil {
			t.Errorf("persist %s: the hop's command was not run", persist)
		}
		_, err = os.Stat(socket)
		if stays := err == nil; stays != (persist != "no") {
			t.Errorf("persist %s: %v", persist, err)
		}
		if persist == "no" {
			continue
		}
		if out, code := run("-o", "IdentityFile=none", "-O", "check", "hop"); code != 0 {
			t.Errorf("%q, %d", out, code)
		}
		if out, code := run("-J", "hop", "127.0.0.1", "echo again"); out != "again\n" || code != 0 {
			t.Errorf("%q, %d", out, code)
		}
		run("-O", "exit", "hop")
	}
}
