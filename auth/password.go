package auth

import (
	"context"
	"errors"

	"github.com/nacre-ssh/nacre/wire"
)

// Password is the password method (RFC 4252, section 8). prompt is asked before
// each of at most tries attempts (0 or less: 3); [ErrSkip] from it gives the
// method up.
func Password(prompt func(ctx context.Context) (string, error), tries int) ClientMethod {
	return passwordMethod{prompt, triesOr(tries)}
}

// defaultTries is ssh_config's NumberOfPasswordPrompts.
const defaultTries = 3

func triesOr(tries int) int {
	if tries <= 0 {
		return defaultTries
	}
	return tries
}

type passwordMethod struct {
	prompt func(ctx context.Context) (string, error)
	tries  int
}

func (passwordMethod) Name() string { return methodPassword }

func (m passwordMethod) begin() attempts { return &passwordAttempts{m, m.tries} }

type passwordAttempts struct {
	passwordMethod
	left int
}

func (a *passwordAttempts) renew() { a.left = a.tries }

func (a *passwordAttempts) next(ctx context.Context, d *dialogue) (verdict, error) {
	if a.left == 0 {
		return verdict{}, errSpent
	}
	a.left--
	password, err := a.prompt(ctx)
	if err != nil {
		return verdict{}, err
	}
	b := appendRequest(nil, d.cfg.User, methodPassword)
	b = wire.AppendBool(b, false)
	b = wire.AppendString(b, password)
	for range 1 + maxChanges {
		if err := d.request(ctx, methodPassword, b); err != nil {
			return verdict{}, err
		}
		kind, r, err := d.receive(ctx)
		if err != nil {
			return verdict{}, err
		}
		if kind != wire.MsgUserauthPasswdChange {
			return readVerdict(kind, &r)
		}
		if b, err = changeRequest(ctx, d, &r); err != nil {
			return verdict{}, err
		}
	}
	return verdict{}, errors.New("the server refuses each new password; change it another way")
}

// changeRequest answers PASSWD_CHANGEREQ with the request that changes the
// password.
func changeRequest(ctx context.Context, d *dialogue, r *wire.Reader) ([]byte, error) {
	prompt := r.Bytes()
	r.Bytes() // language tag
	if err := r.End(); err != nil {
		return nil, malformed("password change request", err)
	}
	if len(prompt) > maxPrompt {
		return nil, protocolError("the server's password change prompt is too long")
	}
	if d.cfg.ChangePassword == nil {
		return nil, errors.New("the server asks for a new password, which can't be given here; log in interactively to change it")
	}
	old, changed, err := d.cfg.ChangePassword(ctx, string(prompt))
	if err != nil {
		return nil, err
	}
	b := appendRequest(nil, d.cfg.User, methodPassword)
	b = wire.AppendBool(b, true)
	b = wire.AppendString(b, old)
	return wire.AppendString(b, changed), nil
}

// servePassword checks a password. Changing one is refused, as OpenSSH does
// without a keyboard-interactive device.
func servePassword(ctx context.Context, s *session, r *wire.Reader) (outcome, error) {
	change := r.Bool()
	password := r.Bytes()
	if change {
		r.Bytes() // the new password
	}
	if err := r.End(); err != nil {
		return outcome{}, malformed("password request", err)
	}
	if change || len(password) > maxPassword || len(password) == 0 && !s.cfg.PermitEmptyPasswords {
		return outcome{}, nil
	}
	permit, err := s.account.Password(ctx, string(password))
	return outcome{permit: permit, why: err}, nil
}
