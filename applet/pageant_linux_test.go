package applet

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// startPageant runs an agent for as long as the test, by --exec of a command
// that reads.
func startPageant(t *testing.T, env []string, argv ...string) string {
	t.Helper()
	argv = append(argv, "--exec", "sh", "-c", `echo "$SSH_AUTH_SOCK"; read x`)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// pageantDir is a directory of PuTTY's keys, one of them under the passphrase
// "secret".
func pageantDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		chmod(t, filepath.Join(dir, name), mode)
	}
	write("none", "", 0o600)
	write("pass", "secret\n", 0o600)
	write("answer", "secret\n", 0o600)
	write("askpass", "#!/bin/sh\necho \"$1\" >>"+dir+"/asked\ncat "+dir+"/answer\n", 0o700)
	quick := "kdf=argon2id,memory=64,passes=1,parallelism=1"
	for name, args := range map[string]string{
		"ed.ppk":     "-t ed25519 -C ed --new-passphrase none",
		"rsa.ppk":    "-t rsa -b 2048 -C rsa --new-passphrase none",
		"locked.ppk": "-t ecdsa -C locked --new-passphrase pass --ppk-param " + quick,
	} {
		mustRun(t, dir, append([]string{"puttygen", "-q", "-o", name}, strings.Fields(args)...)...)
	}
	return dir
}

// TestPageant has both programs be the client of both agents, and compares every
// word.
func TestPageant(t *testing.T) {
	dir := pageantDir(t)
	sockets := map[string]string{
		"ours asks ours":     startPageant(t, nil, "nacre", "pageant"),
		"theirs asks ours":   startPageant(t, nil, "nacre", "pageant"),
		"ours asks theirs":   startPageant(t, nil, "pageant"),
		"theirs asks theirs": startPageant(t, nil, "pageant"),
	}
	const reference = "theirs asks theirs"
	md5 := strings.Fields(tell(t, dir, "", nil, "puttygen", "-l", "-E", "md5", "ed.ppk").out)[2]
	for _, args := range []string{
		"-l", "-a ed.ppk rsa.ppk", "-l", "-l -E md5", "-a ed.ppk", "-l", "-a nothing.ppk", "-a --encrypted locked.ppk", "-l",
		"-L ed", "--public rsa", "-L file:ed.ppk", "-L comment:rsa", "-L md5:" + md5, "-L " + md5[:9], "-L nothing",
		"-r ed", "-r locked", "-R", "-d rsa", "-d rsa", "-l", "-D", "-l", "-R",
		"-l --permanent", "ed.ppk", "", "--nonsense", "-E", "-E sha3", "--exec", "--symlink", "-d --encrypted",
	} {
		results := map[string]told{}
		for who, socket := range sockets {
			argv := []string{"pageant"}
			if strings.HasPrefix(who, "ours") {
				argv = []string{"nacre", "pageant"}
			}
			results[who] = tell(t, dir, "", []string{"SSH_AUTH_SOCK=" + socket, "DISPLAY="}, append(argv, strings.Fields(args)...)...)
		}
		for who, r := range results {
			if want := results[reference]; r.out != want.out || r.code != want.code {
				t.Errorf("pageant %s, %s: %+v, want %+v", args, who, r, want)
			}
		}
	}
	if r := tell(t, dir, "", []string{"SSH_AUTH_SOCK="}, "nacre", "pageant", "-l"); r.code != 1 || r.err != "pageant: no agent running to talk to\n" {
		t.Errorf("%+v", r)
	}
}

// TestPageantOpens has an encrypted key be opened when it is used, and closed
// again; plink and OpenSSH's programs use it meanwhile.
func TestPageantOpens(t *testing.T) {
	dir := pageantDir(t)
	socket := startPageant(t, []string{"SSH_ASKPASS=" + dir + "/askpass", "SSH_ASKPASS_REQUIRE=force"},
		"nacre", "pageant", "--encrypted", filepath.Join(dir, "locked.ppk"), "-E", "sha256")
	env := []string{"SSH_AUTH_SOCK=" + socket}
	list := func() string { return tell(t, dir, "", env, "pageant", "-l").out }
	if got := list(); !strings.HasSuffix(got, " locked (encrypted)\n") {
		t.Fatalf("%q", got)
	}
	public := tell(t, dir, "", env, "ssh-add", "-L").out
	if err := os.WriteFile(filepath.Join(dir, "locked.pub"), []byte(public), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the passphrase is asked for once
		if r := tell(t, dir, "", env, "ssh-add", "-T", "locked.pub"); r.code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	if got := list(); !strings.HasSuffix(got, " locked (re-encryptable)\n") {
		t.Errorf("%q", got)
	}
	if r := tell(t, dir, "", env, "pageant", "-R"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	if got := list(); !strings.HasSuffix(got, " locked (encrypted)\n") {
		t.Errorf("%q", got)
	}
	if r := tell(t, dir, "message", env, "pageant", "--test-sign", "locked"); r.code != 0 || !strings.Contains(r.out, "ecdsa-sha2-nistp") {
		t.Errorf("%+v", r)
	}
	if got := testpeer.Read(t, filepath.Join(dir, "asked")); got != "Enter passphrase to decrypt key 'locked': \nEnter passphrase to decrypt key 'locked': \n" {
		t.Errorf("the user was asked %q", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "answer"), []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tell(t, dir, "", env, "pageant", "-R")
	if r := tell(t, dir, "", env, "ssh-add", "-T", "locked.pub"); r.code != 1 {
		t.Errorf("a wrong passphrase opens: %+v", r)
	}
}

// With -X the agent lives as long as the display, and not longer.
func TestPageantDisplay(t *testing.T) {
	process := processFD(-1)
	t.Run("display", func(t *testing.T) { // which ends with this
		display, authority := testpeer.XServer(t)
		cmd := exec.Command("nacre", "pageant", "-X")
		cmd.Env = append(os.Environ(), "DISPLAY="+display, "XAUTHORITY="+authority)
		cmd.Stderr = os.Stderr // which it keeps
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		socket, rest, _ := strings.Cut(strings.TrimPrefix(string(out), "SSH_AUTH_SOCK="), ";")
		_, number, _ := strings.Cut(rest, "SSH_AGENT_PID=")
		number, _, _ = strings.Cut(number, ";")
		pid, err := strconv.Atoi(number)
		if err != nil {
			t.Fatalf("it says %q", out)
		}
		if process, err = pidfd(pid); err != nil {
			t.Fatal(err)
		}
		list := exec.Command("ssh-add", "-l")
		list.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		if said, _ := list.CombinedOutput(); !strings.Contains(string(said), "no identities") {
			t.Errorf("ssh-add -l: %s", said)
		}
	})
	if process < 0 {
		t.Fatal("it was not started")
	}
	process.wait(t)
}
