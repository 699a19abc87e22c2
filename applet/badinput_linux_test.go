package applet

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// Whatever is wrong, ssh says so in a sentence, with the file and the line or the
// path, and ends with 255.
func TestSSHBadInput(t *testing.T) {
	h := startHost(t)
	t.Run("configuration", func(t *testing.T) { t.Parallel(); testBadConfig(t, h) })
	t.Run("proxies", func(t *testing.T) { t.Parallel(); testBadProxies(t, h) })
	t.Run("files", func(t *testing.T) { t.Parallel(); testBadFiles(t, h) })
	t.Run("streams", func(t *testing.T) { t.Parallel(); testBadStreams(t, h) })
	t.Run("full disk", func(t *testing.T) { t.Parallel(); testFullDisk(t, h) })
	t.Run("dead link", func(t *testing.T) { t.Parallel(); testDeadLink(t, h) })
}

// says runs ssh with nothing to read, and wants an exit code and all that it
// says to match.
func (h *host) says(t *testing.T, code int, want string, args ...string) {
	t.Helper()
	cmd := exec.Command("ssh", append([]string{"-o", "BatchMode=yes"}, args...)...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
	out, _ := cmd.CombinedOutput()
	out = withoutServer(out)
	if cmd.ProcessState.ExitCode() != code || !regexp.MustCompile("^(?:"+want+")\n$").Match(out) {
		t.Errorf("ssh %v: exit code %d, want %d; it said\n%s\nwant\n%s", args, cmd.ProcessState.ExitCode(), code, out, want)
	}
}

// withoutServer takes out what OpenSSH's server, which logs a lot here, says in
// its child before it starts a program.
func withoutServer(out []byte) []byte {
	return regexp.MustCompile(`debug1: [^\r\n]*\r\n`).ReplaceAll(out, nil)
}

// testBadConfig has lines that are wrong, and what is said of each: what OpenSSH
// says, where it says anything of use.
func testBadConfig(t *testing.T, h *host) {
	for i, row := range []struct{ line, want string }{
		{"Prot 22", `: line 2: Bad configuration option: prot`},
		{"Port x", ` line 2: Bad port 'x'.`},
		{"Port 99999", ` line 2: Bad port '99999'.`},
		{"Port", ` line 2: no argument after keyword "port"`},
		{"Port 22 23", ` line 2: keyword port extra arguments at end of line`},
		{"Ciphers nope", ` line 2: Bad SSH2 cipher spec 'nope'. \(unknown name 'nope'\)`},
		{"StrictHostKeyChecking maybe", ` line 2: unsupported option "maybe".`},
		{"ConnectTimeout soon", ` line 2: invalid time value.`},
		{"LocalForward 80", ` line 2: Missing target argument.`},
		{"RemoteForward x", ` line 2: Bad forwarding specification.`},
		{`User "unfinished`, ` line 2: invalid quotes`},
		{"ProxyJump a@b@:x:y", ` line 2: Invalid ProxyJump "a@b@:x:y"`},
		{"EscapeChar abc", ` line 2: Bad escape character.`},
		{"RekeyLimit 1", ` line 2: RekeyLimit too small`},
		{"LogLevel LOUD", ` line 2: unsupported log level 'LOUD'`},
		{"AddressFamily inet9", ` line 2: unsupported option "inet9".`},
		{"Match nonsense x", ` line 2: unsupported Match attribute nonsense`},
		{"SetEnv x", ` line 2: Invalid SetEnv.`},
		{"IPQoS fast", ` line 2: Bad IPQoS value: fast`},
		{"ControlPersist sometimes", ` line 2: Bad ControlPersist argument.`},
		{"NumberOfPasswordPrompts many", ` line 2: integer value invalid.`},
		{"UserKnownHostsFile none x", ` line 2: keyword userknownhostsfile "none" argument must appear alone.`},
		{"PermitRemoteOpen x", ` line 2: bad port number in permitremoteopen`},
		{"FingerprintHash md4", ` line 2: Invalid hash algorithm "md4".`},
	} {
		file := h.write(t, fmt.Sprintf("bad%d", i), "Host *\n"+row.line+"\n")
		h.says(t, 255, file+row.want+"\n"+file+": terminating, 1 bad configuration options", "-F", file, "127.0.0.1", "true")
	}
	file := h.write(t, "bad_included", "Include "+h.write(t, "bad_inner", "\n\nProt 22\n")+"\n")
	h.says(t, 255, h.dir+`/bad_inner: line 3: Bad configuration option: prot`+"\n.*: terminating, 1 bad configuration options", "-F", file, "127.0.0.1", "true")
	h.says(t, 255, ".*: is a directory", "-F", h.dir, "127.0.0.1", "true")
	h.says(t, 255, "/dev/zero: .*", "-F", "/dev/zero", "127.0.0.1", "true")
}

// answering is a server that says something as soon as it is asked, and hangs
// up; nil says nothing, ever.
func answering(t *testing.T, answer []byte) int {
	t.Helper()
	return testpeer.Accept(t, func(nc *net.TCPConn) {
		if answer != nil && len(answer) == 0 {
			return
		}
		nc.Read(make([]byte, 4096))
		nc.Write(answer)
		if answer != nil {
			nc.CloseWrite()
		}
		io.Copy(io.Discard, nc)
	})
}

func testBadProxies(t *testing.T, h *host) {
	ends := ` answers with the end of the connection \(is it that kind of proxy\?\)`
	kind := ` answers with .* \(is it that kind of proxy\?\)`
	for _, row := range []struct {
		answer      []byte
		http, socks string
	}{
		{nil, ": connection timed out", ": connection timed out"},
		{[]byte{}, ends, ends},
		{[]byte("HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"), ": it asks for a user and a password", kind},
		{[]byte("HTTP/1.1 502 Bad Gateway\r\n\r\n"), ` does not connect to 127.0.0.1:\d+: 502 Bad Gateway`, kind},
		{[]byte("SSH-2.0-x\r\n"), kind, kind},
		{bytes.Repeat([]byte{0xff}, 1<<17), kind, kind},
	} {
		port := strconv.Itoa(answering(t, row.answer))
		for scheme, want := range map[string]string{"http": row.http, "socks5": row.socks, "socks4": row.socks} {
			proxy := scheme + "://127.0.0.1:" + port
			h.says(t, 255, "ssh: the proxy "+proxy+want, "-F", h.conf, "-o", "ConnectTimeout=1", "-o", "ProxyURL="+proxy, "127.0.0.1", "true")
		}
	}
	dead := "http://127.0.0.1:" + strconv.Itoa(testpeer.FreePort(t))
	h.says(t, 255, "ssh: connecting to the proxy "+dead+": .*connection refused", "-F", h.conf, "-o", "ProxyURL="+dead, "127.0.0.1", "true")
	for command, want := range map[string]string{
		"false":        `ssh: the ProxyCommand: the other side closed the connection before it identified itself \(to see what it does, run: false\)`,
		"no-such here": `(?s).*no-such: not found\nssh: the ProxyCommand: .* run: no-such here\)`,
		"sleep 60":     `ssh: connect to host 127.0.0.1 port \d+: Connection timed out.*`,
	} {
		h.says(t, 255, want, "-F", h.conf, "-o", "ConnectTimeout=1", "-o", "ProxyCommand="+command, "127.0.0.1", "true")
	}
}

// testBadFiles has files and sockets that are not what they should be. Where
// there is another way to log in, ssh goes on.
func testBadFiles(t *testing.T, h *host) {
	text := testpeer.Read(t, h.Identity.Path)
	cut := h.write(t, "cut_key", text[:len(text)/2])
	binary := h.write(t, "binary", strings.Repeat("\x00\xffnot a key\n", 300))
	sparse := h.write(t, "sparse", "")
	if err := os.Truncate(sparse, 1<<30); err != nil {
		t.Fatal(err)
	}
	directory := filepath.Join(h.dir, "directory")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	denied := "\n.*: Permission denied \\(publickey.*"
	for file, want := range map[string]string{
		directory: "Is a directory", cut: "not a usable private key: .*", binary: "not a usable private key: .*",
		sparse: "not a usable private key: it is larger than 1 MiB",
	} {
		h.says(t, 255, `Load key "`+file+`": `+want+denied, "-F", h.only(t, "IdentityFile "+file), "127.0.0.1", "true")
		h.says(t, 0, `Load key "`+file+`": `+want+"\nlogged in", "-F", h.conf, "-i", file, "127.0.0.1", "echo logged in")
	}
	gone := filepath.Join(h.dir, "gone") // a socket that nobody listens on any more
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: gone, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	nothing := h.only(t, "IdentityFile none")
	h.says(t, 255, "[^\n]*: Permission denied \\(publickey.*", "-F", nothing, "-o", "IdentityAgent="+gone, "127.0.0.1", "true")

	h.says(t, 255, "read known hosts: read "+directory+": is a directory\nHost key verification failed.",
		"-F", h.conf, "-o", "UserKnownHostsFile="+directory, "127.0.0.1", "true")
	mixed := h.write(t, "mixed_known", testpeer.Read(t, binary)+testpeer.Read(t, h.known))
	h.says(t, 0, "logged in", "-F", h.conf, "-o", "UserKnownHostsFile="+mixed, "127.0.0.1", "echo logged in")

	long, far := filepath.Join(h.dir, strings.Repeat("x", 120)), filepath.Join(h.dir, "none", "socket")
	on := "\nlogged in"
	h.says(t, 255, `ControlPath too long \('`+long+`' has \d+ bytes, \d+ may be: .*`, "-F", h.conf, "-M", "-S", long, "127.0.0.1", "echo logged in")
	h.says(t, 255, `.*`+filepath.Dir(far)+`: no such file or directory`, "-F", h.conf, "-M", "-S", far, "127.0.0.1", "echo logged in")
	h.says(t, 0, "ControlSocket "+binary+" already exists, disabling multiplexing"+on, "-F", h.conf, "-M", "-S", binary, "127.0.0.1", "echo logged in")
	strict := []string{"-F", h.conf, "-o", "ExitOnForwardFailure=yes"}
	h.says(t, 255, "unix_listener: cannot bind to path "+far+": No such file or directory\nCould not request local forwarding.",
		append(strict, "-L", far+":127.0.0.1:1", "127.0.0.1", "true")...)
	h.says(t, 255, "unix_listener: cannot bind to path "+binary+": Address already in use\nCould not request local forwarding.",
		append(strict, "-L", binary+":127.0.0.1:1", "127.0.0.1", "true")...)
	h.says(t, 255, "Bad local forwarding specification '"+long+":127.0.0.1:1'.*", append(strict, "-L", long+":127.0.0.1:1", "127.0.0.1", "true")...)
	h.says(t, 255, "Couldn't open logfile "+directory+": Is a directory", "-F", h.conf, "-E", directory, "127.0.0.1", "true")
	h.says(t, 0, "logged in", "-F", h.conf, "-v", "-E", "/dev/full", "127.0.0.1", "echo logged in")
	if got := testpeer.Read(t, binary); got != strings.Repeat("\x00\xffnot a key\n", 300) {
		t.Error("a file that was in the way is changed")
	}
}

// only is a configuration with a line instead of the identity.
func (h *host) only(t *testing.T, line string) string {
	t.Helper()
	f, err := os.CreateTemp(h.dir, "only")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(h.config(line, "UserKnownHostsFile "+h.known)); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// testBadStreams has streams that are closed or take nothing.
func testBadStreams(t *testing.T, h *host) {
	lost := "ssh: writing the output: No space left on device (the rest of it is lost)\n"
	for _, row := range []struct{ command, want string }{
		{`ssh -F $CONF 127.0.0.1 yes | head -n 1; echo ${PIPESTATUS[0]}`, "y\n255\n"},
		{`ssh -F $CONF 127.0.0.1 'echo a; exit 3' >/dev/full; echo $?`, lost + "255\n"},
		{`ssh -F $CONF 127.0.0.1 yes >/dev/full; echo $?`, lost + "255\n"},
		{`ssh -F $CONF 127.0.0.1 'echo a >&2; exit 3' 2>/dev/full; echo $?`, "3\n"},
		{`ssh -F $CONF 127.0.0.1 'cat; exit 3' <&-; echo $?`, "3\n"},
		{`ssh -F $CONF 127.0.0.1 'echo a; exit 3' >&-; echo $?`, "3\n"},
		{`ssh -v -F $CONF 127.0.0.1 'echo a; exit 3' 2>&-; echo $?`, "a\n3\n"},
		{`ssh -F $CONF 127.0.0.1 'exit 3' <&- >&- 2>&-; echo $?`, "3\n"},
		{`ssh -t -F $CONF 127.0.0.1 'exit 3' <&- 2>/dev/null; echo $?`, "3\n"},
	} {
		cmd := exec.Command("bash", "-c", row.command)
		cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=", "CONF="+h.conf)
		if out, err := cmd.CombinedOutput(); err != nil || string(withoutServer(out)) != row.want {
			t.Errorf("%s: %v, %q; want %q", row.command, err, out, row.want)
		}
	}
}

// testFullDisk has no room for a new host: it is told of, the file is as it was,
// and the session goes on.
func testFullDisk(t *testing.T, h *host) {
	const script = `mount -t tmpfs -o size=8k tmpfs "$DISK"
		printf '# %4090d\n' 0 >"$DISK/known"
		head -c 100000 /dev/zero >"$DISK/rest" 2>/dev/null || true
		cp "$DISK/known" "$DISK.before"
		ssh -F "$CONF" -o UserKnownHostsFile="$DISK/known" -o StrictHostKeyChecking=accept-new 127.0.0.1 'echo logged in'
		cmp "$DISK/known" "$DISK.before"`
	disk := filepath.Join(h.dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "-r", "-m", "sh", "-ec", script)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=", "CONF="+h.conf, "DISK="+disk)
	out, err := cmd.CombinedOutput()
	want := "Failed to add the host to the list of known hosts (" + disk + "/known): add a known host: write " + disk + "/known: no space left on device\nlogged in\n"
	if got := string(withoutServer(out)); err != nil || got != want {
		t.Errorf("%v, %s", err, got)
	}
}

// testDeadLink stops the server's process: nothing comes any more, and nothing
// says that nothing will.
func testDeadLink(t *testing.T, h *host) {
	p := atTerminal(t, "-t", "-F", h.conf, "-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1", "127.0.0.1", "echo served by $PPID.; read line")
	p.sees("served by ")
	from := p.seen
	p.sees(".")
	pid, err := strconv.Atoi(p.screen.String()[from : p.seen-1])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := time.Now()
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	p.sees("\r\nTimeout, server 127.0.0.1 not responding. It has been silent for 2s.\r\n")
	if took := time.Since(stopped); took > 10*time.Second {
		t.Errorf("that took %v", took)
	}
	if code := p.leaves(); code != 255 {
		t.Errorf("exit code %d", code)
	}
}
