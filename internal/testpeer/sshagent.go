package testpeer

import (
	"os"
	"os/exec"
	"path/filepath"
)

// SSHAgent is OpenSSH's ssh-agent with the keys of some files in it, until the test
// ends; its socket.
func SSHAgent(t TB, keys ...string) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "nacre-agent-")
	if err != nil {
		t.Fatalf("ssh-agent: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("ssh-agent: %v", err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("ssh-agent: %v", err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := stdout.Read(make([]byte, 1)); err != nil { // it says where it listens
		t.Fatalf("ssh-agent: %v", err)
	}
	add := exec.Command("ssh-add", append([]string{"-q"}, keys...)...)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("ssh-add: %v\n%s", err, out)
	}
	return socket
}
