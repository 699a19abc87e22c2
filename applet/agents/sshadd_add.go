package agents

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// add gives the agent the key in a file, and the certificate beside it.
func (r *addRun) add(ctx context.Context, path string) bool {
	text, name, err := r.readKey(path)
	if err != nil {
		var open *keyfile.PermissionsError
		switch {
		case errors.As(err, &open):
			fmt.Fprint(r.Stderr, open.Warning())
		default:
			r.Errorf("%s: %s", name, door.Sentence(err))
		}
		return false
	}
	defer clear(text)
	private, comment, err := r.open(ctx, text, name)
	if err != nil {
		if err != door.ErrNoPassphrase {
			r.Errorf("Error loading key \"%s\": %s", name, keyTrouble(err))
		}
		return false
	}
	if comment == "" {
		comment = name
	}
	if _, ok := private.Crypto().(*key.SKPrivate); ok && r.provider == "" {
		r.Errorf("Cannot load FIDO key %s without provider", name)
		return false
	}
	ok := !r.certOnly && r.addKey(ctx, private, comment, name)
	if !r.keyOnly {
		r.addCertificates(ctx, private, text, comment, name)
	}
	return ok
}

// readKey returns the text of a file; "-" is standard input.
func (r *addRun) readKey(path string) (text []byte, name string, err error) {
	if path != "-" {
		text, err = keyfile.ReadPrivate(path)
		return text, path, err
	}
	text, err = io.ReadAll(io.LimitReader(r.Stdin, keyfile.MaxFile+1))
	return text, "(stdin)", err
}

// open reads a private key: with no passphrase, with the last that was right,
// with what the user says.
func (r *addRun) open(ctx context.Context, text []byte, name string) (*key.Private, string, error) {
	try := func(passphrase []byte) (*key.Private, string, error) {
		return keyfile.ParsePrivate(bytes.Clone(text), func() ([]byte, error) { return passphrase, nil })
	}
	k, comment, err := keyfile.ParsePrivate(bytes.Clone(text), nil)
	if locked(err) && r.passphrase != nil {
		k, comment, err = try(r.passphrase)
	}
	sure := ""
	if r.confirm {
		sure = " (will confirm each use)"
	}
	for prompt := "Enter passphrase for %s%s: "; locked(err); prompt = "Bad passphrase, try again for %s%s: " {
		clear(r.passphrase)
		r.passphrase, err = r.ReadSecret(ctx, door.AskInput, fmt.Sprintf(prompt, name, sure))
		if err != nil || len(r.passphrase) == 0 {
			return nil, "", door.ErrNoPassphrase
		}
		k, comment, err = try(r.passphrase)
	}
	return k, comment, err
}

func locked(err error) bool {
	var p *keyfile.PassphraseError
	return errors.As(err, &p)
}

// keyTrouble says in OpenSSH's words why a file can't be read.
func keyTrouble(err error) string {
	var format *keyfile.FormatError
	var unsupported *keyfile.UnsupportedError
	switch {
	case errors.As(err, &format):
		return "invalid format"
	case errors.As(err, &unsupported):
		return "unknown or unsupported key type: " + unsupported.Error()
	}
	return door.Sentence(err)
}

func (r *addRun) constrained(k *key.Private, comment string) agent.AddedKey {
	return agent.AddedKey{Private: k, Comment: comment, Lifetime: r.life, Confirm: r.confirm, Destinations: r.destinations}
}

func (r *addRun) addKey(ctx context.Context, k *key.Private, comment, name string) bool {
	added := r.constrained(k, comment)
	if _, ok := k.Crypto().(*key.SKPrivate); ok {
		added.Provider = r.provider
	}
	if err := r.agent.Add(ctx, added); err != nil {
		r.Errorf("Could not add identity \"%s\": %s", name, agentTrouble(err))
		return false
	}
	r.tellAdded("Identity", name, comment, r.life)
	return true
}

func (r *addRun) tellAdded(what, path, name string, life time.Duration) {
	if r.quiet {
		return
	}
	r.Errorf("%s added: %s (%s)", what, path, term.Printable(name))
	if life != 0 {
		r.Errorf("Lifetime set to %s", timeframe(life))
	}
	if r.confirm {
		r.Errorf("The user must confirm each use of the key")
	}
}

// timeframe is how OpenSSH shows a time: 01:30:00, 2d03h00m, 01w2d03h.
func timeframe(d time.Duration) string {
	s := int64(d / time.Second)
	sec, minute, hour, day, week := s%60, s/60%60, s/3600%24, s/86400%7, s/604800
	switch {
	case week > 0:
		return fmt.Sprintf("%02dw%dd%02dh", week, day, hour)
	case day > 0:
		return fmt.Sprintf("%dd%02dh%02dm", day, hour, minute)
	}
	return fmt.Sprintf("%02d:%02d:%02d", hour, minute, sec)
}

// certGrace is how much longer than its certificate a key is kept: the clocks of
// two machines differ.
const certGrace = 5 * time.Minute

// addCertificates gives the agent the certificate in a key's file, and the one
// beside it.
func (r *addRun) addCertificates(ctx context.Context, k *key.Private, text []byte, comment, name string) {
	if blob := keyfile.CertificateIn(text); blob != nil {
		id, before, err := certificateEnd(blob)
		r.addCertificate(ctx, k, foundCertificate{name, blob, id, before}, err, comment)
	}
	path := name + "-cert.pub"
	blob, id, before, err := readCertificate(path)
	if !errors.Is(err, fs.ErrNotExist) {
		r.addCertificate(ctx, k, foundCertificate{path, blob, id, before}, err, comment)
	}
}

// A foundCertificate is one with the file that it is in.
type foundCertificate struct {
	path   string
	blob   []byte
	id     string
	before certTime
}

// addCertificate takes the error that reading it gave, too.
func (r *addRun) addCertificate(ctx context.Context, k *key.Private, c foundCertificate, err error, comment string) {
	if err != nil {
		r.say("Failed to load certificate \"%s\": %s", c.path, keyTrouble(err))
		return
	}
	if plain, _, err := agent.Plain(c.blob); err != nil || !key.Equal(plain, k.Public()) {
		r.say("Certificate %s does not match private key %s", c.path, strings.TrimSuffix(c.path, "-cert.pub"))
		return
	}
	added := r.constrained(k, comment)
	added.Certificate = c.blob
	if !r.noExpiry && c.before != 0 {
		left := time.Until(c.before.Time()) + certGrace
		if left <= 0 {
			r.say("Certificate %s has already expired; ignored", c.path)
			return
		}
		if left = left.Truncate(time.Second) + time.Second; added.Lifetime == 0 || left < added.Lifetime {
			added.Lifetime = left
		}
	}
	if err := r.agent.Add(ctx, added); err != nil {
		r.say("Certificate %s (%s) add failed: %s", c.path, term.Printable(c.id), agentTrouble(err))
		return
	}
	r.tellAdded("Certificate", c.path, c.id, added.Lifetime)
}

// agentTrouble says in OpenSSH's words what an agent answered.
func agentTrouble(err error) string {
	switch {
	case errors.Is(err, agent.ErrFailure):
		return "agent refused operation"
	case errors.Is(err, agent.ErrMalformed):
		return "invalid format"
	case errors.Is(err, os.ErrClosed), errors.Is(err, agent.ErrClosed), errors.Is(err, io.ErrUnexpectedEOF):
		return "communication with agent failed"
	}
	return door.Sentence(err)
}
