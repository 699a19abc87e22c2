package applet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/term"
)

// account is who logs in where, as the questions have it.
func (r *sshRun) account() string {
	host := r.conf.HostName
	if r.conf.HostKeyAlias != "" {
		host = r.conf.HostKeyAlias
	}
	return term.Printable(r.conf.User) + "@" + host
}

// changePassword is for a server that wants a new password (RFC 4252,
// section 8). The end of input instead of a new one gives up.
func (r *sshRun) changePassword(ctx context.Context, prompt string) (old, changed string, err error) {
	if r.policy.doubtful {
		return "", "", auth.ErrSkip
	}
	if prompt != "" {
		r.say(config.LogInfo, "%s", term.Printable(prompt))
	}
	was, err := r.ReadSecret(ctx, door.AskTerminal, fmt.Sprintf("Enter %s's old password: ", r.account()))
	defer clear(was)
	if err != nil {
		return "", "", r.noChange(err)
	}
	for {
		is, err := r.ReadSecret(ctx, door.AskTerminal, fmt.Sprintf("Enter %s's new password: ", r.account()))
		defer clear(is)
		if err != nil {
			return "", "", r.noChange(err)
		}
		again, err := r.ReadSecret(ctx, door.AskTerminal, fmt.Sprintf("Retype %s's new password: ", r.account()))
		defer clear(again)
		if err != nil {
			return "", "", r.noChange(err)
		}
		if bytes.Equal(is, again) {
			return string(was), string(is), nil
		}
		r.say(config.LogInfo, "Mismatch; try again, EOF to quit.")
	}
}

// noChange gives the password method up where nobody answers.
func (r *sshRun) noChange(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, term.ErrNoTerminal) {
		r.say(config.LogInfo, "The password is not changed, and without that the server lets nobody in.")
		return auth.ErrSkip
	}
	return err
}
