package applet

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// startOurAgent runs nacre ssh-agent in the foreground and returns its socket.
func startOurAgent(t *testing.T, env ...string) (socket string, cmd *exec.Cmd) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "agent")
	cmd = exec.Command("nacre", "ssh-agent", "-D", "-a", socket)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if want := "SSH_AUTH_SOCK=" + socket + "; export SSH_AUTH_SOCK;\n"; err != nil || line != want {
		t.Fatalf("ssh-agent said %q, %v", line, err)
	}
	return socket, cmd
}

// A told is what a program said, and how it ended.
type told struct {
	out, err string
	code     int
}

func tell(t *testing.T, dir, stdin string, env []string, argv ...string) told {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal
	var out, errors strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return told{out.String(), errors.String(), cmd.ProcessState.ExitCode()}
}

// keyDir is a directory of keys, made by ssh-keygen.
func keyDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, args := range []string{
		"-t ed25519 -f ed -C an_ed25519_key", "-t rsa -b 2048 -f rsa -C -", "-t ecdsa -f ec -C ec",
		"-t ed25519 -f ca -C ca", "-t rsa -b 2048 -m PEM -f pem -C pem",
		"-t ed25519 -f other -C other", "-t ed25519 -f old -C old",
	} {
		mustRun(t, dir, append([]string{"ssh-keygen", "-q", "-N", ""}, strings.Fields(args)...)...)
	}
	mustRun(t, dir, "ssh-keygen", "-q", "-a", "1", "-N", "secret", "-t", "ed25519", "-f", "locked", "-C", "locked")
	mustRun(t, dir, "ssh-keygen", "-q", "-a", "1", "-N", "secret", "-t", "ed25519", "-f", "locked2", "-C", "locked2")
	mustRun(t, dir, "ssh-keygen", "-q", "-s", "ca", "-I", "the id", "-n", "me", "ed.pub")
	mustRun(t, dir, "ssh-keygen", "-q", "-s", "ca", "-I", "over", "-n", "me", "-V", "20200101:20200102", "old.pub")
	files := map[string]string{
		"garbage": "no key at all\n", "empty": "", "open": testpeer.Read(t, filepath.Join(dir, "ed")),
		"lines":   "# two keys\n" + testpeer.Read(t, filepath.Join(dir, "ed.pub")) + "nonsense\n" + testpeer.Read(t, filepath.Join(dir, "ec.pub")),
		"known":   "gate " + testpeer.Read(t, filepath.Join(dir, "ca.pub")) + "[far]:2222 " + testpeer.Read(t, filepath.Join(dir, "other.pub")),
		"askpass": "#!/bin/sh\necho \"$1 $SSH_ASKPASS_PROMPT\" >>" + dir + "/asked\ncat " + dir + "/answer\n",
		"answer":  "secret\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	chmod(t, filepath.Join(dir, "open"), 0o644)
	chmod(t, filepath.Join(dir, "askpass"), 0o700)
	return dir
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func mustRun(t *testing.T, dir string, argv ...string) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, out)
	}
}

var lifetimes = regexp.MustCompile(`Lifetime set to .*`)

