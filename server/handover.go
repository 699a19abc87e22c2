package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/transport"
)

// Handover is an authenticated connection on its way to another process.
type Handover struct {
	Login *Login
	// Conn is the socket. It stays the server's, who closes its own copy after
	// HandOver has returned.
	Conn net.Conn
	// State is what the transport exported. It holds the connection's keys.
	State []byte
}

// handOver gives the connection to another process, or ends it.
func (c *conn) handOver(ctx context.Context) {
	state, err := c.tc.Export()
	if err == nil {
		err = c.set.HandOver(ctx, &Handover{Login: c.login, Conn: c.nc, State: state})
		clear(state)
	}
	if err != nil {
		c.log.Error(fmt.Sprintf("connection of %s is dropped: %v", c.stage(), err))
	}
	c.nc.Close()
}

// Prover signs the proof that the server holds a host key
// (hostkeys-prove-00@openssh.com). session is the connection's session id. The
// data to sign is what [ProofData] returns.
type Prover func(ctx context.Context, session []byte, k key.Public, algorithm string) ([]byte, error)

// Resumed is a connection that another process has authenticated.
type Resumed struct {
	Login *Login
	State []byte
	// HostKeys sign rekeys of this connection: the keys of the process that
	// exported it.
	HostKeys []key.Signer
	// Prove signs proofs; nil: HostKeys do.
	Prove  Prover
	Logger *slog.Logger // nil: the server's
}

// Resume carries on with a connection from another process and returns when it
// has ended. It owns nc and clears what r refers to once that was read.
func (s *Server) Resume(ctx context.Context, nc net.Conn, r *Resumed) error {
	c := &conn{set: s.settings.Load(), nc: nc, hostKeys: r.HostKeys, prove: r.Prove, login: r.Login}
	c.setPeer(r.Login.Remote, r.Login.Local)
	if r.Logger != nil {
		c.log = r.Logger
		c.peer.Log = r.Logger
	}
	if err := c.take(r); err != nil {
		nc.Close()
		return err
	}
	c.guard(func() { c.run(ctx) })
	return nil
}

// take imports the connection. It is a function of its own so that what it
// needed of the stack is free again.
func (c *conn) take(r *Resumed) error {
	cfg := c.set.transport
	cfg.Logger, cfg.HostKeys, cfg.Exportable = c.log, r.HostKeys, false
	cfg.Go = c.start
	tc, err := transport.Import(c.nc, r.State, &cfg)
	clear(r.State)
	*r = Resumed{}
	if err != nil {
		return fmt.Errorf("resuming a connection: %w", err)
	}
	c.tc = tc
	return nil
}
