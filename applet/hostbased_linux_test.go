package applet

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// This machine's host key vouches for its user to Debian's sshd, signed by
// OpenSSH's helper or by ours, which also serves OpenSSH's ssh. The test needs
// root, as sshd does for this.
func TestHostBased(t *testing.T) {
	t.Parallel()
	nacre, err := exec.LookPath("nacre")
	if err != nil {
		t.Fatal(err)
	}
	testKeysignRefuses(t, nacre)
	if os.Geteuid() != 0 { // sshd asks no other's machine, and others can't make a helper setuid
		return
	}
	testSetuid(t, nacre)
	dir := t.TempDir()
	script, err := filepath.Abs("testdata/hostbased/try.sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	conf := "ListenAddress 127.0.0.1\nPort 2222\nHostbasedAuthentication yes\nIgnoreRhosts no\nUseDNS yes\nPermitRootLogin yes\nPidFile none\nUsePAM no\nLogLevel DEBUG\nStrictModes no\n"
	if err := os.WriteFile(filepath.Join(dir, "sshd_config"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", script, nacre)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+dir, "SSH_AUTH_SOCK=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, want := range map[string][]string{
		"openssh":      {"Next authentication method: hostbased", "code 0"},
		"nacre":        {"debug1: Next authentication method: hostbased", "using \"hostbased\".", "\nin\n", "code 0"},
		"rsa":          {"using \"hostbased\".", "\nin\n", "code 0"},
		"jump":         {"the connection goes through a proxy", "Permission denied", "code 255"},
		"preferred":    {"Permission denied", "code 255"},
		"ours-openssh": {"using \"hostbased\".", "code 0"},
		"ours-nacre":   {"using \"hostbased\".", "code 0"},
		"forbidden":    {"ssh-keysign not enabled in /etc/ssh/ssh_config", "Permission denied", "code 255"},

		"forbidden-theirs": {"ssh-keysign not enabled in /etc/ssh/ssh_config", "Permission denied", "code 255"},
	} {
		out := strings.ReplaceAll(testpeer.Read(t, filepath.Join(dir, "out."+name)), "\r", "")
		for _, text := range want {
			if !strings.Contains(out, text) {
				t.Errorf("%s: no %q in\n%s", name, text, out)
			}
		}
	}
}

// testKeysignRefuses: without EnableSSHKeysign the helper signs nothing, whatever
// it is asked for.
func testKeysignRefuses(t *testing.T, nacre string) {
	cmd := exec.Command(nacre, "ssh-keysign")
	cmd.Stdin = strings.NewReader("\x00\x00\x00\x01\x02")
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 255 || !strings.Contains(string(out), "ssh-keysign not enabled in /etc/ssh/ssh_config") {
		t.Errorf("exit code %d, %q", code, out)
	}
}

// testSetuid: a file that is setuid root for the helper's sake is nothing else,
// whatever it is called as.
func testSetuid(t *testing.T, nacre string) {
	dir, err := os.MkdirTemp("", "setuid")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file := filepath.Join(dir, "ssh-keysign")
	text, err := os.ReadFile(nacre)
	if err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{dir: 0o755, file: 0o755 | os.ModeSetuid} {
		if path == file {
			err = os.WriteFile(file, text, 0o700)
		}
		if err == nil {
			err = os.Chmod(path, mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const only = "nothing but ssh-keysign runs setuid"
	for _, test := range []struct {
		argv []string
		code int
		says string
	}{
		{[]string{"ssh", "-V"}, 2, only}, {[]string{"nacre", "version"}, 2, only}, {[]string{"nacre"}, 2, only},
		{[]string{"nacre", "sshd", "-T"}, 2, only}, {[]string{"nacre", "ssh-keysign"}, 255, "ssh-keysign not enabled"},
	} {
		cmd := exec.Command(file)
		cmd.Args, cmd.Env, cmd.Dir = test.argv, []string{"PATH=/bin"}, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.Contains(string(out), test.says) {
			t.Errorf("%q: exit code %d, %q", test.argv, code, out)
		}
	}
}
