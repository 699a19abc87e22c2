package applet

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// dribble is an HTTP proxy that sends its answer a byte at a time and the
// target's first words with the end of it, and wants a password where it has one.
func dribble(t *testing.T, login string) int {
	t.Helper()
	return testpeer.Accept(t, func(c *net.TCPConn) { dribbleOne(c, login) })
}

func dribbleOne(c net.Conn, login string) {
	in := bufio.NewReader(c)
	var target, auth string
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if words := strings.Fields(line); len(words) == 3 && words[0] == "CONNECT" {
			target = words[1]
		}
		if value, ok := strings.CutPrefix(line, "Proxy-Authorization: "); ok {
			auth = strings.TrimSpace(value)
		}
		if strings.TrimSpace(line) == "" {
			break
		}
	}
	if auth != login {
		io.WriteString(c, "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"here\"\r\n\r\n")
		return
	}
	far, err := net.Dial("tcp", target)
	if err != nil {
		io.WriteString(c, "HTTP/1.1 502 No\r\n\r\n")
		return
	}
	defer far.Close()
	first := make([]byte, 8)
	io.ReadFull(far, first)
	answer := []byte("HTTP/1.1 200 Yes\r\nX-Proxy: dribble\r\n\r\n")
	for _, b := range answer[:len(answer)-1] {
		c.Write([]byte{b})
	}
	c.Write(append(answer[len(answer)-1:], first...))
	go io.Copy(far, in)
	io.Copy(c, far)
}

