package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/nacre-ssh/nacre/wire"
)

// extBind is the extension that tells an agent which SSH connection asks
// (PROTOCOL.agent, section 1).
const extBind = "session-bind@openssh.com"

// A ProvenBinding is a Binding with its proof: the host's signature of the
// session id, from the connection's first key exchange.
type ProvenBinding struct {
	Binding
	Signature []byte
}

// Bind tells the agent that this connection is used for an SSH connection. An
// agent that doesn't know the extension answers [ErrFailure]; it holds no key to
// a destination either.
func (c *Client) Bind(ctx context.Context, p ProvenBinding) error {
	b := wire.AppendString(nil, p.HostKey)
	b = wire.AppendString(b, p.SessionID)
	b = wire.AppendString(b, p.Signature)
	b = wire.AppendBool(b, p.Forwarded)
	_, err := c.Extension(ctx, extBind, b)
	return err
}

// bind takes a binding from a peer, after its proof.
func (p *Peer) bind(body []byte) error {
	p.attempted = true
	r := wire.NewReader(body)
	b := Binding{HostKey: bytes.Clone(r.Bytes()), SessionID: bytes.Clone(r.Bytes())}
	signature := r.Bytes()
	b.Forwarded = r.Bool()
	if err := r.End(); err != nil {
		return err
	}
	if len(b.SessionID) == 0 || len(b.SessionID) > maxSessionID {
		return fmt.Errorf("session id has %d bytes, 1 to %d are taken", len(b.SessionID), maxSessionID)
	}
	if err := verifyHost(b.HostKey, b.SessionID, signature); err != nil {
		return err
	}
	for _, known := range p.bindings {
		switch same := bytes.Equal(known.SessionID, b.SessionID); {
		case !known.Forwarded:
			return errors.New("connection was bound to a login before")
		case same && bytes.Equal(known.HostKey, b.HostKey):
			return nil
		case same:
			return errors.New("session was bound to another host before")
		}
	}
	if len(p.bindings) == MaxBindings {
		return fmt.Errorf("connection has %d bindings already", MaxBindings)
	}
	p.bindings = append(p.bindings, b)
	return nil
}

// verifyHost checks a host's signature of a session id.
func verifyHost(hostKey, session, signature []byte) error {
	k, _, err := Plain(hostKey)
	if err != nil {
		return err
	}
	r := wire.NewReader(signature)
	algorithm := r.String()
	if err := r.Err(); err != nil {
		return err
	}
	return k.Verify(algorithm, session, signature)
}
