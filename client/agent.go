package client

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

// agentChannel is the type of a channel to the agent (RFC 9987,
// section 4).
const agentChannel = "auth-agent@openssh.com"

type loginKey struct{}

func withLogin(ctx context.Context, conn *transport.Conn) context.Context {
	return context.WithValue(ctx, loginKey{}, conn)
}

// LoginBinding says what connection a login is for, in the context that the
// login's methods are called with. An agent that is told of it ([agent.Client.Bind])
// can sign with keys that are held to destinations.
func LoginBinding(ctx context.Context) (agent.ProvenBinding, bool) {
	conn, ok := ctx.Value(loginKey{}).(*transport.Conn)
	if !ok {
		return agent.ProvenBinding{}, false
	}
	return binding(conn, false), true
}

func binding(conn *transport.Conn, forwarded bool) agent.ProvenBinding {
	return agent.ProvenBinding{
		Binding:   agent.Binding{HostKey: conn.HostKey(), SessionID: conn.SessionID(), Forwarded: forwarded},
		Signature: conn.HostProof(),
	}
}

// ForwardAgent lets the server reach an agent: dial is called for each channel
// that it opens, and the agent is told first that it is reached over this
// connection, so that it can refuse keys that are not for that. A session asks
// the server to use it with [SessionOptions.Agent].
func (c *Client) ForwardAgent(dial func(context.Context) (io.ReadWriteCloser, error)) {
	c.Handle(agentChannel, func(in *mux.Incoming) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			select {
			case <-c.Done():
				cancel()
			case <-stop:
			}
		}()
		conn, err := dial(ctx)
		if err == nil {
			err = c.bind(ctx, conn)
		}
		if err != nil {
			c.log.Debug("The server asks for the agent, which can't be reached.", "err", err)
			in.Reject(wire.OpenConnectFailed, "the agent can't be reached")
			return
		}
		ch, err := in.Accept(nil, mux.Options{})
		if err != nil {
			conn.Close()
			return
		}
		c.log.Debug("The server uses the agent.")
		splice(ch, conn)
	})
}

// bind tells the agent where it is forwarded to. One that doesn't know the
// message holds no key to a destination.
func (c *Client) bind(ctx context.Context, conn io.ReadWriteCloser) error {
	err := agent.NewClient(keepOpen{conn}).Bind(ctx, binding(c.Conn, true))
	if errors.Is(err, agent.ErrFailure) {
		c.log.Debug("The agent doesn't take the host's proof, and so holds no key to a host.")
		return nil
	}
	return err
}

// splice copies both ways until both have ended.
func splice(ch *mux.Channel, conn io.ReadWriteCloser) {
	var both sync.WaitGroup
	both.Go(func() {
		io.Copy(conn, ch)
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
		} else {
			conn.Close()
		}
	})
	both.Go(func() {
		io.Copy(ch, conn)
		ch.CloseWrite()
		// The agent says no more, and reads no more.
		ch.Close()
		conn.Close()
	})
	both.Wait()
	ch.Close()
	conn.Close()
}

// keepOpen is a connection that outlives the Client that speaks over it first.
type keepOpen struct{ io.ReadWriter }

func (keepOpen) Close() error { return nil }

// LoginConn is the connection below a login, in the context that its methods are
// called with. It belongs to the login.
func LoginConn(ctx context.Context) (net.Conn, bool) {
	conn, ok := ctx.Value(loginKey{}).(*transport.Conn)
	if !ok {
		return nil, false
	}
	return conn.NetConn(), true
}
