package applet

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// A pane is a shell in a tmux of its own.
type pane struct {
	t      *testing.T
	socket string
}

// inTmux starts bash in a window of 80 columns and 24 lines.
func inTmux(t *testing.T) *pane {
	t.Helper()
	dir, err := os.MkdirTemp("", "tmux") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	p := &pane{t: t, socket: filepath.Join(dir, "s")}
	t.Cleanup(func() {
		p.command("kill-server").Run()
		os.RemoveAll(dir)
	})
	p.tmux("new-session", "-d", "-x", "80", "-y", "24", "bash", "--norc", "--noprofile")
	p.types("PS1='here$ '; clear")
	p.shows("here$")
	return p
}

func (p *pane) command(args ...string) *exec.Cmd {
	cmd := exec.Command("tmux", append([]string{"-u", "-f", "/dev/null", "-S", p.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TERM=screen-256color", "TMUX=", "SSH_AUTH_SOCK=")
	return cmd
}

func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	out, err := p.command(args...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

// keys types a text as it is.
func (p *pane) keys(text string) {
	p.t.Helper()
	p.tmux("send-keys", "-l", text)
}

// types types a line.
func (p *pane) types(line string) {
	p.t.Helper()
	p.keys(line)
	p.tmux("send-keys", "Enter")
}

// until waits until the screen is as it should be. tmux tells nobody when it
// has drawn something.
func (p *pane) until(what string, good func(screen string) bool) {
	p.t.Helper()
	var screen string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if screen = p.tmux("capture-pane", "-p"); good(screen) {
			return
		}
	}
	p.t.Fatalf("waiting for %q; the screen shows\n%s", what, screen)
}

func (p *pane) shows(text string) {
	p.t.Helper()
	p.until(text, func(screen string) bool { return strings.Contains(screen, text) })
}

// asks is what tmux knows of the window.
func (p *pane) asks(format string) string {
	return strings.TrimSpace(p.tmux("display-message", "-p", "#{"+format+"}"))
}

func TestSSHInTmux(t *testing.T) {
	h := startHost(t)
	for name, test := range map[string]func(*testing.T, *host){
		"window": testTmuxWindow, "paste": testTmuxPaste, "screen": testTmuxScreen, "suspend": testTmuxSuspend, "lost": testTmuxLost,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, h) })
	}
}

// The window's size and what is written in it arrive on the other side.
func testTmuxWindow(t *testing.T, h *host) {
	p := inTmux(t)
	p.types("ssh -t -F " + h.conf + ` 127.0.0.1 'stty -echo; echo ready; while read -r line; do echo "<$line> $(stty size)"; done'`)
	p.shows("ready\n")
	p.types("žluťoučký kůň 漢字 🐚")
	p.shows("<žluťoučký kůň 漢字 🐚> 24 80")
	p.tmux("resize-window", "-x", "101", "-y", "31")
	p.until("<look> 31 101", func(screen string) bool {
		if strings.Contains(screen, "<look> 31 101") {
			return true
		}
		p.types("look") // the change travels beside the keys
		return false
	})
	p.tmux("split-window", "-h", "-d", "cat")
	p.until("<again> 31 50", func(screen string) bool {
		if strings.Contains(screen, "<again> 31 50") {
			return true
		}
		p.types("again")
		return false
	})
	p.types("~.")
	p.shows("Connection to 127.0.0.1 closed.")
	p.types("stty -a | grep -o -e '-*icanon'")
	p.shows("\nicanon")
}

// Two pastes of 1 MiB arrive whole, one of them in brackets.
func testTmuxPaste(t *testing.T, h *host) {
	raw := make([]byte, 3<<18)
	if _, err := io.ReadFull(testpeer.NewPayload(int64(len(raw)), 7), raw); err != nil {
		t.Fatal(err)
	}
	text := []byte(base64.StdEncoding.EncodeToString(raw)) // 1 MiB
	for i := 76; i < len(text); i += 77 {
		text[i] = '\n'
	}
	file := h.write(t, "pasted", string(text))
	for _, row := range []struct {
		before, open, end string
		options           []string
	}{
		{"", "", "", []string{"-r"}},
		{`printf "\033[?2004h"; `, "\x1b[200~", "\x1b[201~", []string{"-r", "-p"}},
	} {
		p := inTmux(t)
		all := bytes.Join([][]byte{[]byte(row.open), text, []byte(row.end)}, nil)
		p.types(fmt.Sprintf(`clear; ssh -t -F %s 127.0.0.1 'stty raw -echo; %s printf "rea""dy\r\n"; head -c %d | sha256sum | cut -c 1-40'`, h.conf, row.before, len(all)))
		p.shows("ready\n")
		p.tmux("load-buffer", file)
		p.tmux(append([]string{"paste-buffer"}, row.options...)...)
		p.shows(fmt.Sprintf("%x", sha256.Sum256(all))[:40])
	}
}

// A program on the other screen leaves this one as it was.
func testTmuxScreen(t *testing.T, h *host) {
	file := h.write(t, "lines", strings.Repeat("line\n", 500)+"the last line\n")
	p := inTmux(t)
	p.types("ssh -t -F " + h.conf + " 127.0.0.1 'echo before; LESS= less " + file + "; echo behind'")
	p.until("a full screen", func(screen string) bool { return strings.Count(screen, "line\n") > 20 })
	if p.asks("alternate_on") != "1" {
		t.Error("less draws on the first screen")
	}
	p.keys("G")
	p.shows("the last line\n")
	p.keys("q")
	p.shows("before\nbehind\nConnection to 127.0.0.1 closed.\nhere$")
	if p.asks("alternate_on") != "0" {
		t.Error("the other screen stays")
	}
}

// Stopped by ~^Z, ssh leaves the terminal to the shell, and takes it again.
func testTmuxSuspend(t *testing.T, h *host) {
	p := inTmux(t)
	p.types("ssh -t -F " + h.conf + ` 127.0.0.1 'stty -echo; echo ready; while read -r line; do echo "<$line>"; done'`)
	p.shows("ready\n")
	for i := range 3 {
		p.keys("~")
		p.tmux("send-keys", "C-z")
		p.until("a prompt", func(screen string) bool { return strings.HasSuffix(strings.TrimRight(screen, "\n"), "here$") })
		p.types(fmt.Sprintf("clear; stty -a | grep -o -e '-*icanon'; echo $((%d * 7))", i+1))
		p.shows(fmt.Sprintf("icanon\n%d\n", (i+1)*7))
		p.types("fg")
		p.shows("$ fg\nssh ")
		p.types(fmt.Sprintf("line %d", i))
		p.shows(fmt.Sprintf("<line %d>", i))
	}
	p.types("~.")
	p.shows("closed.")
}

// However ssh or its server ends, the shell has its terminal back.
func testTmuxLost(t *testing.T, h *host) {
	p := inTmux(t)
	for i, kill := range []string{"kill -TERM $PPID", "kill -HUP $PPID", "kill -KILL $PPID", "kill -TERM $(cat pid)", "kill -HUP $(cat pid)"} {
		kill = strings.ReplaceAll(kill, "pid)", h.dir+"/pid)")
		p.types(fmt.Sprintf("clear; sh -c 'echo $$ >%s/pid; exec ssh -t -F %s 127.0.0.1 \"%s; read line\"'; "+
			"stty -a | grep -o -e '-*icanon' -e ' -*echo ' | xargs echo modes of %d:", h.dir, h.conf, strings.ReplaceAll(kill, "$", `\$`), i))
		p.shows(fmt.Sprintf("\nmodes of %d: icanon echo\n", i))
	}
}
