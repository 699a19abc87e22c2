package applet

import (
	"context"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/putty"
)

// plinkStore is where PuTTY keeps its sessions and host keys: the registry.
func plinkStore(*door.Env) putty.Store { return putty.OpenRegistry() }

// agent is Pageant where there is one, else Windows' own.
func (p *plinkRun) agent() string {
	if c, err := agent.Connect(context.Background(), agent.Pageant); err == nil {
		c.Close()
		return agent.Pageant
	}
	return agent.DefaultSocket()
}

// usualUser says that who runs this logs in where no name was given: PuTTY asks
// on Windows.
func (p *plinkRun) usualUser() bool { return p.on("UserNameFromEnvironment", false) }
