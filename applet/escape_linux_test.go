package applet

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// testEscapes has a person use every escape there is.
func testEscapes(t *testing.T, h *host) {
	for name, test := range map[string]func(*testing.T, *host){
		"information": testEscapeInformation, "command line": testEscapeCommandLine, "suspend": testEscapeSuspend,
		"background": testEscapeBackground, "no shell": testEscapeNoShell,
	} {
		t.Run(name, func(t *testing.T) { test(t, h) })
	}
}

func testEscapeInformation(t *testing.T, h *host) {
	p := atTerminal(t, "-t", "-F", h.conf, "127.0.0.1", shell)
	p.sees("size 24 80\r\n")
	p.types("~#")
	p.sees("~#\r\nThe following connections are open:\r\n  #0 client-session (t4 [session] r0 i0/0 o0/0")
	p.types("~I")
	p.sees("~I\r\nConnection information for ")
	p.sees("  kexalgorithm ")
	p.types("~v")
	p.sees("~v [LogLevel VERBOSE]\r\n")
	p.types("~v")
	p.sees("~v [LogLevel DEBUG]\r\n")
	p.types("~V~V~V")
	p.sees("~V [LogLevel ERROR]\r\n")
	p.types("~v")
	p.sees("~v [LogLevel INFO]\r\n")
	p.types("~B")
	p.sees("~B\r\n")
	p.types("~?")
	p.sees("~?\r\nSupported escape sequences:\r\n ~.   - terminate connection (and any multiplexed sessions)\r\n")
	p.sees(" ~C   - open a command line\r\n")
	p.sees(" ~V/v - decrease/increase verbosity (LogLevel)\r\n ~^Z  - suspend ssh\r\n")
	p.sees(" ~~   - send the escape character by typing it twice\r\n(Note that escapes are only recognized immediately after newline.)\r\n")
	p.types("~^Zno escape\r")
	p.sees("got <~^Zno escape>")
	p.types("~.")
	p.sees("~.\r\n")
	p.sees("Connection to 127.0.0.1 closed.")
	if code := p.leaves(); code != 255 {
		t.Errorf("exit code %d", code)
	}
}

func testEscapeCommandLine(t *testing.T, h *host) {
	target := digests(t, "tcp", "127.0.0.1:0").Addr().(*net.TCPAddr).Port
	local, remote, dynamic := testpeer.FreePort(t), testpeer.FreePort(t), testpeer.FreePort(t)
	p := atTerminal(t, "-t", "-F", h.conf, "127.0.0.1", shell)
	p.sees("size 24 80\r\n")
	says := func(command, answer string) {
		t.Helper()
		p.types("~C")
		p.sees("ssh> ")
		p.types(command + "\n")
		p.sees(answer + "\r\n")
	}
	says("-h", "      -KD[bind_address:]port                 Cancel dynamic forward")
	says(fmt.Sprintf("-L%d:127.0.0.1:%d", local, target), "Forwarding port.")
	says(fmt.Sprintf("-R %d:127.0.0.1:%d", remote, target), "Forwarding port.")
	says(fmt.Sprintf("D %d", dynamic), "Forwarding port.")
	for _, port := range []int{local, remote} {
		if err := digested("tcp", fmt.Sprintf("127.0.0.1:%d", port), 1<<20); err != nil {
			t.Error(err)
		}
	}
	nc, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", local))
	if err != nil {
		t.Fatal(err)
	}
	p.showsConnection(fmt.Sprintf("direct-tcpip: listening port %d for 127.0.0.1 port %d, connect from 127.0.0.1 port ", local, target))
	nc.Close()
	for _, bad := range []struct{ command, answer string }{
		{"-L x", "Bad local forwarding specification."}, {"-R x", "Bad remote forwarding specification."},
		{"-X", "Invalid command."}, {"-KL 1", "Unknown port forwarding."}, {"-KR 1", "Unknown port forwarding."}, {"-KL", "Bad forwarding close specification."},
		{fmt.Sprintf("-L%d:127.0.0.1:1", local), "Port forwarding failed."},
		{fmt.Sprintf("-KL%d", local), "Canceled forwarding."}, {fmt.Sprintf("-KR%d", remote), "Canceled forwarding."}, {fmt.Sprintf("-KD%d", dynamic), "Canceled forwarding."},
	} {
		says(bad.command, bad.answer)
	}
	for _, port := range []int{local, dynamic} {
		if _, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			t.Errorf("port %d is still there", port)
		}
	}
	p.types("end\r")
	p.sees("got <end>")
	if code := p.leaves(); code != 5 {
		t.Errorf("exit code %d", code)
	}
	p = atTerminal(t, "-t", "-o", "EnableEscapeCommandline=no", "-F", h.conf, "127.0.0.1", shell)
	p.sees("size 24 80\r\n")
	p.types("~C")
	p.sees("commandline disabled\r\n")
	p.types("end\r")
	p.leaves()
}

