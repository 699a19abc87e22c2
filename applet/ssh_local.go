package applet

import (
	"errors"
	"os/exec"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/proxy"
)

// localCommand runs LocalCommand on this machine, once the login is done, and
// waits for it. device is the tunnel's, "" without one. How it ends is its own affair.
func (r *sshRun) localCommand(device string) {
	if !r.conf.PermitLocalCommand || r.conf.LocalCommand == "" || r.conf.LocalCommand == "none" {
		return
	}
	line, err := r.conf.LocalCommandLine(device)
	if err != nil {
		r.say(config.LogError, "%v", err)
		return
	}
	r.say(config.LogDebug1, "debug1: Executing command: %s", line)
	cmd := proxy.Shell(line)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r.Stdin, r.Stdout, r.Stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		r.say(config.LogError, "Couldn't execute %s: %s", cmd.Path, door.Sentence(err))
	}
}
