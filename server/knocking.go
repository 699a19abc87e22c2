package server

import (
	"context"
	"errors"

	"github.com/nacre-ssh/nacre/auth"
)

// errGrace is the cause of a login that took too long.
var errGrace = errors.New("the login took longer than LoginGraceTime")

// KnownAccount is an [auth.Account] that can tell whether there is such a user
// at all, for the log ("invalid user"). The peer never learns it.
type KnownAccount interface {
	auth.Account
	Known() bool
}

// A Settler is an [auth.Account] for whose connection other things hold once it is
// authenticated: Settle changes them. What the transport does stays as it is.
type Settler interface {
	auth.Account
	Settle(c *Config)
}

// knocking is what is known of the user during authentication. It is the policy
// with a memory of the one account that it was asked for; what that decides is
// not touched.
type knocking struct {
	policy  auth.Policy
	user    string
	account auth.Account
	failed  int
}

// Begin is auth.Policy's.
func (k *knocking) Begin(ctx context.Context, user string) auth.Account {
	k.user = user
	k.account = k.policy.Begin(ctx, user)
	return k.account
}

// known says whether the user exists as far as anybody knows.
func (k *knocking) known() bool {
	if a, ok := k.account.(KnownAccount); ok {
		return a.Known()
	}
	return k.account != nil
}
