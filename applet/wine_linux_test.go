package applet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// A desktop is a Windows with nacre on it and a user who has files, beside a
// real sshd that knows the user.
type desktop struct {
	*testpeer.Wine
	at   *testpeer.Running
	home string // %USERPROFILE%, as a Unix path
}

// installed is where nacre is: a path that has to be quoted.
const installed = `C:\Program Files\nacre\nacre.exe`

const winePassword = "open sesame"

// newDesktop starts the server and makes the user's files, as an editor on
// Windows writes them.
func newDesktop(t *testing.T) *desktop {
	t.Helper()
	id, hostKey := testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.Ed25519)
	d := &desktop{Wine: testpeer.NewWine(t)}
	d.home = d.Drive("users", testpeer.Me(t))
	d.at = testpeer.NewOpenSSH(t).Start(t, testpeer.ServerOptions{
		HostKeys: []*testpeer.Key{hostKey}, Authorized: id, Password: winePassword,
		Config: []string{"AcceptEnv FOO", "X11Forwarding yes", "MaxAuthTries 20", "PrintLastLog no", "PrintMotd no"},
	})
	d.Build(t, d.Drive("Program Files", "nacre", "nacre.exe"), "cmd/nacre")
	d.write(t, ".ssh/id_ed25519", testpeer.Read(t, id.Path))
	d.write(t, "keys/my key", testpeer.Read(t, id.Path))
	d.write(t, ".ssh/known_hosts", fmt.Sprintf("# mine\r\n[127.0.0.1]:%d %s\r\n", d.at.Port, strings.TrimSpace(testpeer.Read(t, hostKey.Path+".pub"))))
	d.write(t, ".ssh/config", strings.Join([]string{
		"Host box", "\tHostName 127.0.0.1", "\tPort " + strconv.Itoa(d.at.Port), "\tUser " + d.at.User,
		"Host far", "\tHostName localhost", "\tHostKeyAlias [127.0.0.1]:" + strconv.Itoa(d.at.Port),
		"\tPort " + strconv.Itoa(d.at.Port), "\tUser " + d.at.User, "",
	}, "\r\n"))
	return d
}

// write makes one of the user's files.
func (d *desktop) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(d.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A call is one run of nacre.
type call struct {
	env    []string
	stdin  io.Reader
	stdout io.Writer // nil: returned
}

// do runs a program of nacre's as the user does and returns what it wrote.
func (d *desktop) do(t *testing.T, c call, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := d.Command(ctx, installed, args...)
	cmd.Env = append(cmd.Env, c.env...)
	// Pipes would be held open by what stays in the background.
	out, said := newFile(t), newFile(t)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.stdin, out, said
	if c.stdout != nil {
		cmd.Stdout = c.stdout
	}
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return testpeer.Read(t, out.Name()), withoutDebug(testpeer.Read(t, said.Name())), cmd.ProcessState.ExitCode()
}

func newFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// withoutDebug takes out what a talkative sshd lets slip into a session's error
// stream.
func withoutDebug(said string) string {
	lines := strings.Split(strings.ReplaceAll(said, "\r\n", "\n"), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool {
		return line == "debug1: SELinux support disabled" || strings.HasPrefix(line, "debug1: permanently_set_uid")
	}), "\n")
}

// prints runs a program that has to succeed, print the text and complain of
// nothing.
func (d *desktop) prints(t *testing.T, want string, args ...string) {
	t.Helper()
	if out, said, code := d.do(t, call{}, args...); out != want || code != 0 || said != "" {
		t.Errorf("%q: printed %q, exit code %d: %s", args, out, code, said)
	}
}

// A user of Windows does what they do every day, against a real sshd.
func TestWindows(t *testing.T) {
	t.Parallel()
	d := newDesktop(t)
	for _, part := range []struct {
		name string
		do   func(*desktop, *testing.T)
	}{
		{"logs in with a key", (*desktop).keyLogin},
		{"gives a password", (*desktop).passwordByProgram},
		{"passes bytes as they are", (*desktop).bytes},
		{"names files as Windows does", (*desktop).paths},
		{"learns host keys", (*desktop).hostKeys},
		{"keeps files private", (*desktop).permissions},
		{"connects through others", (*desktop).proxies},
		{"forwards", (*desktop).forwards},
		{"goes to the background", (*desktop).background},
		{"shares no connection", (*desktop).noMaster},
		{"shows windows", (*desktop).windows},
		{"makes links", (*desktop).links},
		{"sits at a console", (*desktop).console},
		{"has OpenSSH's agent", (*desktop).agent},
		{"has Pageant", (*desktop).pageant},
	} {
		t.Run(part.name, func(t *testing.T) { part.do(d, t) })
	}
}

