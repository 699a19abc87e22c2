//go:build !windows

package applet

import (
	"os"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/putty"
)

// plinkStore is where PuTTY keeps its sessions and host keys.
func plinkStore(e *door.Env) putty.Store {
	home, _ := os.UserHomeDir()
	return putty.DefaultFiles(e.Getenv, home)
}

// agent is the agent's socket.
func (p *plinkRun) agent() string { return p.Getenv("SSH_AUTH_SOCK") }

// usualUser says that who runs this logs in where no name was given.
func (p *plinkRun) usualUser() bool { return true }