// TestSSHAdd has ours and OpenSSH's do the same with an agent of ours each, and
// compares every word.
func TestSSHAdd(t *testing.T) {
	dir := keyDir(t)
	ours, _ := startOurAgent(t)
	theirs, _ := startOurAgent(t)
	both := func(stdin string, env []string, args ...string) (told, told) {
		a := tell(t, dir, stdin, append(env, "SSH_AUTH_SOCK="+ours), append([]string{"nacre", "ssh-add"}, args...)...)
		b := tell(t, dir, stdin, append(env, "SSH_AUTH_SOCK="+theirs), append([]string{"/usr/bin/ssh-add"}, args...)...)
		b.err = strings.ReplaceAll(lifetimes.ReplaceAllString(b.err, "Lifetime set to …"), "\r", "")
		a.err = strings.ReplaceAll(lifetimes.ReplaceAllString(a.err, "Lifetime set to …"), "\r", "")
		return a, b
	}
	asked := []string{"SSH_ASKPASS=" + dir + "/askpass", "DISPLAY=:0"}
	none := []string{"DISPLAY=", "SSH_ASKPASS="}
	for _, test := range []struct {
		stdin string
		env   []string
		args  string
	}{
		{"", none, "-l"}, {"", none, "-L"}, {"", none, "-d ed"}, {"", none, "-D"}, {"", none, "-q -D"},
		{"", none, "ed rsa ec pem"}, {"", none, "-l"}, {"", none, "-L"}, {"", none, "-l -E md5"},
		{"", none, "-T ed.pub rsa.pub ec"}, {"", none, "-T locked.pub"}, {"", none, "-T nothing"},
		{"", none, "nothing"}, {"", none, "open"}, {"", none, "-q ed"}, {"", none, "-k ec"},
		{"", none, "-t 60 ed"}, {"", none, "-t 1h30m -k ed"}, {"", none, "-d -k ed"}, {"", none, "-d ed"}, {"", none, "-d rsa nothing"},
		{testpeer.Read(t, filepath.Join(dir, "rsa")), none, "-"}, {"", none, "-l"}, {testpeer.Read(t, filepath.Join(dir, "lines")), none, "-d -"},
		{"wrong\n\n", none, "locked"}, {"secret\n", none, "locked locked2"}, {"", none, "-l"},
		{"", asked, "-D"}, {"", asked, "locked"}, {"", asked, "-c locked2"}, {"", asked, "-T locked2.pub"},
		{"", asked, "-x"}, {"", asked, "-l"}, {"", asked, "-x"}, {"", asked, "-X"}, {"", asked, "-l"},
		{"a\nb\n", none, "-x"}, {"\n\n", none, "-x"}, {"a\n", none, "-X"},
		{"", none, "-h gate -H known ed"}, {"", none, "-h gate>me@[far]:2222 -H known ec"}, {"", none, "-h nowhere -H known ed"},
		{"", none, "-h me@gate>[far]:2222 -H known ed"}, {"", none, "-l"},
		{"", none, "-e /lib/x.so"}, {"", asked, "-s /lib/x.so"}, {"", none, "-l -L"}, {"", none, "-x -l"},
		{"", none, "-E sha3 -l"}, {"", none, "-t nonsense ed"}, {"", none, "-m 1 -q ed"},
	} {
		a, b := both(test.stdin, test.env, strings.Fields(test.args)...)
		if a != b {
			t.Errorf("ssh-add %s: ours\n%d %q %q, theirs\n%d %q %q", test.args, a.code, a.out, a.err, b.code, b.out, b.err)
		}
	}
	for _, env := range []string{"SSH_AUTH_SOCK=", "SSH_AUTH_SOCK=" + dir + "/nothing", "SSH_AUTH_SOCK=" + dir + "/garbage"} {
		a := tell(t, dir, "", []string{env}, "nacre", "ssh-add", "-l")
		b := tell(t, dir, "", []string{env}, "/usr/bin/ssh-add", "-l")
		if a != b {
			t.Errorf("%s: ours %+v, theirs %+v", env, a, b)
		}
	}
}

// What OpenSSH 10 has and the one here may not have.
func TestSSHAddNewer(t *testing.T) {
	dir := keyDir(t)
	socket, _ := startOurAgent(t)
	env := []string{"SSH_AUTH_SOCK=" + socket, "DISPLAY="}
	for _, test := range []struct {
		args string
		want told
	}{
		{"-Q", told{out: "session-bind@openssh.com\n"}},
		{"-t 90 ec", told{err: "Identity added: ec (ec)\nLifetime set to 00:01:30\n"}},
		{"-t 2d other", told{err: "Identity added: other (other)\nLifetime set to 2d00h00m\n"}},
		{"-t 2w1d other", told{err: "Identity added: other (other)\nLifetime set to 02w1d00h\n"}},
		{"old", told{err: "Identity added: old (old)\nCertificate old-cert.pub has already expired; ignored\r\n"}},
		{"-N old", told{err: "Identity added: old (old)\nCertificate added: old-cert.pub (over)\n"}},
		{"-D", told{err: "All identities removed.\n"}},
		{"-C ed", told{code: 1, err: "Certificate added: ed-cert.pub (the id)\n"}},
		{"-d -C ed", told{err: "Identity removed: ed-cert.pub ED25519-CERT (an_ed25519_key)\n"}},
		{"-K", told{code: 255, err: "Cannot download keys without provider\r\n"}},
		{"garbage", told{code: 1, err: "Error loading key \"garbage\": invalid format\n"}},
	} {
		if got := tell(t, dir, "", env, append([]string{"nacre", "ssh-add"}, strings.Fields(test.args)...)...); got != test.want {
			t.Errorf("ssh-add %s: %+v, want %+v", test.args, got, test.want)
		}
	}
}