// reaches runs ssh with options and wants the command's output.
func (h *host) reaches(t *testing.T, want string, options ...string) {
	t.Helper()
	cmd := exec.Command("ssh", append(append([]string{"-F", h.conf, "-o", "BatchMode=yes"}, options...), "127.0.0.1", "echo reached; exit 6")...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
	out, _ := cmd.CombinedOutput()
	if want == "" {
		if cmd.ProcessState.ExitCode() != 6 || !slices.Contains(strings.Split(string(out), "\n"), "reached") {
			t.Errorf("%v: %v, %s", options, cmd.ProcessState, out)
		}
		return
	}
	if cmd.ProcessState.ExitCode() != 255 || !strings.Contains(string(out), want) {
		t.Errorf("%v: %v, %s; want %q", options, cmd.ProcessState, out, want)
	}
}

func TestSSHThroughProxies(t *testing.T) {
	h := startHost(t)
	const login = "Basic bWU6Z2VoZWlt" // me:geheim
	open, locked := dribble(t, ""), dribble(t, login)
	auth := h.write(t, "auth", "me:geheim\n")
	nacre, err := exec.LookPath("nacre")
	if err != nil {
		t.Fatal(err)
	}
	h.reaches(t, "", "-o", fmt.Sprintf("ProxyURL=http://127.0.0.1:%d", open))
	h.reaches(t, "", "-o", fmt.Sprintf("ProxyURL=http://me:geheim@127.0.0.1:%d", locked))
	h.reaches(t, "it asks for a user and a password", "-o", fmt.Sprintf("ProxyURL=http://me@127.0.0.1:%d", locked))
	h.reaches(t, "it refuses the user or the password", "-o", fmt.Sprintf("ProxyURL=http://me:falsch@127.0.0.1:%d", locked))
	h.reaches(t, "502 No", "-p", "1", "-o", fmt.Sprintf("ProxyURL=http://127.0.0.1:%d", open))
	h.reaches(t, "", "-o", fmt.Sprintf("ProxyCommand=%s corkscrew 127.0.0.1 %d %%h %%p %s", nacre, locked, auth))
	h.reaches(t, "Proxy could not open connection to 127.0.0.1: 502 No", "-p", "1", "-o", fmt.Sprintf("ProxyCommand=%s corkscrew 127.0.0.1 %d %%h %%p", nacre, open))
	h.reaches(t, "", "-o", "ProxyCommand=nc -F %h %p", "-o", "ProxyUseFdpass=yes")
	h.reaches(t, "", "-o", fmt.Sprintf("ProxyCommand=nc -X connect -x 127.0.0.1:%d %%h %%p", open))
	h.reaches(t, "", "-o", fmt.Sprintf("ProxyCommand=/not/here/corkscrew 127.0.0.1 %d %%h %%p %s", locked, auth))
	h.reaches(t, "", "-o", fmt.Sprintf("ProxyCommand=/not/here/nc -X connect -x 127.0.0.1:%d %%h %%p", open))
	h.reaches(t, "closed", "-o", "ProxyCommand=false")
	h.reaches(t, "no kind of proxy", "-o", "ProxyURL=gopher://x")
}

// squid asks for the digest of a password (RFC 7616).
func TestSSHThroughSquid(t *testing.T) {
	h := startHost(t)
	dir := t.TempDir()
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) { // squid leaves root before it reads them
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name string, lines ...string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Join(append(lines, ""), "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	port := testpeer.FreePort(t)
	conf := write("conf", fmt.Sprintf("http_port 127.0.0.1:%d", port),
		"auth_param digest program /usr/lib/squid/digest_file_auth "+write("users", "me:geheim"),
		"auth_param digest children 1", "auth_param digest realm the lab", "acl known proxy_auth REQUIRED",
		fmt.Sprintf("acl host port %d", h.Port), "http_access deny !host", "http_access allow known", "http_access deny all",
		"pid_filename none", "cache deny all", "cache_log /dev/null", "access_log none", "coredump_dir none", "shutdown_lifetime 0 seconds")
	testpeer.StartProgram(t, port, exec.Command("/usr/sbin/squid", "-N", "-f", conf))
	h.reaches(t, "", "-o", fmt.Sprintf("ProxyURL=http://me:geheim@127.0.0.1:%d", port))
	h.reaches(t, "it refuses the user or the password", "-o", fmt.Sprintf("ProxyURL=http://me:falsch@127.0.0.1:%d", port))
	h.reaches(t, "it asks for a user and a password", "-o", fmt.Sprintf("ProxyURL=http://127.0.0.1:%d", port))
	h.reaches(t, "403 Forbidden", "-p", "1", "-o", fmt.Sprintf("ProxyURL=http://me:geheim@127.0.0.1:%d", port))
}

// OpenSSH's -D is a SOCKS proxy of either version.
func TestSSHThroughSOCKS(t *testing.T) {
	h := startHost(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	server := exec.Command(theirs, "-F", h.conf, "-D", "127.0.0.1:"+strconv.Itoa(port), "127.0.0.1", "echo up; sleep 600")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	bufio.NewReader(out).ReadString('\n')
	for _, scheme := range []string{"socks4", "socks4a", "socks5"} {
		h.reaches(t, "", "-o", fmt.Sprintf("ProxyURL=%s://127.0.0.1:%d", scheme, port))
	}
	h.reaches(t, "", "-o", fmt.Sprintf("ProxyCommand=/not/here/nc -X 5 -x 127.0.0.1:%d %%h %%p", port))
}

// Each hop has its own configuration, and they end.
func TestSSHJumps(t *testing.T) {
	h := startHost(t)
	known := strings.ReplaceAll(testpeer.Read(t, h.known), "[127.0.0.1]", "[*]")
	all := h.config("IdentityFile "+h.Identity.Path, "UserKnownHostsFile "+h.write(t, "known_jumps", known))
	h.conf = h.write(t, "jumps", "Host far\n ProxyJump near\nHost round\n ProxyJump about\nHost about\n ProxyJump round\n"+
		"Host wrong\n User nobody-here\nHost *\n"+all)
	h.reaches(t, "", "-J", "one")
	h.reaches(t, "", "-J", "one,two,three")
	h.reaches(t, "", "-J", "far")
	h.reaches(t, "", "-J", "far", "-o", "ProxyCommand=none")
	h.reaches(t, "jumphost loop via", "-J", "round")
	h.reaches(t, "jump host nobody-here@wrong: nobody-here@127.0.0.1: Permission denied", "-J", "one,wrong")
	h.reaches(t, "jump host "+h.User+"@one: open failed: Connection refused", "-J", "one", "-p", "1")
	h.reaches(t, "", "-J", "none")

	cmd := exec.Command("ssh", "-v", "-F", h.conf, "-J", "one,two", "127.0.0.1", "true")
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
	out, _ := cmd.CombinedOutput()
	for _, want := range []string{"Jumping to 127.0.0.1 port", "debug1: [two] Jumping to", "debug1: [one] Connecting to", "debug1: [two] Host '", "debug1: Host '"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("-v doesn't say %q:\n%s", want, out)
		}
	}
	if n := childrenOf(t, "sh", "-c", "ssh -F "+h.conf+" -J one,two 127.0.0.1 'sleep 0.2' & p=$!; sleep 0.1; ls /proc/$p/task/*/children | xargs cat; wait $p"); n != "" {
		t.Errorf("jumping started processes: %s", n)
	}
}

func childrenOf(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// A passphrase is asked for by each hop's own key file, at the one terminal, and
// a password says whose it is.
func TestJumpQuestions(t *testing.T) {
	h := startHost(t)
	conf := h.write(t, "ask", "Host hop\n IdentityFile "+h.encrypted+"\n"+"Host 127.0.0.1\n IdentityFile "+h.Identity.Path+"\nHost *\n"+
		h.config("UserKnownHostsFile "+h.known))
	p := atTerminal(t, "-F", conf, "-J", "hop", "127.0.0.1", "echo there")
	p.sees("Enter passphrase for key '" + h.encrypted + "': ")
	p.types(passphrase + "\n")
	p.sees("there")
	if code := p.leaves(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	// Nothing of a proxy's password is shown.
	port := dribble(t, "Basic bWU6Z2VoZWlt")
	p = atTerminal(t, "-F", h.conf, "-o", fmt.Sprintf("ProxyURL=http://me@127.0.0.1:%d", port), "127.0.0.1", "echo there")
	p.sees("me's password for the proxy 127.0.0.1:" + strconv.Itoa(port) + " (here): ")
	p.types("falsch\n")
	p.sees("please try again")
	p.sees("password for the proxy")
	p.types("geheim\n")
	p.sees("there")
	if code := p.leaves(); code != 0 || p.shows("geheim") {
		t.Errorf("exit code %d, screen\n%s", code, p.screen.String())
	}
}

// corkscrew's command line, answers and exit codes are the original's.
func TestCorkscrew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{{}, {"a", "b"}, {"127.0.0.1", "1", "host", "22"}, {"127.0.0.1", "1", "host", "22", file}} {
		var codes [2]int
		var said [2]string
		for i, program := range [][]string{{"/usr/bin/corkscrew"}, {"nacre", "corkscrew"}} {
			cmd := exec.Command(program[0], append(program[1:len(program):len(program)], args...)...)
			out, _ := cmd.CombinedOutput()
			codes[i], said[i] = cmd.ProcessState.ExitCode(), string(out)
		}
		last := func(s string) string { return s[strings.LastIndex(strings.TrimSpace(s), "\n")+1:] }
		if codes[0] != codes[1] || last(said[0]) != last(said[1]) {
			t.Errorf("%v: %d %q, the original %d %q", args, codes[1], said[1], codes[0], said[0])
		}
	}
}
