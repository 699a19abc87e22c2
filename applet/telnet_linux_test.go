package applet

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// inetd starts a program for each connection, with the connection as its
// standard input and output, and returns the port.
func inetd(t *testing.T, program string, args ...string) string {
	t.Helper()
	return serveTCP(t, func(nc *net.TCPConn) {
		f, err := nc.File()
		if err != nil {
			return
		}
		defer f.Close()
		cmd := exec.Command(program, args...)
		cmd.Stdin, cmd.Stdout = f, f
		cmd.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin"}
		_ = cmd.Run() // it ends as the client ends it
	})
}

// serveTCP calls serve for each connection and returns the port.
func serveTCP(t *testing.T, serve func(nc *net.TCPConn)) string {
	t.Helper()
	return strconv.Itoa(testpeer.Accept(t, serve))
}

// plainLogin is what telnetd runs for login: it asks, shows what it was told,
// and answers lines.
const plainLogin = `#!/bin/sh
printf 'login: '; read -r name; printf 'Password: '; stty -echo; read -r password; stty echo; echo
echo "name $name password $password type $TERM foo <$FOO> secret <$SECRET> size $(stty size) speed $(stty speed)"
while read -r line; do echo "got <$line>"; case $line in size) stty size;; end) exit;; esac; done
`

// telnetd serves Debian's telnetd and returns the port.
func telnetd(t *testing.T) string {
	t.Helper()
	login := filepath.Join(t.TempDir(), "login")
	if err := os.WriteFile(login, []byte(plainLogin), 0o755); err != nil {
		t.Fatal(err)
	}
	return inetd(t, "/usr/sbin/telnetd", "-h", "--accept-env=FOO", "--accept-env=SECRET", "-E", login)
}