// showsConnection lists the connections until one is there: it opens beside the
// keys.
func (p *person) showsConnection(text string) {
	p.t.Helper()
	for {
		from := p.seen
		p.types("~#")
		p.sees("client-session")
		p.types("look\r")
		p.sees("got <look>")
		if strings.Contains(p.screen.String()[from:p.seen], text) {
			return
		}
	}
}

// A shell gets the terminal back while ssh is stopped, and ssh afterwards.
func testEscapeSuspend(t *testing.T, h *host) {
	p := atShell(t)
	p.types(h.sshLine(""))
	p.sees("size 24 80\r\n")
	p.types("~\x1a")
	p.sees("~^Z [suspend ssh]\r\n")
	p.sees("Stopped")
	p.types("echo $((6 * 7)) of the shell; stty -a | grep -o -e '-*icanon'\r")
	p.sees("42 of the shell\r\nicanon")
	p.types("fg\r")
	p.types("hello\r")
	p.sees("got <hello>")
	p.types("end\r")
	p.sees("got <end>")
	p.sees("Connection to 127.0.0.1 closed.")
	p.sees("$ ") // what is typed before may still be ssh's
	p.leavesShell()
}

// atShell is a person at an interactive shell that doesn't echo.
func atShell(t *testing.T) *person {
	t.Helper()
	p := startAtTerminal(t, "bash", "--norc", "--noprofile", "-i")
	p.types("PS1='$ '; stty -echo\r")
	p.types("echo rea''dy\r")
	p.sees("ready")
	return p
}

func (p *person) leavesShell() {
	p.t.Helper()
	p.types("stty echo; exec sh -c 'exit 3'\r")
	if code := p.leaves(); code != 3 {
		p.t.Errorf("exit code %d", code)
	}
}

// sshLine is a command line for a shell that runs the test's program remotely.
func (h *host) sshLine(options string) string {
	return fmt.Sprintf("ssh -t -F %s %s 127.0.0.1 '%s'\r", h.conf, options, strings.ReplaceAll(shell, "'", `'\''`))
}

// In the background ssh ends its session, listens no more, and stays for the
// connections that are there.
func testEscapeBackground(t *testing.T, h *host) {
	target := digests(t, "tcp", "127.0.0.1:0").Addr().(*net.TCPAddr).Port
	local := fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t))
	p := atShell(t)
	p.types(h.sshLine(fmt.Sprintf("-L %s:127.0.0.1:%d", local, target)))
	p.sees("size 24 80\r\n")
	nc, err := net.Dial("tcp", local)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	p.showsConnection("direct-tcpip: listening port ")
	p.types("\r~&")
	p.sees("~& [backgrounded]\r\n")
	p.sees("Stopped")
	p.types("echo $((6 * 7)) of the shell\r")
	p.sees("42 of the shell")
	if another, err := net.Dial("tcp", local); err == nil {
		another.Close()
		t.Error("somebody still listens")
	}
	if _, err := io.WriteString(nc, "abc"); err != nil {
		t.Error(err)
	}
	nc.(*net.TCPConn).CloseWrite()
	if answer, err := io.ReadAll(nc); err != nil || !strings.HasPrefix(string(answer), "3 ba7816bf") {
		t.Errorf("the answer is %q, %v", answer, err)
	}
	p.types("wait; echo nobody''left\r")
	p.sees("nobodyleft")
	p.leavesShell()
}

// Where there is no shell to go back to, ssh stays.
func testEscapeNoShell(t *testing.T, h *host) {
	p := atTerminal(t, "-t", "-F", h.conf, "127.0.0.1", shell)
	p.sees("size 24 80\r\n")
	p.types("~&")
	p.sees("~& [there is no shell to give the terminal to]\r\n")
	p.types("~\x1a")
	p.sees("There is no shell that could wake ssh again.\r\n")
	p.types("end\r")
	p.sees("got <end>")
	if code := p.leaves(); code != 5 {
		t.Errorf("exit code %d", code)
	}
}
