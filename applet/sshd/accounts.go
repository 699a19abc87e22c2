package sshd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/login"
	"github.com/nacre-ssh/nacre/server"
	"github.com/nacre-ssh/nacre/term"
)

// accounts is the policy for one connection: who may log in, by the system's
// users and sshd_config.
type accounts struct {
	cfg  *config.Server
	db   *login.Database
	self *login.User // who alone may log in where the server isn't root; else nil
	peer server.Peer
	// changed says that cfg is not the common one: Match blocks hold.
	changed bool
	// common is what counts after authentication, for all connections without
	// Match blocks; nil where sessions run in workers.
	common *sessionConfig
	// revocations is what was read of RevokedKeys.
	revocations *door.RevokedKeys
	// trial has keys of its own, and serves who runs it whatever the system
	// says of the account; nil but for sshd --try.
	trial *trial
}

// Begin is auth.Policy's.
func (a *accounts) Begin(_ context.Context, name string) auth.Account {
	own, err := a.matched(name)
	if err != nil {
		a.peer.Log.Error("User " + term.Printable(name) + " is refused, because sshd_config can't be judged: " + err.Error())
		return &account{accounts: a, name: name}
	}
	u, why := own.find(name)
	if why != "" {
		a.peer.Log.Info(why)
	}
	return &account{accounts: own, name: name, user: u}
}

// find returns the user, or nil and the line for the log.
func (a *accounts) find(name string) (*login.User, string) {
	from := fmt.Sprintf("%s port %d", a.peer.Remote.Addr(), a.peer.Remote.Port())
	shown := term.Printable(name)
	u, err := a.db.Lookup(name)
	if err != nil {
		var unknown *login.UnknownUserError
		if !errors.As(err, &unknown) {
			a.peer.Log.Error(err.Error())
		}
		return nil, "Invalid user " + shown + " from " + from
	}
	if a.self != nil && u.UID != a.self.UID {
		return nil, fmt.Sprintf("User %s from %s not allowed because the server runs as %s, not as root", shown, a.peer.Remote.Addr(), a.self.Name)
	}
	addr := a.peer.Remote.Addr().String()
	if ok, reason := a.cfg.Permits(name, addr, addr, a.groups(u)); !ok {
		return nil, fmt.Sprintf("User %s from %s not allowed because %s", shown, addr, reason)
	}
	if a.trial != nil {
		return u, ""
	}
	var refused *login.AccountError
	if err := a.db.Allowed(u); errors.As(err, &refused) {
		return nil, fmt.Sprintf("User %s not allowed because %s", shown, strings.TrimSpace(refused.Reason+" "+refused.Detail))
	} else if err != nil {
		return nil, fmt.Sprintf("User %s not allowed because %v", shown, err)
	}
	return u, ""
}

// groups are the names of the user's groups, looked up only where they count.
func (a *accounts) groups(u *login.User) []string {
	if len(a.cfg.AllowGroups) == 0 && len(a.cfg.DenyGroups) == 0 {
		return nil
	}
	return groupsOf(u)
}

// account is one user's side of one login; user is nil when there is none who
// may log in.
type account struct {
	*accounts
	name string
	user *login.User
}

// Known is server.KnownAccount's.
func (a *account) Known() bool { return a.user != nil }

// Methods are those that are on, each enough by itself, or what
// AuthenticationMethods wants of them.
func (a *account) Methods() [][]string {
	on := map[string]bool{
		"publickey":            a.cfg.PubkeyAuthentication,
		"password":             a.cfg.PasswordAuthentication,
		"keyboard-interactive": a.cfg.KbdInteractiveAuthentication && a.cfg.PasswordAuthentication,
		"none":                 a.cfg.PermitEmptyPasswords && a.cfg.PasswordAuthentication,
	}
	if len(a.cfg.AuthenticationMethods) == 0 {
		var each [][]string
		for _, name := range []string{"publickey", "password", "keyboard-interactive", "none"} {
			if on[name] {
				each = append(each, []string{name})
			}
		}
		return each
	}
	return slices.DeleteFunc(slices.Clone(a.cfg.AuthenticationMethods), func(list []string) bool {
		return slices.ContainsFunc(list, func(step string) bool {
			name, _, _ := strings.Cut(step, ":")
			return !on[name]
		})
	})
}

