package applet

import (
	"context"
	"fmt"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/term"
)

// dbTries is how often dbclient asks for a password: the server ends it before.
const dbTries = 20

// methods implements [manner]: Dropbear's order.
func (d *dbRun) methods() ([]auth.ClientMethod, error) {
	keys, err := d.ssh.publicKeys()
	if err != nil {
		return nil, err
	}
	list := []auth.ClientMethod{keys}
	if d.Getenv("DROPBEAR_PASSWORD") == "" && (d.line.noPassword || d.line.batch) {
		return list, nil
	}
	return append(list, auth.KeyboardInteractive(d.answers, dbTries), auth.Password(d.password, dbTries)), nil
}

// trace hears of each step of the login: one that took nothing of the user's may
// be made to look like a question of the user's own machine.
func (d *dbRun) trace(e auth.Event) {
	if e.Kind == auth.EventSuccess && e.Method == "publickey" {
		d.proven = true
	}
}

func (d *dbRun) password(ctx context.Context) (string, error) {
	return d.secret(ctx, fmt.Sprintf("%s@%s's password: ", term.Printable(d.at.user), d.at.host))
}

// secret is DROPBEAR_PASSWORD, once, or what the person types.
func (d *dbRun) secret(ctx context.Context, prompt string) (string, error) {
	if given := d.Getenv("DROPBEAR_PASSWORD"); given != "" {
		if d.spent {
			return "", auth.ErrSkip
		}
		d.spent, d.proven = true, true
		return given, nil
	}
	secret, err := d.ReadSecret(ctx, door.AskTerminal, prompt)
	defer clear(secret)
	d.proven = d.proven || err == nil
	return string(secret), orSkip(err)
}

// answers puts the server's questions.
func (d *dbRun) answers(ctx context.Context, name, instruction string, prompts []auth.Prompt) ([]string, error) {
	if d.Getenv("DROPBEAR_PASSWORD") == "" && !d.asked {
		d.asked = true
		d.Errorf("Login for %s@%s", term.Printable(d.at.user), d.at.host)
	}
	for _, text := range []string{name, instruction} {
		if text != "" {
			d.ssh.say(config.LogInfo, "%s", term.Printable(text))
		}
	}
	var list []string
	for _, p := range prompts {
		text := fmt.Sprintf("(%s@%s) %s", term.Printable(d.at.user), d.at.host, term.Printable(p.Text))
		var answer string
		var err error
		if p.Echo {
			answer, err = d.ReadAnswer(ctx, text)
			d.proven = d.proven || err == nil
		} else {
			answer, err = d.secret(ctx, text)
		}
		if err != nil {
			return nil, orSkip(err)
		}
		list = append(list, answer)
	}
	return list, nil
}
