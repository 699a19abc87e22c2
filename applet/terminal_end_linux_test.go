package applet

import (
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// What is typed after the remote program has ended is for the shell, though ssh
// stays for a forwarded connection.
func testTypeAhead(t *testing.T, h *host) {
	target := digests(t, "tcp", "127.0.0.1:0").Addr().(*net.TCPAddr).Port
	for _, options := range []string{"", "-e none"} {
		local := fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t))
		p := atShell(t)
		p.types(h.sshLine(fmt.Sprintf("-L %s:127.0.0.1:%d %s", local, target, options)))
		p.sees("size 24 80\r\n")
		nc, err := net.Dial("tcp", local)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if _, err := nc.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
		p.types("end\r")
		p.sees("got <end>")
		p.awaitsLines()
		p.types("echo ahead-$((40 + 2))\n")
		nc.Close()
		p.sees("Connection to 127.0.0.1 closed.")
		p.sees("ahead-42")
		p.leavesShell()
	}
}

// awaitsLines waits until the terminal is no longer raw. Nobody is told of that.
func (p *person) awaitsLines() {
	p.t.Helper()
	for end := time.Now().Add(patience); p.termios().Lflag&unix.ICANON == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatal("the terminal stays raw")
		}
	}
}
