package applet

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// sits starts nacre at a console: Wine shows it on a terminal.
func (d *desktop) sits(t *testing.T, args ...string) *person {
	t.Helper()
	return runAtTerminal(t, d.Command(t.Context(), installed, args...))
}

// answers types once Wine reads: until then the terminal is no console, and shows
// what is typed by itself.
func answers(p *person, text string) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for p.termios().Lflag&unix.ICANON != 0 {
		if time.Now().After(deadline) {
			p.t.Fatalf("nobody reads the keys; the screen shows\n%s", p.screen.String())
		}
		time.Sleep(5 * time.Millisecond) // a terminal tells nobody that its modes change
	}
	p.types(text)
}

// console is at a console of 80 columns and 24 lines. What Wine's can't do is
// elsewhere: its size stays what it was, and ^Z stops Wine itself (term's own
// tests under Wine press it).
func (d *desktop) console(t *testing.T) {
	t.Run("a password is not shown", func(t *testing.T) {
		p := d.sits(t, "ssh", "-o", "PubkeyAuthentication=no", "box", "echo in")
		p.sees("'s password:")
		answers(p, "wrong\r")
		p.sees("Permission denied, please try again.")
		p.sees("'s password:")
		p.types(winePassword + "\r")
		p.sees("in")
		if code := p.leaves(); code != 0 || p.shows("sesame") || p.shows("wrong") {
			t.Errorf("exit code %d:\n%s", code, p.screen.String())
		}
	})
	t.Run("a question breaks off at ^C", func(t *testing.T) {
		p := d.sits(t, "ssh", "-o", "PubkeyAuthentication=no", "box", "echo in")
		p.sees("'s password:")
		answers(p, "open")
		p.types("\x03")
		if code := p.leaves(); code != 255 || p.shows("open") {
			t.Errorf("exit code %d, or what was typed is shown:\n%s", code, p.screen.String())
		}
	})
	t.Run("a host key is asked about", func(t *testing.T) {
		file := `C:\users\` + testpeer.Me(t) + `\asked_hosts`
		p := d.sits(t, "ssh", "-o", "UserKnownHostsFile="+file, "-o", "GlobalKnownHostsFile=none", "box", "echo in")
		p.sees("(yes/no/[fingerprint])?")
		answers(p, "perhaps\r")
		p.sees("Please type")
		p.types("yes\r")
		p.sees("Permanently added")
		if code := p.leaves(); code != 0 || testpeer.Read(t, filepath.Join(d.home, "asked_hosts")) == "" {
			t.Errorf("exit code %d:\n%s", code, p.screen.String())
		}
	})
	t.Run("a session", func(t *testing.T) {
		p := d.sits(t, "ssh", "-t", "box", "trap 'echo int' INT; stty size; echo $TERM; cat; exit 7")
		p.sees("24 80")
		p.sees("xterm-256color")
		answers(p, "\x1b[A\x1b[D\x1bOP\x1b[3~\x1bb\r")
		p.sees("^[[A^[[D^[OP^[[3~^[b")
		p.types("gr\u00fc\u00df \u4f60\r")
		p.sees("gr\u00fc\u00df \u4f60")
		p.types("\r~?")
		p.sees("Supported escape sequences")
		p.types("\x03")
		p.sees("int")
		if code := p.leaves(); code != 7 {
			t.Errorf("exit code %d:\n%s", code, p.screen.String())
		}
	})
	t.Run("a session that is ended", func(t *testing.T) {
		p := d.sits(t, "ssh", "-t", "box", "echo up; cat")
		p.sees("up")
		answers(p, "\r~.")
		if code := p.leaves(); code != 255 || !p.shows("Connection to 127.0.0.1 closed.") {
			t.Errorf("exit code %d:\n%s", code, p.screen.String())
		}
	})
}

// startsAgent starts an agent that goes to the background, and returns what ends
// it.
func (d *desktop) startsAgent(t *testing.T, args ...string) (end func()) {
	t.Helper()
	out, said, code := d.do(t, call{}, args...)
	pid := regexp.MustCompile(`Agent pid (\d+)`).FindStringSubmatch(out)
	if code != 0 || pid == nil || !strings.Contains(said, opensshAgentPipe) || !strings.Contains(said, `\\.\pipe\pageant.`) {
		t.Fatalf("%q: %d, %s%s", args, code, out, said)
	}
	return func() {
		if out, said, code := d.do(t, call{env: []string{"SSH_AGENT_PID=" + pid[1]}}, "ssh-agent", "-k"); code != 0 {
			t.Errorf("ssh-agent -k: %d, %s%s", code, out, said)
		}
	}
}

const opensshAgentPipe = `\\.\pipe\openssh-ssh-agent`

// agent has the key in the agent alone.
func (d *desktop) agent(t *testing.T) {
	home := `C:\users\` + testpeer.Me(t)
	if err := os.Rename(filepath.Join(d.home, ".ssh", "id_ed25519"), filepath.Join(d.home, "away")); err != nil {
		t.Fatal(err)
	}
	if _, said, code := d.do(t, call{}, "ssh", "-o", "BatchMode=yes", "box", "true"); code != 255 || strings.Contains(said, "pipe") {
		t.Errorf("without key and agent: %d, %s", code, said)
	}
	if _, said, code := d.do(t, call{}, "ssh-add", "-l"); code != 2 {
		t.Errorf("ssh-add without an agent: %d, %s", code, said)
	}
	end := d.startsAgent(t, "ssh-agent")
	if _, said, code := d.do(t, call{}, "ssh-add", home+`\away`); code != 0 {
		t.Errorf("ssh-add: %d, %s", code, said)
	}
	fingerprint := d.at.Identity.Fingerprint()
	if out, said, code := d.do(t, call{}, "ssh-add", "-l"); code != 0 || !strings.Contains(out, fingerprint) {
		t.Errorf("ssh-add -l: %d, %s%s", code, out, said)
	}
	d.prints(t, "in\n", "ssh", "box", "echo in")
	// Where the environment or the configuration names it.
	for _, pipe := range []string{opensshAgentPipe, `//./pipe/openssh-ssh-agent`} {
		if out, said, _ := d.do(t, call{env: []string{"SSH_AUTH_SOCK=" + pipe}}, "ssh", "box", "echo in"); out != "in\n" {
			t.Errorf("SSH_AUTH_SOCK=%s: %q, %s", pipe, out, said)
		}
		d.prints(t, "in\n", "ssh", "-o", "IdentityAgent="+pipe, "box", "echo in")
	}
	if out, said, code := d.do(t, call{}, "ssh", "-A", "box", "ssh-add -l"); code != 0 || !strings.Contains(out, fingerprint) {
		t.Errorf("-A: %d, %s%s", code, out, said)
	}
	// Pageant's clients find it too.
	if out, said, code := d.do(t, call{}, "pageant", "-l"); code != 0 || !strings.Contains(out, fingerprint) {
		t.Errorf("pageant -l: %d, %s%s", code, out, said)
	}
	end()
	if out, said, code := d.do(t, call{}, "ssh-agent", installed, "ssh-add", "-l"); code != 1 || !strings.Contains(out+said, "no identities") {
		t.Errorf("an agent for a command: %d, %s%s", code, out, said)
	}
}

// pageant opens a PPK file when it is first used.
func (d *desktop) pageant(t *testing.T) {
	home := `C:\users\` + testpeer.Me(t)
	if _, said, code := d.do(t, call{}, "puttygen", home+`\away`, "-O", "private", "-o", home+`\key.ppk`); code != 0 {
		t.Fatalf("puttygen: %d, %s", code, said)
	}
	end := d.startsAgent(t, "pageant", home+`\key.ppk`)
	defer end()
	d.prints(t, "in\n", "ssh", "box", "echo in")
	if out, said, code := d.do(t, call{}, "pageant", "-l"); code != 0 || !strings.Contains(out, d.at.Identity.Fingerprint()) {
		t.Errorf("pageant -l: %d, %s%s", code, out, said)
	}
	d.prints(t, "in\n", "ssh", "-o", "IdentityAgent=pageant", "box", "echo in")
}
