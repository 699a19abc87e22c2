package applet

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// What else happens at a terminal, each beside the others.
func TestSSHAtBusyTerminal(t *testing.T) {
	h := startHost(t)
	t.Run("new keys", func(t *testing.T) { testEscapeRekey(t, h) }) // it counts the server's
	for name, test := range map[string]func(*testing.T, *host){"storm of sizes": testSizeStorm, "in the background": testForkAtTerminal} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, h) })
	}
}

// A storm of sizes breaks nothing, and the last one arrives.
func testSizeStorm(t *testing.T, h *host) {
	p := atTerminal(t, "-t", "-F", h.conf, "127.0.0.1", shell)
	p.sees("size 24 80\r\n")
	for i := range 500 {
		p.resize(uint16(40+i), uint16(20+i%30))
		if i%100 == 0 {
			p.types("under way\r")
		}
	}
	p.asksForSize("size 39 539")
	p.types("end\r")
	p.sees("got <end>")
	if code := p.leaves(); code != 5 {
		t.Errorf("exit code %d", code)
	}
}

// ~R makes new keys, with the session going on.
func testEscapeRekey(t *testing.T, h *host) {
	p := atTerminal(t, "-t", "-F", h.conf, "127.0.0.1", shell)
	p.sees("size 24 80\r\n")
	for range 2 {
		before := h.Exchanges()
		p.types("~R")
		for end := time.Now().Add(patience); h.Exchanges() == before; time.Sleep(time.Millisecond) { // of its log
			if time.Now().After(end) {
				t.Fatal("the server has no new keys")
			}
		}
		p.types("hello\r")
		p.sees("got <hello>")
	}
	p.types("end\r")
	p.sees("got <end>")
	if code := p.leaves(); code != 5 {
		t.Errorf("exit code %d", code)
	}
}

// ssh -f asks at the terminal, and gives it back: to a shell that goes on as if
// nothing had been there, while the command runs.
func testForkAtTerminal(t *testing.T, h *host) {
	conf := h.write(t, "fork_config", h.config("IdentityFile "+h.encrypted, "UserKnownHostsFile "+h.known))
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p := atShell(t)
	p.types(fmt.Sprintf("before=$(stty -g); ssh -f -F %s 127.0.0.1 'cat %s'; echo code''$?\r", conf, fifo))
	p.sees("Enter passphrase for key '" + h.encrypted + "': ")
	p.types(passphrase + "\r")
	p.sees("code0")
	p.types("test \"$(stty -g)\" = \"$before\" && echo as-$((40 + 2))\r")
	p.sees("as-42")
	if err := os.WriteFile(fifo, []byte("from the background\n"), 0); err != nil {
		t.Fatal(err)
	}
	p.sees("from the background")
	p.leavesShell()
}
