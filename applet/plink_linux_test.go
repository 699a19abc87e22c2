package applet

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
	"github.com/nacre-ssh/nacre/keyfile"
)

// A plinkLab is an OpenSSH server, keys for it, and the two plinks with a store
// each.
type plinkLab struct {
	*host
	closed int
}

func newPlinkLab(t *testing.T) *plinkLab {
	t.Helper()
	l := &plinkLab{host: &host{dir: t.TempDir()}, closed: testpeer.FreePort(t)}
	l.Running = testpeer.NewOpenSSH(t).Start(t, testpeer.ServerOptions{
		HostKeys: []*testpeer.Key{testpeer.NewKey(t, testpeer.Ed25519)}, Authorized: testpeer.NewKey(t, testpeer.Ed25519),
		Config: []string{"AcceptEnv FOO", "MaxAuthTries 20", "MaxStartups 100", "KbdInteractiveAuthentication no", "LogLevel INFO",
			"SetEnv SHLVL=1"}, // so that bash reads nobody's ~/.bashrc: what that says many at a time is compared here
	})
	k, _, err := keyfile.Load(l.Identity.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{"id.ppk": "", "locked.ppk": passphrase} {
		text, err := keyfile.MarshalPPK(k, nil, "of the lab", []byte(secret), keyfile.PPKParams{Memory: 64, Passes: 1})
		if err != nil {
			t.Fatal(err)
		}
		l.write(t, name, string(text))
	}
	l.write(t, "id.pub", testpeer.Read(t, l.Identity.Path+".pub"))
	l.write(t, "commands", "echo from the file")
	for _, whose := range []string{"putty", "nacre"} {
		l.session(t, whose, "lab", "TryAgent=0")
		l.session(t, whose, "weak", "TryAgent=0\nKEX=WARN,ecdh")
	}
	return l
}

// session writes a stored session for the server.
func (l *plinkLab) session(t *testing.T, whose, name, lines string) {
	t.Helper()
	dir := filepath.Join(l.dir, whose, "sessions")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l.write(t, filepath.Join(whose, "sessions", name), fmt.Sprintf("Protocol=ssh\nHostName=127.0.0.1\nPortNumber=%d\nUserName=%s\nPublicKeyFile=%s\n%s\n",
		l.Port, l.User, filepath.Join(l.dir, "id.ppk"), lines))
}

// run is one run of a plink without a terminal. In args PORT, CLOSED and KEY are
// written out.
func (l *plinkLab) run(whose, stdin string, args ...string) (out, errOut string, code int) {
	argv := append([]string{realProgram("plink")}, args...)
	if whose == "nacre" {
		argv = append([]string{"nacre", "plink"}, args...)
	}
	words := strings.NewReplacer("PORT", strconv.Itoa(l.Port), "CLOSED", strconv.Itoa(l.closed), "KEY", l.HostKeys[0].Fingerprint())
	for i := range argv[1:] {
		argv[i+1] = words.Replace(argv[i+1])
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = l.dir
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=", "DISPLAY=", "TERM=vt100", "HOME="+l.dir, "PUTTYDIR="+filepath.Join(l.dir, whose))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		return "", err.Error(), -1
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// alike compares both plinks for one command line. code is ours where we differ
// on purpose, else -1.
func (l *plinkLab) alike(t *testing.T, code int, stdin string, args ...string) {
	t.Helper()
	var all crowd
	type result struct {
		out, err string
		code     int
	}
	var ours, theirs result
	all.Go(func() { ours.out, ours.err, ours.code = l.run("nacre", stdin, args...) })
	all.Go(func() { theirs.out, theirs.err, theirs.code = l.run("putty", stdin, args...) })
	all.Wait()
	if code >= 0 && ours.code == code {
		theirs.code = code
	}
	if ours != theirs {
		t.Errorf("plink %q\nours   %d out %q\nerr %q\ntheirs %d out %q\nerr %q", args, ours.code, ours.out, ours.err, theirs.code, theirs.out, theirs.err)
	}
}

// What plink prints, and how it ends, is what PuTTY's does.
func TestPlinkLikePuTTYs(t *testing.T) {
	t.Parallel()
	l := newPlinkLab(t)
	t.Run("HostKeys", l.hostKeys)
	at := []string{"-batch", "-P", "PORT", "-l", l.User, "-noagent", "-hostkey", "KEY"}
	in := func(args ...string) []string {
		return append(append(at[:len(at):len(at)], "-i", "id.ppk", "127.0.0.1"), args...)
	}
	rows := [][]string{
		{"-bogus"}, {"-P"}, {"-batch", "--", "-x"}, {"-batch", "foo,x"}, {"-batch", "a@raw,127.0.0.1"}, {"-batch", "raw,a@127.0.0.1", "-P", "CLOSED"},
		{"-batch", "-P", "CLOSED", "127.0.0.1", "true"},
		{"-batch", "-raw", "-P", "CLOSED", "127.0.0.1"},
		{"-batch", "nowhere.invalid"},
		{"-batch", "-supdup", "127.0.0.1"},
		{"-hostkey", "bogus", "127.0.0.1"},
		{"-batch", "-load", "lab", "-pwfile", "nosuch"},
		{"-batch", "-load", "lab", "-m", "nosuch"},
		{"-batch", "-load", "lab", "-nc", "127.0.0.1"},
		{"-batch", "-load", "lab", "-L", "1"},
		in("echo hi; echo er >&2; exit 7"),
		in("exit 255"),
		in("kill -TERM $$"),
		{"-batch", "-load", "lab", "-hostkey", "SHA256:3IentIxtL+eRYp+r6f2lO0OZ3TfD1kC9s1JPDZdsZwZ", "true"},
		append(at[:len(at):len(at)], "127.0.0.1", "true"),
		append(at[:len(at):len(at)], "-i", "nosuch.ppk", "127.0.0.1", "true"),
		append(at[:len(at):len(at)], "-i", "commands", "127.0.0.1", "true"),
		append(at[:len(at):len(at)], "-i", "locked.ppk", "127.0.0.1", "true"),
		append(at[:len(at):len(at)], "127.0.0.1", "-cert", "id.pub", "-i", "id.ppk", "echo", "options behind the host"),
		append(at[:len(at):len(at)], "-nc", "127.0.0.1:CLOSED", "-i", "id.ppk", "127.0.0.1"),
		append(at[:len(at):len(at)], "-s", "-i", "id.ppk", "127.0.0.1", "nosuch"),
		append(at[:len(at):len(at)], "-m", "commands", "-i", "id.ppk", "127.0.0.1", "other"),
		append(at[:len(at):len(at)], "-t", "-i", "id.ppk", "127.0.0.1", "stty size; echo $TERM"),
		append(at[:len(at):len(at)], "-sanitise-stdout", "-i", "id.ppk", "ssh,127.0.0.1", `printf 'a\033[1m\303\244\n'`),
		append(at[:len(at):len(at)], "-no-trivial-auth", "-share", "-C", "-4", "-x", "-i", "id.ppk", " "+l.User+"@127.0.0.1:99 ", "id -un"),
		{"-hostkey", "KEY", "-batch", "lab", "echo", "$((1+1))"},
		{"-hostkey", "KEY", "-batch", "-load", "lab", "127.0.0.1", "2>/dev/null; echo a command"},
		{"-hostkey", "KEY", "-batch", "-o", "PortNumber: 1", "-load", "lab", "echo resource"},
		{"-hostkey", "KEY", "-batch", "weak", "true"},
	}
	var all crowd
	for _, args := range rows {
		all.Go(func() { l.alike(t, -1, "", args...) })
	}
	all.Wait()
	l.alike(t, -1, passphrase+"\n", "-P", "PORT", "-l", l.User, "-noagent", "-hostkey", "KEY", "-i", "locked.ppk", "127.0.0.1", "echo unlocked")
	l.alike(t, -1, "y\n", "-hostkey", "KEY", "weak", "echo weak")
	l.alike(t, 1, "n\n", "-hostkey", "KEY", "weak", "echo weak")
}

// hostKeys asks about a host's key, which ends in PuTTY's cache.
func (l *plinkLab) hostKeys(t *testing.T) {
	line := []string{"-load", "lab", "echo in"}
	l.alike(t, -1, "", append([]string{"-batch"}, line...)...)
	l.alike(t, -1, "n\n", line...)
	l.alike(t, 1, "\n", line...)
	l.alike(t, 1, "", line...)
	l.alike(t, -1, "y\n", line...)
	l.alike(t, -1, "", append([]string{"-batch"}, line...)...)
	for _, whose := range []string{"putty", "nacre"} {
		name := filepath.Join(whose, "sshhostkeys")
		l.write(t, name, strings.Replace(testpeer.Read(t, filepath.Join(l.dir, name)), ",0x", ",0x1", 1))
	}
	l.alike(t, -1, "", append([]string{"-batch"}, line...)...)
	l.alike(t, -1, "y\n", line...)
	if ours, theirs := testpeer.Read(t, filepath.Join(l.dir, "nacre/sshhostkeys")), testpeer.Read(t, filepath.Join(l.dir, "putty/sshhostkeys")); ours != theirs {
		t.Errorf("cached %q, PuTTY has %q", ours, theirs)
	}
	out, errOut, code := l.run("nacre", "maybe\n", "-load", "lab", "-loghost", "other:7", "echo in")
	if code != 1 || out != "" || !strings.Contains(errOut, "  other (port 7)\n") {
		t.Errorf("an answer without a meaning: %d %q %q", code, out, errOut)
	}
	out, errOut, code = l.run("nacre", "i\ny\n", "-load", "lab", "-loghost", "other:7", "echo in")
	if code != 0 || out != "in\n" || !strings.Contains(errOut, "\nMD5 fingerprint: ssh-ed25519 255 ") {
		t.Errorf("more information: %d %q %q", code, out, errOut)
	}
}

// A stored session's settings are those of the connection.
func TestPlinkSessions(t *testing.T) {
	t.Parallel()
	l := newPlinkLab(t)
	forwarded := testpeer.FreePort(t)
	l.session(t, "nacre", "full", fmt.Sprintf("TryAgent=0\nEnvironment=FOO=x\\,y\nCompression=1\nCipher=chacha20,WARN,aes\nPingIntervalSecs=60\nPortForwardings=L%d=127.0.0.1:%d,", forwarded, l.Port))
	l.session(t, "nacre", "command", "RemoteCommand=echo stored\nNoPTY=1\nLogType=2\nLogFileName=log-&H-&P\n")
	l.session(t, "nacre", "throughprogram", "ProxyLocalhost=1\nProxyMethod=5\nProxyTelnetCommand=nc %host %port\n")
	l.session(t, "nacre", "hop", "ProxyLocalhost=1\nProxyMethod=6\nProxyHost=lab\n")
	l.session(t, "nacre", "excluded", "ProxyMethod=3\nProxyHost=127.0.0.1\nProxyPort=1\n")
	l.session(t, "nacre", "dead", fmt.Sprintf("ProxyLocalhost=1\nProxyMethod=3\nProxyHost=127.0.0.1\nProxyPort=%d\n", l.Port))
	l.session(t, "nacre", "manual", "SSHManualHostKeys="+l.HostKeys[0].Fingerprint()+"\nLogHost=nobody\n")
	if _, _, code := l.run("nacre", "y\n", "lab", "true"); code != 0 {
		t.Fatal("the host's key isn't stored")
	}
	for _, row := range []struct {
		args, out, err string
		code           int
	}{
		{`full|echo "$FOO"; exec 3<>/dev/tcp/127.0.0.1/` + strconv.Itoa(forwarded) + `; head -c 4 <&3`, "x,y\nSSH-", "", 0},
		{"command", "stored\n", "", 0},
		{"throughprogram|echo in", "in\n", "", 0},
		{"hop|echo in", "in\n", "", 0},
		{"excluded|echo in", "in\n", "", 0},
		{"dead|echo in", "", "FATAL ERROR: Proxy error: ", 1},
		{"manual|echo in", "in\n", "", 0},
		{"-load|lab|-serial", "", "picocom", 1},
		{"-load|lab|-1", "", "version 1 is not supported", 1},
		{"-load|lab|-shareexists", "", "", 1},
		{"-load|lab|-preconnectcommand|echo first|echo in", "in\n", "first\n", 0},
		{"-load|lab|-D|" + strconv.Itoa(l.Port) + "|echo in", "in\n", "", 0}, // in use: said, and no end
		{"-load|lab|-v|exit 3", "", "Access granted\n", 3},
	} {
		out, errOut, code := l.run("nacre", "", append([]string{"-batch"}, strings.Split(row.args, "|")...)...)
		if out != row.out || code != row.code || !strings.Contains(errOut, row.err) {
			t.Errorf("%s: %d %q %q", row.args, code, out, errOut)
		}
	}
	if log := testpeer.Read(t, filepath.Join(l.dir, "log-127.0.0.1-"+strconv.Itoa(l.Port))); !strings.HasPrefix(log, "=~=~=~=~=~=~=~=~=~=~=~= PuTTY log 20") || !strings.HasSuffix(log, "stored\n") {
		t.Errorf("log %q", log)
	}
}

// A certificate inside a PPK file logs in: with ssh, with plink, and from the
// agent that ssh-add gave it to.
func TestCertificateInPPK(t *testing.T) {
	t.Parallel()
	p := &pki{dir: t.TempDir(), me: testpeer.Me(t), program: map[string][]string{"openssh": nil, "nacre": {"nacre"}}}
	for _, name := range []string{"uca", "ed25519", "p256"} {
		p.run(t, "openssh", "ssh-keygen", "-t", map[bool]string{true: "ecdsa", false: "ed25519"}[name == "p256"], "-q", "-N", "", "-f", name)
	}
	port, _ := p.serve(t, "openssh", "HostKey "+p.path("p256"), "AuthorizedKeysFile none", "TrustedUserCAKeys "+p.path("uca.pub"))
	p.write(t, "known", "[127.0.0.1]:* "+testpeer.Read(t, p.path("p256.pub")))
	known := []string{"UserKnownHostsFile=" + p.path("known")}
	p.certify(t, "openssh", "ed25519", "certified", "-s", "uca", "-I", "id", "-n", p.me)
	for name, secret := range map[string]string{"plain.ppk": "", "locked.ppk": passphrase} {
		p.write(t, "secret", secret)
		out, err := exec.Command(realProgram("puttygen"), p.path("certified"), "--certificate", p.path("certified-cert.pub"),
			"--new-passphrase", p.path("secret"), "-o", p.path(name)).CombinedOutput()
		if err != nil {
			t.Fatalf("puttygen: %v %s", err, out)
		}
	}
	p.write(t, "key", testpeer.Read(t, p.path("ed25519")))
	for name, ok := range map[string]bool{"plain.ppk": true, "key": false} {
		if out, in := p.login(t, "nacre", port, name, known, "echo", "in"); in != ok {
			t.Errorf("ssh with %s: %s", name, out)
		}
	}
	args := []string{"-batch", "-noagent", "-P", port, "-l", p.me, "-hostkey", strings.Fields(testpeer.Read(t, p.path("p256.pub")))[1], "127.0.0.1", "-i"}
	for _, more := range [][]string{{"plain.ppk"}, {"key", "-cert", "certified-cert.pub"}} {
		if out, err := p.command("nacre", "plink", slices.Concat(args, more, []string{"echo in"})...).Output(); err != nil || string(out) != "in\n" {
			t.Errorf("plink with %s: %v %s", more, err, out)
		}
	}
	cmd := p.command("nacre", "ssh-agent", "nacre", "ssh-add", "locked.ppk")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Stdin = strings.NewReader(passphrase + "\n")
	if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), "Certificate added: ") != 1 {
		t.Errorf("ssh-add: %v %s", err, out)
	}
}
