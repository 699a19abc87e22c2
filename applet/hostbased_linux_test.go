package applet

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// This machine's host key vouches for its user to Debian's sshd, signed by
// OpenSSH's helper or by ours, which also serves OpenSSH's ssh. The test needs
// root, as sshd does for this.
func TestHostBased(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // sshd lets nobody else in this way
	}
	dir := t.TempDir()
	nacre, err := exec.LookPath("nacre")
	if err != nil {
		t.Fatal(err)
	}
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
		out := strings.ReplaceAll(read(t, filepath.Join(dir, "out."+name)), "\r", "")
		for _, text := range want {
			if !strings.Contains(out, text) {
				t.Errorf("%s: no %q in\n%s", name, text, out)
			}
		}
	}
}
