package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/internal/netx"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

// Login is who is at the other end of a connection. It does not change, and all
// sessions of the connection share it.
type Login struct {
	User string
	// Account is what the policy returned for the connection; nil where the
	// connection was resumed.
	Account       auth.Account
	Permit        *auth.Permit
	Remote, Local netip.AddrPort
}

// A conn is one connection from its first byte on.
type conn struct {
	set  *settings
	nc   net.Conn
	log  *slog.Logger
	peer Peer
	gate func() // counts the connection out of the gate; nil when that is done

	hostKeys []key.Signer
	prove    Prover
	tc       *transport.Conn
	who      *knocking // while authentication goes on
	login    *Login    // after it
	mux      *mux.Mux
	ctx      context.Context // ends with the connection; set once it is served

	listening listeners

	mu       sync.Mutex
	sessions int
}

func (s *Server) newConn(nc net.Conn) *conn {
	set := s.settings.Load()
	c := &conn{set: set, nc: nc, hostKeys: set.HostKeys}
	c.setPeer(addrPort(nc.RemoteAddr()), addrPort(nc.LocalAddr()))
	return c
}

func (c *conn) setPeer(remote, local netip.AddrPort) {
	c.log = c.set.Logger.With("from", remote)
	c.peer = Peer{remote, local, c.log}
}

func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	p := tcp.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// guard runs f and is where a panic of it ends, with this connection alone. All
// goroutines of a connection that run anything of ours start with it.
func (c *conn) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error(fmt.Sprintf("panic: %v", p), "stack", string(debug.Stack()))
			c.abort()
		}
	}()
	f()
}

// start starts a goroutine of the connection's that can end only it.
func (c *conn) start(f func()) { go c.guard(f) }

// abort ends the connection without a word.
func (c *conn) abort() {
	if c.tc != nil {
		c.tc.Close()
		return
	}
	c.nc.Close()
}

// admitted counts the connection out of the gate, once.
func (c *conn) admitted() {
	if c.gate != nil {
		c.gate()
		c.gate = nil
	}
}

// begin identifies the peer and has it authenticated. Then the connection moves
// to another process, or to a goroutine whose stack has not been grown by all
// this. over is called when the connection has ended here.
func (c *conn) begin(ctx context.Context, over func()) {
	goesOn := false
	defer func() {
		c.admitted()
		if !goesOn {
			over()
		}
	}()
	c.guard(func() {
		if !c.authenticate(ctx) {
			return
		}
		if c.set.HandOver != nil {
			c.handOver(ctx)
			return
		}
		goesOn = true
		go func() {
			defer over()
			c.guard(func() { c.run(ctx) })
		}()
	})
}

// authenticate brings the connection to a login, or ends it and says so in the
// log.
func (c *conn) authenticate(ctx context.Context) bool {
	if grace := c.set.LoginGraceTime; grace > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, grace, errGrace)
		defer cancel()
	}
	c.log.Log(ctx, LevelVerbose, fmt.Sprintf("Connection from %s on %s", where(c.peer.Remote), where(c.peer.Local)))
	if q := c.set.QoS; q != nil && q.Interactive >= 0 {
		if err := netx.SetQoS(c.nc, q.Interactive); err != nil {
			c.log.Debug(err.Error())
		}
	}
	cfg := c.set.transport
	cfg.Logger = c.log
	cfg.Go = c.start
	tc, err := transport.Server(ctx, c.nc, &cfg)
	if err != nil {
		c.refused(ctx, err)
		return false
	}
	c.tc = tc
	stop := context.AfterFunc(ctx, func() { tc.Close() })
	c.who = new(knocking)
	result, err := auth.Server(ctx, tc, c.authConfig())
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		var broke *auth.ProtocolError
		if errors.As(err, &broke) {
			tc.DisconnectNow(&transport.DisconnectError{Reason: broke.Reason, Text: broke.Text})
		}
		c.refused(ctx, err)
		tc.Close()
		return false
	}
	c.login = &Login{
		User: result.User, Account: c.who.account, Permit: result.Permit,
		Remote: c.peer.Remote, Local: c.peer.Local,
	}
	if s, ok := c.who.account.(Settler); ok {
		own := c.set.Config
		s.Settle(&own)
		c.set = settingsOf(own)
	}
	c.who = nil
	tc.AuthSucceeded()
	return true
}

func (c *conn) authConfig() auth.ServerConfig {
	policy := c.set.Policy
	if c.set.PolicyFor != nil {
		policy = c.set.PolicyFor(c.peer)
	}
	c.who.policy = policy
	return auth.ServerConfig{
		Policy: c.who, Remote: c.peer.Remote.Addr(), MaxTries: c.set.MaxAuthTries,
		PubkeyAcceptedAlgorithms: c.set.UserKeyAlgorithms, RequiredRSASize: c.set.RequiredRSASize,
		PermitEmptyPasswords: c.set.PermitEmptyPasswords, Banner: c.set.Banner, Trace: c.authEvent,
		ParseKey: c.set.ParseUserKey,
	}
}

// run serves the connection to its end.
func (c *conn) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		c.tc.Disconnect(wire.DisconnectByApplication, "the server is shutting down")
	})
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.ctx = ctx
	c.mux = mux.New(c.tc, mux.Config{
		Logger:    c.log,
		Open:      func(in *mux.Incoming) { c.guard(func() { c.open(in) }) },
		Global:    func(r *mux.GlobalRequest) { c.guard(func() { c.global(r) }) },
		KeepAlive: c.set.KeepAlive, KeepAliveMax: c.set.KeepAliveMax,
		QoS: c.set.QoS, Timeouts: c.set.Timeouts, Unused: c.set.UnusedTimeout,
	})
	c.announceHostKeys()
	defer c.stopListening() // after a panic, too
	err := c.mux.Run()
	c.stopListening()
	c.ended(err)
}
