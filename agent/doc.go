// Package agent speaks the agent protocol (draft-ietf-sshm-ssh-agent), in which
// one process signs with keys for others.
//
// A [Client] asks an agent: it lists [Identity] values, and each of them is a
// [key.Signer] through [Client.Signer]. [Serve] answers requests on one
// connection from a [Keyring], of which [Memory] is the one here, with keys in
// this process.
//
//	c, err := agent.Dial(ctx, agent.DefaultSocket())
//	identities, err := c.List(ctx)
//	signature, err := c.Signer(identities[0]).Sign(ctx, algorithm, data)
//
// A message is a row of the table in server.go. What isn't there, an unknown
// constraint or a malformed message gets a failure; nothing is ever loaded into
// the process because a peer asked. Making a socket, hiding the process's memory
// and forwarding an agent through a connection are for the rooms above: client,
// server and the ssh-agent door. Below it are wire and key.
package agent
