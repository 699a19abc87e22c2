package applet

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/term"
)

// methods are the ways to log in, in the order of the configuration.
func (r *sshRun) methods() ([]auth.ClientMethod, error) {
	if r.manner != nil {
		return r.manner.methods()
	}
	order := []string{"hostbased", "publickey", "keyboard-interactive", "password"}
	if chosen := r.conf.PreferredAuthentications; chosen != "" {
		order = strings.Split(chosen, ",")
	}
	var list []auth.ClientMethod
	for i, name := range order {
		if slices.Contains(order[:i], name) {
			continue
		}
		switch name {
		case "hostbased":
			if r.conf.HostbasedAuthentication {
				list = append(list, r.hostBased())
			}
		case "publickey":
			if r.conf.PubkeyAuthentication == "no" {
				continue
			}
			method, err := r.publicKeys()
			if err != nil {
				return nil, err
			}
			list = append(list, method)
		case "password":
			if r.conf.PasswordAuthentication && !r.conf.BatchMode && r.conf.NumberOfPasswordPrompts > 0 {
				list = append(list, auth.Password(r.passwordPrompt(), r.conf.NumberOfPasswordPrompts))
			}
		case "keyboard-interactive":
			if r.conf.KbdInteractiveAuthentication && !r.conf.BatchMode && r.conf.NumberOfPasswordPrompts > 0 {
				list = append(list, auth.KeyboardInteractive(r.answers, r.conf.NumberOfPasswordPrompts))
			}
		}
	}
	return list, nil
}

// passwordPrompt asks "user@host's password: ".
func (r *sshRun) passwordPrompt() func(context.Context) (string, error) {
	again := false
	return func(ctx context.Context) (string, error) {
		if r.policy.doubtful {
			return "", auth.ErrSkip
		}
		if again {
			r.say(config.LogError, "Permission denied, please try again.")
		}
		again = true
		prompt := r.account() + "'s password: "
		secret, err := r.ReadSecret(ctx, door.AskTerminal, prompt)
		defer clear(secret)
		return string(secret), orSkip(err)
	}
}

// orSkip gives a method up where there is nobody to ask.
func orSkip(err error) error {
	if errors.Is(err, term.ErrNoTerminal) {
		return auth.ErrSkip
	}
	return err
}

// answers puts the server's questions. The questions show who asks, because a
// server could otherwise ask for the passphrase of a key.
func (r *sshRun) answers(ctx context.Context, name, instruction string, prompts []auth.Prompt) ([]string, error) {
	if r.policy.doubtful {
		return nil, auth.ErrSkip
	}
	for _, text := range []string{name, instruction} {
		if text != "" {
			r.say(config.LogInfo, "%s", term.Printable(text))
		}
	}
	var list []string
	for _, p := range prompts {
		text := "(" + r.account() + ") " + term.Printable(p.Text)
		answer, err := r.answer(ctx, text, p.Echo)
		if err != nil {
			return nil, orSkip(err)
		}
		list = append(list, answer)
	}
	return list, nil
}

func (r *sshRun) answer(ctx context.Context, prompt string, echo bool) (string, error) {
	if echo {
		return r.ReadAnswer(ctx, prompt)
	}
	secret, err := r.ReadSecret(ctx, door.AskTerminal, prompt)
	defer clear(secret)
	return string(secret), err
}
