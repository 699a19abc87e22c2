package auth

import (
	"context"

	"github.com/nacre-ssh/nacre/wire"
)

// None is the method that proves nothing (RFC 4252, section 5.2). A client
// doesn't need to name it: where nothing better can open the conversation it is
// sent anyway, to learn what the server takes. It is sent once a connection.
func None() ClientMethod { return noneMethod{} }

type noneMethod struct{}

func (noneMethod) Name() string    { return methodNone }
func (noneMethod) begin() attempts { return noneAttempts{} }

type noneAttempts struct{}

func (noneAttempts) renew() {}

func (noneAttempts) next(ctx context.Context, d *dialogue) (verdict, error) {
	if d.probed {
		return verdict{}, errSpent
	}
	d.probed = true
	if err := d.request(ctx, methodNone, appendRequest(nil, d.cfg.User, methodNone)); err != nil {
		return verdict{}, err
	}
	return d.verdict(ctx)
}

// serveNone lets somebody in without proof where the account's methods say
// "none", empty passwords are permitted, and the account takes the empty
// password: what OpenSSH does for PermitEmptyPasswords.
func serveNone(ctx context.Context, s *session, r *wire.Reader) (outcome, error) {
	if err := r.End(); err != nil {
		return outcome{}, malformed("none request", err)
	}
	if !s.cfg.PermitEmptyPasswords {
		return outcome{}, nil
	}
	permit, err := s.account.Password(ctx, "")
	return outcome{permit: permit, why: err}, nil
}
