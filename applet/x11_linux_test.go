package applet

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// A real X client, started by a real sshd, draws on a display here: with all
// rights, with few, or not at all.
func TestX11(t *testing.T) {
	display, authority := testpeer.XServer(t)
	id := testpeer.NewKey(t, testpeer.Ed25519)
	at := testpeer.NewOpenSSH(t).Start(t, testpeer.ServerOptions{
		HostKeys: []*testpeer.Key{testpeer.NewKey(t, testpeer.Ed25519)}, Authorized: id,
		Config: []string{"X11Forwarding yes", "X11UseLocalhost yes"},
	})
	h := &host{Running: at, dir: t.TempDir()}
	conf := h.write(t, "config", h.config("IdentityFile "+id.Path, "StrictHostKeyChecking no", "UserKnownHostsFile /dev/null", "LogLevel VERBOSE"))
	run := func(display string, args ...string) (out, said string, err error) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, "ssh", append([]string{"-F", conf}, args...)...)
		cmd.Env = append(cmd.Environ(), "DISPLAY="+display, "XAUTHORITY="+authority)
		var o, e bytes.Buffer
		cmd.Stdout, cmd.Stderr = &o, &e
		err = cmd.Run()
		return o.String(), e.String(), err
	}
	for option, full := range map[string]bool{"-Y": true, "-X": false} {
		out, said, err := run(display, option, "127.0.0.1", "xdpyinfo")
		if err != nil || !strings.Contains(out, "X.Org") {
			t.Fatalf("%s: %v: %s%s", option, err, out, said)
		}
		if strings.Contains(out, "    XTEST\n") != full {
			t.Errorf("%s: XTEST, with which a program could type, is there: %v, want %v", option, !full, full)
		}
	}
	if out, said, err := run(display, "127.0.0.1", "echo display is $DISPLAY."); err != nil || out != "display is .\n" {
		t.Errorf("without -X: %q, %v: %s", out, err, said)
	}
	// A display that can't be asked leaves a session without windows.
	if out, said, err := run(":99999", "-X", "127.0.0.1", "echo display is $DISPLAY."); err != nil || out != "display is .\n" || !strings.Contains(said, "no name of a display") {
		t.Errorf("no display: %q, %v: %s", out, err, said)
	}
	// Somebody on the server without the cookie is turned away, and it is told.
	out, said, err := run(display, "-Y", "127.0.0.1", "XAUTHORITY=/dev/null xdpyinfo || echo turned away")
	if err != nil || out != "turned away\n" || !strings.Contains(said, "rejected because of wrong authentication") {
		t.Errorf("without the cookie: %q, %v: %s", out, err, said)
	}
}