// PublicKey looks the key up in the user's files.
func (a *account) PublicKey(ctx context.Context, k key.Public, _ string) (*auth.Permit, error) {
	if a.user == nil {
		return nil, nil
	}
	if a.trial != nil && a.trial.accepts(k) {
		return &auth.Permit{}, nil
	}
	if err := a.revoked(k); err != nil {
		return nil, err
	}
	if c, ok := k.(*cert.Certificate); ok {
		permit, err := a.certificate(ctx, c)
		if err != nil {
			return nil, err
		}
		return a.root("publickey", permit)
	}
	files := a.keyFiles()
	match, err := files.Find(ctx, a.user, k, a.peer.Remote.Addr())
	if err != nil {
		return nil, err
	}
	a.peer.Log.Debug(fmt.Sprintf("matching key found: %s line %d", match.File, match.Line))
	permit := permitOf(&match.Restrictions)
	return a.root("publickey", permit)
}

// Password checks the password, at the same cost whether there is such a user
// or not.
func (a *account) Password(ctx context.Context, password string) (*auth.Permit, error) {
	if !a.cfg.PasswordAuthentication {
		return nil, nil
	}
	u, err := a.db.VerifyPassword(ctx, a.name, []byte(password), a.cfg.PermitEmptyPasswords)
	if err != nil || a.user == nil || u.UID != a.user.UID {
		return nil, err
	}
	return a.root("password", &auth.Permit{})
}

// Interactive asks for the password.
func (a *account) Interactive(context.Context) auth.Conversation {
	return auth.OneQuestion("Password: ", a.Password)
}

// root holds root to PermitRootLogin.
func (a *account) root(method string, p *auth.Permit) (*auth.Permit, error) {
	if a.user.UID != 0 {
		return p, nil
	}
	ok := false
	switch a.cfg.PermitRootLogin {
	case config.RootYes:
		ok = true
	case config.RootProhibitPassword:
		ok = method == "publickey"
	case config.RootForcedCommands:
		ok = method == "publickey" && p.ForceCommand != ""
	}
	if !ok {
		a.peer.Log.Log(context.Background(), slog.LevelInfo, fmt.Sprintf("ROOT LOGIN REFUSED FROM %s port %d", a.peer.Remote.Addr(), a.peer.Remote.Port()))
		return nil, errors.New("PermitRootLogin is " + string(a.cfg.PermitRootLogin))
	}
	return p, nil
}

// permitOf is what the options of a key leave it. Its environment options stay
// out: PermitUserEnvironment doesn't exist.
func permitOf(r *login.Restrictions) *auth.Permit {
	p := &auth.Permit{
		Expires: r.Expires, ForceCommand: r.Command,
		NoPTY: r.NoPTY, NoPortForward: r.NoPortForwarding, NoAgent: r.NoAgentForwarding,
		NoX11: r.NoX11Forwarding, NoUserRC: r.NoUserRC,
		NoTouchRequired: r.NoTouchRequired, VerifyRequired: r.VerifyRequired,
	}
	if r.From != "" {
		p.Sources = [][]string{strings.Split(r.From, ",")}
	}
	if len(r.PermitOpen) > 0 {
		p.PermitOpen = [][]string{r.PermitOpen}
	}
	if p.NoTunnel = r.NoTunnel; r.HasTunnel {
		p.Tunnels = []int{r.Tunnel}
	}
	if len(r.PermitListen) > 0 {
		p.PermitListen = [][]string{r.PermitListen}
	}
	return p
}
