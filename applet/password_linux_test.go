package applet

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// An expired password is changed in the course of a login, with the same
// questions as OpenSSH's ssh puts, by both methods that can do it.
func TestExpiredPasswords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	port := startExpired(t, dir)
	for _, c := range []struct {
		name, user string
		answers    string // one a line
		options    []string
		in         bool
		says       string
	}{
		{"changed", "changes", "old old new new", nil, true, "Your password has expired."},
		{"mistyped", "changes", "old old new other new new", nil, true, "Mismatch; try again, EOF to quit."},
		{"weak", "changes", "old old weak weak old new new", nil, true, "That password is too weak."},
		{"wrong old one", "changes", "old no new new", []string{"-o", "NumberOfPasswordPrompts=1"}, false, "Permission denied (password)."},
		{"another name", "changes", "old old new new", []string{"-o", "HostKeyAlias=alias"}, true, ""},
		{"interactive", "interactive", "old new word", []string{"-o", "KbdInteractiveDevices=pam,skey"}, true, "Devices: pam,skey"},
	} {
		said := map[string]string{}
		for _, client := range []string{"ssh", realProgram("ssh")} {
			out, questions := askedBy(t, dir, client, port, c.user, c.answers, c.options)
			if strings.Contains(out, "in\n") != c.in || !strings.Contains(out, c.says) {
				t.Errorf("%s, %s: %s\n%s", c.name, client, out, questions)
			}
			said[client] = questions + out
		}
		if said["ssh"] != said[realProgram("ssh")] {
			t.Errorf("%s: nacre\n%s\nOpenSSH\n%s", c.name, said["ssh"], said[realProgram("ssh")])
		}
	}
}

// startExpired starts the server and returns its port.
func startExpired(t *testing.T, dir string) int {
	t.Helper()
	k := testpeer.NewKey(t, testpeer.Ed25519)
	port := testpeer.FreePort(t)
	if err := os.WriteFile(filepath.Join(dir, "known"), fmt.Appendf(nil, "[127.0.0.1]:%d,alias %s", port, testpeer.Read(t, k.Path+".pub")), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-I", "-W", "ignore", "-B", "testdata/password/server.py", k.Path, strconv.Itoa(port))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the server says %q, %v", line, err)
	}
	// The program that answers: the next line of a file to each question.
	script := "#!/bin/sh\nprintf '%s\\n' \"$1\" >>\"$DIR/questions\"\nhead -n 1 \"$DIR/answers\"\nsed -i 1d \"$DIR/answers\"\n"
	if err := os.WriteFile(filepath.Join(dir, "askpass"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return port
}

// askedBy logs in and returns what the client printed, and what it asked.
func askedBy(t *testing.T, dir, client string, port int, user, answers string, options []string) (out, questions string) {
	t.Helper()
	os.Remove(filepath.Join(dir, "questions"))
	if err := os.WriteFile(filepath.Join(dir, "answers"), []byte(strings.ReplaceAll(answers, " ", "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-F", "none", "-p", strconv.Itoa(port), "-l", user, "-o", "UserKnownHostsFile=" + filepath.Join(dir, "known"),
		"-o", "GlobalKnownHostsFile=none"}, options...)
	if client == "ssh" {
		args = append(args, "-o", "WarnWeakCrypto=no")
	}
	cmd := exec.Command(client, append(args, "127.0.0.1", "x")...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+dir, "SSH_AUTH_SOCK=", "DIR="+dir,
		"SSH_ASKPASS="+filepath.Join(dir, "askpass"), "SSH_ASKPASS_REQUIRE=force")
	text, _ := cmd.CombinedOutput() // the exit code follows from it
	asked, _ := os.ReadFile(filepath.Join(dir, "questions"))
	return strings.ReplaceAll(string(text), "\r", ""), string(asked)
}