// TestAgentConfirms has each use of a key asked about through SSH_ASKPASS.
func TestAgentConfirms(t *testing.T) {
	dir := keyDir(t)
	socket, _ := startOurAgent(t, "SSH_ASKPASS="+dir+"/askpass", "SSH_ASKPASS_REQUIRE=force")
	env := []string{"SSH_AUTH_SOCK=" + socket}
	answer := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "answer"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r := tell(t, dir, "", env, "ssh-add", "-c", "ed"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	for text, want := range map[string]int{"yes\n": 0, "\n": 0, "no\n": 1} {
		answer(text)
		if r := tell(t, dir, "", env, "ssh-add", "-T", "ed.pub"); r.code != want {
			t.Errorf("answer %q: %+v", text, r)
		}
	}
	asked := testpeer.Read(t, filepath.Join(dir, "asked"))
	if !strings.Contains(asked, "Allow use of key an_ed25519_key?\nKey fingerprint SHA256:") || !strings.Contains(asked, ". confirm\n") {
		t.Errorf("the user was asked %q", asked)
	}
}

// TestAgentSignals: SIGUSR1 drops the keys, SIGTERM ends the agent and removes
// the socket.
func TestAgentSignals(t *testing.T) {
	dir := keyDir(t)
	socket, cmd := startOurAgent(t)
	env := []string{"SSH_AUTH_SOCK=" + socket}
	if r := tell(t, dir, "", env, "ssh-add", "ed"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	cmd.Process.Signal(syscall.SIGUSR1)
	c, err := agent.Dial(context.Background(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for list := []agent.Identity{{}}; len(list) > 0; {
		if list, err = c.List(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 2 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Error("the socket is still there")
	}
}

// TestAgentHidden: nobody but root reads the process's memory, and it leaves no
// core.
func TestAgentHidden(t *testing.T) {
	_, cmd := startOurAgent(t)
	proc := fmt.Sprintf("/proc/%d/", cmd.Process.Pid)
	limits := testpeer.Read(t, proc+"limits")
	if !regexp.MustCompile(`(?m)^Max core file size +0 +0 `).MatchString(limits) {
		t.Error("it may leave a core")
	}
	status := testpeer.Read(t, proc+"status")
	if !regexp.MustCompile(`(?m)^VmLck:\s+[1-9]`).MatchString(status) && os.Getuid() == 0 {
		t.Log("no memory is locked before there is a key")
	}
	info, err := os.Stat(proc + "mem")
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("its memory belongs to the user: %v", err)
	}
}

// TestAgentForwarding reaches a second host through a first with a key that is held to
// that way: with our ssh and with OpenSSH's, through OpenSSH's servers.
func TestAgentForwarding(t *testing.T) {
	t.Parallel()
	id := testpeer.NewKey(t, testpeer.Ed25519)
	start := func() *testpeer.Running {
		return testpeer.NewOpenSSH(t).Start(t, testpeer.ServerOptions{
			HostKeys: []*testpeer.Key{testpeer.NewKey(t, testpeer.Ed25519)}, Authorized: id,
		})
	}
	gate, far := start(), start()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	name := func(r *testpeer.Running) string { return fmt.Sprintf("[127.0.0.1]:%d", r.Port) }
	known := write("known", name(gate)+" "+testpeer.Read(t, gate.HostKeys[0].Path+".pub")+name(far)+" "+testpeer.Read(t, far.HostKeys[0].Path+".pub"))
	conf := write("conf", "HostName 127.0.0.1\nUser "+gate.User+"\nUserKnownHostsFile "+known+"\nGlobalKnownHostsFile none\n"+
		"IdentityFile "+write("id.pub", testpeer.Read(t, id.Path+".pub"))+"\nBatchMode yes\nStrictHostKeyChecking yes\nControlPath none\n")
	at := func(r *testpeer.Running) []string { return []string{"-F", conf, "-p", fmt.Sprint(r.Port)} }
	further := strings.Join(append([]string{"/usr/bin/ssh"}, at(far)...), " ") + " far echo through"

	for _, test := range []struct {
		name, client string
		add          []string // destinations
		atGate       string   // what ssh-add -l says there
		through      bool
		direct       bool // to the far host from here
	}{
		{"free", "", nil, "ED25519", true, true},
		{"to the gate", "", []string{name(gate)}, "The agent has no identities.", false, false},
		{"through the gate", "", []string{name(gate), name(gate) + ">" + name(far)}, "ED25519", true, false},
		{"through the gate, as another user", "", []string{name(gate), name(gate) + ">nobody@" + name(far)}, "ED25519", false, false},
	} {
		for _, client := range []string{"/usr/bin/ssh", "ssh"} {
			t.Run(test.name+" with "+client, func(t *testing.T) {
				socket, _ := startOurAgent(t)
				env := []string{"SSH_AUTH_SOCK=" + socket, "HOME=" + dir}
				add := []string{"ssh-add", "-H", known}
				for _, d := range test.add {
					add = append(add, "-h", d)
				}
				if r := tell(t, dir, "", env, append(add, id.Path)...); r.code != 0 {
					t.Fatalf("%+v", r)
				}
				r := tell(t, dir, "", env, append(append([]string{client, "-A"}, at(gate)...), "gate", "ssh-add -l; "+further)...)
				if !strings.Contains(r.out, test.atGate) || strings.Contains(r.out, "through") != test.through {
					t.Errorf("%+v", r)
				}
				r = tell(t, dir, "", env, append(append([]string{client}, at(far)...), "far", "echo direct; echo $SSH_AUTH_SOCK")...)
				if (r.out == "direct\n\n") != test.direct {
					t.Errorf("direct: %+v", r)
				}
			})
		}
	}
}
