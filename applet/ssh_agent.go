package applet

import (
	"context"
	"io"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
)

// bindAgent tells the agent which host its keys are wanted for.
func (r *sshRun) bindAgent(ctx context.Context, c *agent.Client) {
	binding, ok := client.LoginBinding(ctx)
	if !ok {
		return
	}
	if err := c.Bind(ctx, binding); err != nil {
		r.say(config.LogDebug2, "debug2: The agent is not bound to the host: %v", err)
		return
	}
	r.say(config.LogDebug1, "debug1: The agent knows the host's key.")
}

// forwardAgent has the server reach the agent, where that is wanted and there is
// one.
func (r *sshRun) forwardAgent(ctx context.Context, c *client.Client) bool {
	socket := r.agentSocket()
	if socket == "" {
		return false
	}
	probe, err := agent.Dial(ctx, socket)
	if err != nil {
		r.say(config.LogDebug1, "debug1: The agent is not forwarded: %v", err)
		return false
	}
	probe.Close()
	r.say(config.LogDebug1, "debug1: Requesting authentication agent forwarding.")
	c.ForwardAgent(func(ctx context.Context) (io.ReadWriteCloser, error) { return agent.Connect(ctx, socket) })
	return true
}

// agentSocket is the agent to forward; "" for none.
func (r *sshRun) agentSocket() string {
	if !r.conf.ForwardAgent {
		return ""
	}
	if socket := r.conf.AgentToForward(); socket != "" {
		return socket
	}
	return (&sshKeys{run: r}).socket()
}
