package sshd

import (
	"bufio"
	"bytes"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/internal/testpeer"
	"github.com/nacre-ssh/nacre/server"
)

// ran runs a door and returns its exit code and what it wrote.
func ran(t *testing.T, f func(*door.Env) int, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	errors, err := os.Create(filepath.Join(t.TempDir(), "err"))
	if err != nil {
		t.Fatal(err)
	}
	defer errors.Close()
	code = f(&door.Env{Name: "sshd", Args: args, Stdin: os.Stdin, Stdout: out, Stderr: errors, Getenv: func(string) string { return "" }})
	return code, testpeer.Read(t, out.Name()), testpeer.Read(t, errors.Name())
}

// What a person gets wrong ends in a sentence and sshd's exit code.
func TestSSHDTrouble(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := testpeer.NewKey(t, testpeer.Ed25519).Path
	text := testpeer.Read(t, good)
	loose := file("loose", text, 0o644)
	os.Chmod(loose, 0o644) // whatever the umask
	junk := file("junk", "nonsense\n", 0o600)
	unknown := file("unknown", "\n# two\nFoo bar\n", 0o600)
	value := file("value", "PermitRootLogin perhaps\n", 0o600)
	pam := file("pam", "UsePAM yes\n", 0o600)
	match := file("match", "Match User alice\nForceCommand ls\n", 0o600)
	for _, test := range []struct {
		args   string
		code   int
		stderr string // a part of it; "" for none at all
	}{
		{"-t -f none -h " + good, 0, ""},
		{"-Z", 1, "unknown option -- Z\n" + door.Version() + "\nusage: sshd [-"},
		{"-p", 1, "option requires an argument -- p\n"},
		{"-p x", 1, "Bad port number.\n"},
		{"-p 70000", 1, "Bad port number.\n"},
		{"-t extra", 1, "Extra argument extra.\n"},
		{"--tyr", 1, "unknown option -- tyr\n"},
		{"-t -f " + filepath.Join(dir, "missing"), 255, "missing: "},
		{"-t -f " + unknown, 255, unknown + ": line 3: Bad configuration option: Foo\n"},
		{"-t -f none -o Foo=bar", 255, "Bad configuration option: Foo\n"},
		{"-t -f " + value, 255, value + " line 1: "},
		{"-t -f " + pam, 255, "UsePAM is not supported"},
		{"-t -f " + match, 255, match + " line 2: ForceCommand is not supported yet"},
		{"-t -f none -h " + filepath.Join(dir, "missing"), 1, "sshd: no hostkeys available -- exiting.\n"},
		{"-t -f none -h " + junk, 1, "Unable to load host key \"" + junk + "\": not a usable private key"},
		{"-t -f none -h " + loose + " -h " + good, 0, "Permissions 0644 for '" + loose + "' are too open.\n"},
		{"-t -f none -h " + loose, 1, "Unable to load host key \"" + loose + "\": bad permissions\nsshd: no hostkeys"},
		{"-V", 0, door.Version() + "\n"},
		{"-D -e -f none -h " + good + " -o ListenAddress=203.0.113.1 -p 2", 255, "Bind to port 2 on 203.0.113.1 failed: "},
	} {
		if runtime.GOOS == "windows" && strings.Contains(test.stderr, "too open") {
			test.stderr = ""
		}
		code, stdout, stderr := ran(t, func(e *door.Env) int { return runSSHD(t.Context(), e) }, strings.Fields(test.args)...)
		if code != test.code || stdout != "" || !strings.Contains(stderr, test.stderr) || test.stderr == "" && stderr != "" {
			t.Errorf("sshd %s: exit code %d, want %d; stdout %q; stderr %q, want %q", test.args, code, test.code, stdout, stderr, test.stderr)
		}
	}
}