func (d *desktop) keyLogin(t *testing.T) {
	d.prints(t, "hello\n", "ssh", "box", "echo hello")
	for _, code := range []int{1, 254} {
		if _, said, got := d.do(t, call{}, "ssh", "box", fmt.Sprintf("exit %d", code)); got != code {
			t.Errorf("exit code %d, want %d: %s", got, code, said)
		}
	}
	if out, said, code := d.do(t, call{env: []string{"FOO=bar"}}, "ssh", "-o", "SendEnv=FOO", "box", "echo $FOO; echo bad >&2"); out != "bar\n" || said != "bad\n" || code != 0 {
		t.Errorf("%q, %q, %d", out, said, code)
	}
	if _, said, code := d.do(t, call{}, "ssh", "-V"); code != 0 || !strings.Contains(said, "SSH protocol 2.0") {
		t.Errorf("-V: %d, %s", code, said)
	}
	if out, _, _ := d.do(t, call{}, "ssh", "-G", "somewhere"); !strings.Contains(out, "\nuser "+strings.ToLower(testpeer.Me(t))+"\n") {
		t.Errorf("the user's name is not as servers know it:\n%s", out)
	}
	if _, said, code := d.do(t, call{}, "ssh", "-p", strconv.Itoa(testpeer.FreePort(t)), "box", "true"); code != 255 || !strings.Contains(said, "refused") {
		t.Errorf("nobody there: %d, %s", code, said)
	}
}

// passwordByProgram asks through SSH_ASKPASS: a batch file, which gets nothing
// that cmd.exe would read as a command.
func (d *desktop) passwordByProgram(t *testing.T) {
	d.write(t, "ask.bat", "@echo off\r\necho %*>>%USERPROFILE%\\asked\r\necho "+winePassword+"\r\n")
	for _, require := range []string{"force", ""} {
		c := call{env: []string{`SSH_ASKPASS=C:\users\` + testpeer.Me(t) + `\ask.bat`, "SSH_ASKPASS_REQUIRE=" + require}}
		out, said, code := d.do(t, c, "ssh", "-o", "PubkeyAuthentication=no", "box", "echo in")
		if out != "in\n" || code != 0 {
			t.Errorf("SSH_ASKPASS_REQUIRE=%s: %q, %d: %s", require, out, code, said)
		}
	}
	if asked := testpeer.Read(t, filepath.Join(d.home, "asked")); !strings.Contains(asked, "password: ") {
		t.Errorf("asked %q", asked)
	}
}

func (d *desktop) bytes(t *testing.T) {
	const text = "a\r\nb\nc\r\x1ad\x00\xff"
	if out, said, _ := d.do(t, call{stdin: strings.NewReader(text)}, "ssh", "box", "od -An -c | tr -d ' \n'; printf '"+`a\r\nb\032\000c`+"'"); out != `a\r\nb\nc\r032d\0377`+"a\r\nb\x1a\x00c" {
		t.Errorf("%q: %s", out, said)
	}
	const size = 100 << 20
	sent, received := sha256.New(), sha256.New()
	in := io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), size), sent)
	_, said, code := d.do(t, call{stdin: in, stdout: received}, "ssh", "box", "cat")
	if code != 0 || !bytes.Equal(sent.Sum(nil), received.Sum(nil)) {
		t.Errorf("of 100 MiB through cat others came back, exit code %d: %s", code, said)
	}
}

// hostKeys learns a key into a file that is not there, and knows it then.
func (d *desktop) hostKeys(t *testing.T) {
	file := `C:\users\` + testpeer.Me(t) + `\learned\known_hosts`
	if err := os.MkdirAll(filepath.Join(d.home, "learned"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, said, code := d.do(t, call{}, "ssh", "-o", "UserKnownHostsFile="+file, "-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=accept-new", "box", "true"); code != 0 || !strings.Contains(said, "Permanently added") {
		t.Errorf("%d, %s", code, said)
	}
	d.prints(t, "known\n", "ssh", "-o", "UserKnownHostsFile="+file, "-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes", "box", "echo known")
	where := fmt.Sprintf("[127.0.0.1]:%d", d.at.Port)
	if out, said, code := d.do(t, call{}, "ssh-keygen", "-F", where, "-f", file); code != 0 || !strings.Contains(out, where) {
		t.Errorf("ssh-keygen -F: %d, %q, %s", code, out, said)
	}
	if _, said, code := d.do(t, call{}, "ssh-keygen", "-R", where, "-f", file); code != 0 {
		t.Errorf("ssh-keygen -R: %d, %s", code, said)
	}
	if _, said, code := d.do(t, call{}, "ssh", "-o", "UserKnownHostsFile="+file, "-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes", "box", "true"); code != 255 {
		t.Errorf("a removed key: %d, %s", code, said)
	}
	if out, said, code := d.do(t, call{}, "ssh-keyscan", "-p", strconv.Itoa(d.at.Port), "127.0.0.1"); code != 0 || !strings.Contains(out, "ssh-ed25519 ") {
		t.Errorf("ssh-keyscan: %d, %q, %s", code, out, said)
	}
}

// waits for a program's word on its standard output.
func waits(t *testing.T, cmd *exec.Cmd, word string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	got := make([]byte, len(word))
	if _, err := io.ReadFull(out, got); err != nil || string(got) != word {
		t.Fatalf("%v printed %q, %v", cmd.Args, got, err)
	}
}
