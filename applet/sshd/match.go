package sshd

import (
	"errors"
	"os/user"
	"strconv"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/login"
	"github.com/nacre-ssh/nacre/server"
)

// matched is the policy for the connection once the user's name is known: where
// there are Match blocks, what they say comes first. An error lets nobody in.
func (a *accounts) matched(name string) (*accounts, error) {
	if !a.cfg.HasMatch() {
		return a, nil
	}
	peer := a.peer
	c := &config.Connection{
		User: name, Host: peer.Remote.Addr().String(), Address: peer.Remote.Addr(),
		LocalAddress: peer.Local.Addr(), LocalPort: int(peer.Local.Port()),
	}
	u, err := a.db.Lookup(name)
	var unknown *login.UnknownUserError
	switch {
	case err == nil:
		c.Groups = groupsOf(u)
	case errors.As(err, &unknown):
		c.InvalidUser = true
	default:
		return nil, err
	}
	cfg, err := a.cfg.For(c)
	if err != nil {
		return nil, err
	}
	own := *a
	own.cfg, own.changed = cfg, true
	return &own, nil
}

// groupsOf are the names of the user's groups.
func groupsOf(u *login.User) []string {
	var names []string
	for _, gid := range u.Groups {
		if g, err := user.LookupGroupId(strconv.FormatUint(uint64(gid), 10)); err == nil {
			names = append(names, g.Name)
		}
	}
	return names
}

// Tune is auth.Tuner's: what Match blocks say holds for the login already.
func (a *account) Tune(c *auth.ServerConfig) {
	if !a.changed {
		return
	}
	c.MaxTries, c.PermitEmptyPasswords = a.cfg.MaxAuthTries, a.cfg.PermitEmptyPasswords
	c.PubkeyAcceptedAlgorithms, c.RequiredRSASize = a.cfg.PubkeyAcceptedAlgorithms, a.cfg.RequiredRSASize
	c.Banner = bannerOf(a.cfg.Banner)
}

// session is the account's own part of the configuration that counts after
// authentication; common where no Match block says more.
func (a *account) session(common *sessionConfig) *sessionConfig {
	if !a.changed {
		return common
	}
	own := newSessionConfig(a.cfg, common.generation, nil)
	own.hostKeys = common.hostKeys
	return own
}

// Settle is server.Settler's, for where sessions run in this process.
func (a *account) Settle(c *server.Config) {
	if a.common == nil || !a.changed {
		return
	}
	own := a.session(a.common).serverConfig()
	c.MaxSessions, c.AcceptEnv, c.NoPTY, c.Forwarding = own.MaxSessions, own.AcceptEnv, own.NoPTY, own.Forwarding
	c.KeepAlive, c.KeepAliveMax = own.KeepAlive, own.KeepAliveMax
	c.QoS, c.Timeouts, c.UnusedTimeout = own.QoS, own.Timeouts, own.UnusedTimeout
	if h, ok := c.Handler.(*Processes); ok {
		with := *h
		with.accept = a.cfg.AcceptEnv
		c.Handler = &with
	}
}