func TestSSHDDump(t *testing.T) {
	good := testpeer.NewKey(t, testpeer.Ed25519).Path
	for _, option := range []string{"-T", "-G"} {
		code, stdout, stderr := ran(t, func(e *door.Env) int { return runSSHD(t.Context(), e) }, option, "-4q", "-f", "none", "-h", good, "-p", "2222", "-g", "7", "-o", "PermitRootLogin no")
		if code != 0 || stderr != "" {
			t.Errorf("%s: exit code %d, %s", option, code, stderr)
		}
		for _, line := range []string{"port 2222\n", "addressfamily inet\n", "logingracetime 7\n", "permitrootlogin no\n", "hostkey " + good + "\n"} {
			if !strings.Contains(stdout, line) {
				t.Errorf("%s lacks %q", option, line)
			}
		}
	}
}

// TestTry types the line that --try prints.
func TestTry(t *testing.T) {
	program := testpeer.BuildNacre(t).Path
	tmp := t.TempDir()
	cmd := exec.Command(program, "sshd", "--try")
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "SSH_AUTH_SOCK=")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	var line string
	for sc := bufio.NewScanner(stdout); sc.Scan(); {
		if words := strings.TrimSpace(sc.Text()); strings.HasPrefix(words, "ssh -p ") {
			line = words
			break
		}
	}
	words := append(strings.Fields(line), "-F", "none", "-o", "BatchMode=yes", "echo", "$SSH_CONNECTION")
	if len(words) < 8 {
		t.Fatalf("no line to type:\n%s", log.String())
	}
	if strings.Contains(line, " -i ") { // else it depends on this user's keys
		out, err := exec.Command("ssh", words[1:]...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), " 127.0.0.1 "+words[2]) {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != sshdFatal {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func samplePolicy() (*sessionConfig, *server.Login) {
	c := &sessionConfig{
		generation: 3, logLevel: 5, kex: []string{"a", "b"}, ciphers: []string{"c"}, moduli: "/m",
		noPTY: true, rekeyBytes: 1 << 40, keepAlive: uint64(time.Second), maxSessions: 10,
		acceptEnv: []string{"LC_*"}, subsystemNames: []string{"sftp"}, subsystems: []string{"sftp-server -l"}, hostKeys: []string{"blob"},
		forwarding: forwardingPolicy{openTCP: true, listenSockets: true, onlyOpen: true, onlyListen: true, permitListen: []string{"*:80"}, gatewayPorts: 2, socketMode: 0o600, network: "tcp4"},
		qos:        []int{0xb8, 0}, timeouts: []string{"session:*", "x11-connection"}, timeoutSeconds: []int{60, 5}, unused: uint64(time.Minute),
	}
	l := &server.Login{
		User: "alice", Remote: netip.MustParseAddrPort("[fe80::1%eth0]:22"), Local: netip.MustParseAddrPort("127.0.0.1:2222"),
		Permit: &auth.Permit{ForceCommand: "x", NoPTY: true, NoX11: true, PermitOpen: [][]string{{"a:1"}, nil}, PermitListen: [][]string{{"*:2", "b:3"}}},
	}
	return c, l
}

func TestPolicyArrivesWhole(t *testing.T) {
	c, l := samplePolicy()
	config, got, err := parsePolicy(encodePolicy(c.encode(), l))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, l) {
		t.Errorf("login %+v %+v, want %+v %+v", got, got.Permit, l, l.Permit)
	}
	back, err := parseSessionConfig(config)
	if err != nil || !reflect.DeepEqual(back, c) {
		t.Errorf("config %+v, want %+v (%v)", back, c, err)
	}
}

func FuzzPolicy(f *testing.F) {
	c, l := samplePolicy()
	f.Add(encodePolicy(c.encode(), l))
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		config, l, err := parsePolicy(b)
		if err != nil {
			return
		}
		again, m, err := parsePolicy(encodePolicy(config, l))
		if err != nil || !bytes.Equal(again, config) || m.User != l.User || m.Permit.ForceCommand != l.Permit.ForceCommand {
			t.Errorf("%q does not come back: %v", b, err)
		}
		if c, err := parseSessionConfig(config); err == nil {
			c.serverConfig()
		}
	})
}
