package applet

import (
	"os"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
)

// forkMark is set, besides detachedMark, in a process that ssh -f has started to
// go on in the background.
const forkMark = "NACRE_FORK"

// fork is -f (ForkAfterAuthentication): the work is done by a process of its
// own, which asks at the terminal until it is logged in, while this one waits
// for that and leaves. done is false in that process, and without -f.
func (r *sshRun) fork() (code int, done bool) {
	if r.Getenv(forkMark) != "" {
		os.Unsetenv(forkMark)
		r.forked = door.Background(r.Env)
	}
	if !r.conf.ForkAfterAuthentication || r.line.control != "" || os.Getenv(masterMark) != "" {
		return 0, false
	}
	r.conf.StdinNull = true // as ssh_config(5) says
	if r.forked != nil {
		return 0, false
	}
	_, word, code, err := door.StartDetached(r.Env, door.Detach{Stdout: r.Stdout, Env: []string{forkMark + "=1"}, Terminal: true})
	switch {
	case err != nil:
		r.say(config.LogFatal, "going to the background: %v", err)
		return sshFailed, true
	case word == nil:
		return code, true // it has said why
	}
	return 0, true
}

// loggedIn lets the process go that waits in the foreground, once there is
// nothing more to ask. What it had as output this one keeps.
func (r *sshRun) loggedIn() {
	if r.forked != nil {
		r.forked.Leave([]byte("logged in"))
		r.forked = nil
	}
}
