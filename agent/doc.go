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
// A [Listener] serves everybody who connects to a socket that [Listen] made, on
// Windows to a named pipe; ServePageant answers at Pageant's window there.
//
// A message is a row of the table in server.go, a constraint of a key one of the
// table in constraint.go. What isn't there, an unknown constraint or a malformed
// message gets a failure; nothing is ever loaded into the process because a peer
// asked. A key that is held to destinations ([Destination]) is seen and used only
// by peers who have proved where they come from ([Binding]).
//
// Memory holds private keys encrypted and opens them for one signature; [Harden]
// hides the rest of the process. Where the socket is, asking the user and
// forwarding an agent through a connection are for the rooms above: client,
// server and the ssh-agent door. Below it are wire and key.
package agent