func TestTelnetd(t *testing.T) {
	t.Setenv("SECRET", "of the process")
	p := startAtTerminal(t, "nacre", "telnet")
	p.sees("telnet> ")
	p.types("environ define FOO \"b a r\"\r")
	p.sees("telnet> ")
	p.types("open 127.0.0.1 -" + telnetd(t) + "\r")
	p.sees("Trying 127.0.0.1...\r\nConnected to 127.0.0.1.\r\nEscape character is '^]'.\r\n")
	p.sees("login: ")
	p.types("ann\r")
	p.sees("ann\r\nPassword: ")
	p.types("open sesame\r")
	p.sees("\r\nname ann password open sesame type vt220 foo <b a r> secret <> size 24 80 speed 38400\r\n")
	p.resize(132, 40)
	p.types("a\xff\xc3\xa9x\x7f\r")
	p.sees("got <a\xff\xc3\xa9>")
	p.types("size\r")
	p.sees("got <size>\r\n40 132\r\n")
	p.types("\x1d")
	p.sees("\r\ntelnet> ")
	p.types("status\r")
	p.sees("Connected to 127.0.0.1.\r\nOperating in single character mode\r\nRemote character echo\r\nEscape character is '^]'.\r\n")
	p.types("\x1d")
	p.sees("telnet> ")
	p.types("send ayt\r")
	p.sees("[Yes]")
	p.types("end\r")
	p.sees("Connection closed by foreign host.")
	if code := p.leaves(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// lineServer answers each line with what it received, as Go writes it.
func lineServer(t *testing.T) string {
	return serveTCP(t, func(nc *net.TCPConn) {
		fmt.Fprint(nc, "ready\nand\r\n")
		for r := bufio.NewReader(nc); ; {
			line, err := r.ReadString('\n')
			if err != nil || line == "end\r\n" {
				return
			}
			fmt.Fprintf(nc, "<%q>\r\n", line)
		}
	})
}

// With a port that isn't Telnet's, lines are edited here; each thing looks as it
// does with the original.
func TestTelnetLines(t *testing.T) {
	port := lineServer(t)
	steps := []struct{ types, sees string }{
		{"", "Connected to localhost.\r\nEscape character is '^]'.\r\nready\r\nand\r\n"},
		{"hi there\r", "<\"hi there\\r\\n\">\r\n"},
		{"ab\x7fc\x15one two\x17three\r", "<\"one three\\r\\n\">\r\n"},
		{"x\x04y\r", "<\"xy\\r\\n\">\r\n"},
		{"\x1d", "^]\r\ntelnet> "},
		{"toggle autoflush\r", "Won't flush output when sending interrupt characters.\r\n"}, // else the original is silent from the next ^C on
		{"t\r", "<\"t\\r\\n\">\r\n"},                                                        // the original's terminal is the session's again only now
		{"lost\x03kept\r", "<\"\\xff\\xf4kept\\r\\n\">\r\n"},
		{"\x1c\r", "<\"\\xff\\xf3\\r\\n\">\r\n"},
		{"\x1d", "^]\r\ntelnet> "},
		{"status\r", "Operating in obsolete linemode\r\nLocal character echo\r\nEscape character is '^]'.\r\n"},
		{"s\r", "<\"s\\r\\n\">\r\n"},
		{"\x1d", "^]\r\ntelnet> "},
		{"send ip nop\r", "send ip nop\r\n"},
		{"x\r", "<\"\\xff\\xf4\\xff\\xf1x\\r\\n\">\r\n"},
		{"\x1d", "^]\r\ntelnet> "},
		{"bogus\r", "?Invalid command\r\ntelnet> "},
		{"\r", "\r\n"},
		{"b\r", "<\"b\\r\\n\">\r\n"},
		{"\x1d", "^]\r\ntelnet> "},
		{"quit\r", "Connection closed.\r\n"},
	}
	var screens []string
	original := filepath.Join(t.TempDir(), "telnet") // the prompt is its name
	if err := os.Symlink("/usr/bin/inetutils-telnet", original); err != nil {
		t.Fatal(err)
	}
	for _, program := range [][]string{{original}, {"nacre", "telnet"}} {
		p := startAtTerminal(t, program[0], append(program[1:], "localhost", port)...)
		for _, step := range steps {
			p.types(step.types)
			p.sees(step.sees)
		}
		if code := p.leaves(); code != 0 {
			t.Errorf("%v: exit code %d", program, code)
		}
		// What is typed before the command mode has given the terminal back is
		// echoed by either side, so all but that beginning differs by chance.
		beginning, _, _ := strings.Cut(p.screen.String(), "^]\r\n")
		screens = append(screens, beginning)
	}
	if screens[0] != screens[1] {
		t.Errorf("the original's screen\n%s\nours\n%s", screens[0], screens[1])
	}
}

// A signal, and the rlogin-like escape, give the terminal back.
func TestTelnetEnds(t *testing.T) {
	port := telnetd(t)
	begin := func(args ...string) *person {
		p := startAtTerminal(t, "nacre", append(append([]string{"telnet"}, args...), "--", "127.0.0.1", "-"+port)...)
		p.sees("login: ")
		return p
	}
	p := begin()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.leaves()
	if got := p.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal(); got != syscall.SIGTERM {
		t.Errorf("telnet ended as %v", p.cmd.ProcessState)
	}
	p = begin("-r")
	p.types("a~.\r") // not at the beginning of a line
	p.sees("Password: ")
	p.types("~.")
	if code := p.leaves(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p = begin("-E")
	p.types("\x1d\r")
	p.sees("Password: ")
	p.types("\rend\r")
	p.sees("Connection closed by foreign host.")
	if code := p.leaves(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// What is piped in arrives, and its answer comes back.
func TestTelnetPiped(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("nacre", "telnet", "127.0.0.1", lineServer(t))
	cmd.Stdin = strings.NewReader("one\r\ntwo\nthree \xff\n")
	out, err := cmd.CombinedOutput()
	want := "ready\nand\n<\"one\\r\\n\">\n<\"two\\r\\n\">\n<\"three \\xff\\xff\\r\\n\">\nConnection closed by foreign host.\n"
	if err != nil || !strings.HasSuffix(string(out), want) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPlinkPlainProtocols(t *testing.T) {
	t.Setenv("PUTTYDIR", t.TempDir())
	t.Run("telnet", func(t *testing.T) {
		p := startAtTerminal(t, "nacre", "plink", "-telnet", "-P", telnetd(t), "127.0.0.1")
		p.sees("login: ")
		p.types("ann\r")
		p.sees("Password: ")
		p.types("sesame\r")
		p.sees("name ann password sesame ")
		p.sees("foo <> secret <> size 24 80 speed 38400")
		p.types("end\r")
		if code := p.leaves(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("raw", func(t *testing.T) {
		port := serveTCP(t, func(nc *net.TCPConn) { // needs the end of the input
			b, _ := io.ReadAll(nc)
			fmt.Fprintf(nc, "%q", b)
		})
		cmd := exec.Command("nacre", "plink", "-raw", "-P", port, "127.0.0.1")
		cmd.Stdin = strings.NewReader("a\xff\r\n\x1d")
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != `"a\xff\r\n\x1d"` {
			t.Errorf("%v %s", err, out)
		}
	})
	t.Run("rlogin", testPlinkRlogin)
}

// Debian's in.rlogind asks for a password where the client has a trusted port,
// which only root has, and hangs up elsewhere.
func testPlinkRlogin(t *testing.T) {
	p := startAtTerminal(t, "nacre", "plink", "-rlogin", "-l", "nobody", "-P", inetd(t, "/usr/sbin/in.rlogind"), "127.0.0.1")
	if os.Geteuid() == 0 {
		p.sees("Password: ")
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	p.leaves()
	hello := make(chan string, 1)
	port := serveTCP(t, func(nc *net.TCPConn) {
		r := bufio.NewReader(nc)
		var words []string
		for range 4 {
			word, _ := r.ReadString(0)
			words = append(words, word)
		}
		hello <- strings.Join(words, "")
		fmt.Fprint(nc, "\x00welcome\r\n")
		line, _ := r.ReadString('\r')
		fmt.Fprintf(nc, "got %q\r\n", line)
	})
	p = startAtTerminal(t, "nacre", "plink", "-rlogin", "-l", "joe", "-P", port, "127.0.0.1")
	if got := <-hello; !strings.HasSuffix(got, "\x00joe\x00vt220/38400\x00") && !strings.HasSuffix(got, "\x00joe\x00xterm/38400\x00") {
		t.Errorf("the client says %q", got)
	}
	p.sees("welcome\r\n")
	p.types("\x03\x1dx\xff\r")
	p.sees("got \"\\x03\\x1dx\\xff\\r\"")
	if code := p.leaves(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
