package applet

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// plinkTries is how often plink asks for a password: the server ends it before.
const plinkTries = 100

// methods implements [manner]: PuTTY's order.
func (p *plinkRun) methods() ([]auth.ClientMethod, error) {
	list := []auth.ClientMethod{auth.PublicKeys(p.named, p.agentKeys, p.fileKeys)}
	if p.on("AuthKI", true) {
		list = append(list, auth.KeyboardInteractive(p.answers, plinkTries))
	}
	if err := p.settleUser(context.Background()); err != nil {
		return nil, err
	}
	return append(list, auth.Password(p.password, plinkTries)), nil
}

// settleUser asks who logs in where nobody said.
func (p *plinkRun) settleUser(ctx context.Context) error {
	if p.text("UserName") != "" || p.usualUser() {
		return nil
	}
	name, err := p.secret(ctx, "login as: ", true)
	if err != nil {
		return err
	}
	p.ssh.conf.User, p.hasUser = name, true
	return nil
}

// named says who logs in, before anything is tried.
func (p *plinkRun) named(context.Context) ([]auth.Identity, error) {
	if p.chatty() && !p.hasUser {
		p.note("Using username \"%s\".", term.Printable(p.ssh.conf.User))
		p.hasUser = true
	}
	return nil, nil
}

// A plinkFile is the key file of a session: a private key, or a public one that
// chooses a key of the agent's.
type plinkFile struct {
	path      string
	text      []byte
	public    key.Public
	encrypted bool
	half      bool // there is the public key alone
	why       string
}

// keyFile reads the session's key file; nil where there is none.
func (p *plinkRun) keyFile() *plinkFile {
	path := p.text("PublicKeyFile")
	if path == "" {
		return nil
	}
	p.ssh.say(config.LogDebug1, "Reading key file \"%s\"", path)
	f := &plinkFile{path: path}
	var err error
	if f.text, err = door.ReadCapped(path); err != nil {
		f.why = "unable to open file"
		return f
	}
	if f.public, f.encrypted, err = keyfile.ParsePublicOf(f.text); f.encrypted || err == nil {
		return f
	}
	if k, _, _, perr := keyfile.ParsePublic(f.text); perr == nil {
		p.ssh.say(config.LogDebug1, "Key file contains public key only")
		f.public, f.half = k, true
		return f
	}
	f.why = "not a recognised key file format"
	var unsupported *keyfile.UnsupportedError
	if errors.As(err, &unsupported) {
		f.why = unsupported.Error()
	}
	return f
}

// sshKeys is ssh's way to the keys, told what the session says: its file's key
// alone, or all that the agent has.
func (p *plinkRun) sshKeys(f *plinkFile) *sshKeys {
	c := p.ssh.conf
	k := &sshKeys{run: p.ssh}
	if f != nil && f.public != nil {
		k.files, c.IdentitiesOnly = []string{f.path}, true
	}
	if path := p.text("DetachedCertificate"); path != "" {
		c.CertificateFile = []string{path}
		k.certs = p.certificate(path)
	}
	return k
}

func (p *plinkRun) certificate(path string) []certFile {
	if c := readCertFile(path); c != nil {
		return []certFile{*c}
	}
	why := "not a recognised key file format"
	text, err := door.ReadCapped(path)
	if err != nil {
		why = "unable to open file"
	} else if k, _, err := cert.ParseFile(text); err == nil {
		why = "key type '" + k.Type() + "' is not a certificate"
	}
	p.note("Unable to use certificate file \"%s\" (%s)", term.Printable(path), why)
	return nil
}

func (p *plinkRun) agentKeys(ctx context.Context) ([]auth.Identity, error) {
	f := p.keyFile()
	if f != nil && f.why != "" {
		p.note("Unable to use key file \"%s\" (%s)", term.Printable(f.path), f.why)
	}
	k := p.sshKeys(f)
	p.ids = &plinkIdentities{f, k}
	list, err := k.ofAgent(ctx)
	if len(list) > 0 {
		p.ssh.say(config.LogDebug1, "Pageant is running: %d of its keys are tried.", len(list))
	}
	return p.attested(list), err
}

// plinkIdentities are what the keys of the agent leave to be tried.
type plinkIdentities struct {
	file *plinkFile
	keys *sshKeys
}

// fileKeys is the key of the file, after those of the agent.
func (p *plinkRun) fileKeys(ctx context.Context) ([]auth.Identity, error) {
	if p.ids == nil || p.ids.file == nil || p.ids.file.half || p.ids.file.why != "" {
		return nil, nil
	}
	f, k := p.ids.file, p.ids.keys
	locked := &plinkKey{p: p, file: f}
	if f.public == nil { // it is encrypted and hides even that
		if err := locked.unlock(ctx); err != nil {
			p.stop = err
			return nil, err
		}
		f.public = locked.open.Public()
	}
	id := auth.Identity{Signer: locked, Source: f.path}
	explicit, beside := k.certificatesFor(f.path, f.public)
	list := append(k.fresh(withCertificates(explicit, id)), k.fresh(withCertificates(beside, id))...)
	return p.attested(append(list, k.fresh([]auth.Identity{id})...)), nil
}

// attested notes when a key signs: the login proves something then.
func (p *plinkRun) attested(list []auth.Identity) []auth.Identity {
	for i := range list {
		list[i].Signer = &attesting{list[i].Signer, p}
		list[i].Direct = false
	}
	return list
}

type attesting struct {
	key.Signer
	p *plinkRun
}

// Sign implements key.Signer.
func (a *attesting) Sign(ctx context.Context, algorithm string, data []byte) ([]byte, error) {
	a.p.proven = true
	return a.Signer.Sign(ctx, algorithm, data)
}

// A plinkKey is the key of a file, whose passphrase is asked for when it has to
// sign.
type plinkKey struct {
	p    *plinkRun
	file *plinkFile
	open *key.Private
}

// Public implements key.Signer.
func (k *plinkKey) Public() key.Public { return k.file.public }

// Sign implements key.Signer.
func (k *plinkKey) Sign(ctx context.Context, algorithm string, data []byte) ([]byte, error) {
	if err := k.unlock(ctx); err != nil {
		k.p.stop = err
		return nil, err
	}
	return k.open.Sign(ctx, algorithm, data)
}

// unlock asks until the passphrase is right. The file's text is kept for that.
func (k *plinkKey) unlock(ctx context.Context) error {
	for tries := 0; k.open == nil; tries++ {
		open, _, err := keyfile.ParsePrivate(bytes.Clone(k.file.text), func() ([]byte, error) { return k.passphrase(ctx) })
		var wrong *keyfile.PassphraseError
		switch {
		case err == nil:
			k.open = open
		case errors.As(err, &wrong) && tries < plinkTries:
			k.p.note("Wrong passphrase")
		case errors.Is(err, errAbandoned) || errors.Is(err, plinkNoPrompt):
			return err
		default:
			return plinkFatal(fmt.Sprintf("Unable to use key file \"%s\" (%s)", k.file.path, err))
		}
	}
	return nil
}

func (k *plinkKey) passphrase(ctx context.Context) ([]byte, error) {
	comment := k.file.path
	if _, text, _, err := keyfile.Shown(k.file.text); err == nil && text != "" {
		comment = text
	}
	text, err := k.p.secret(ctx, fmt.Sprintf("Passphrase for key \"%s\": ", term.Printable(comment)), false)
	return []byte(text), err
}

// password is -pw once, then the person.
func (p *plinkRun) password(ctx context.Context) (string, error) {
	if p.stop != nil {
		return "", p.stop
	}
	text, err, given := p.given()
	if !given {
		text, err = p.secret(ctx, fmt.Sprintf("%s@%s's password: ", term.Printable(p.ssh.conf.User), term.Printable(p.host)), false)
	}
	p.answered = err == nil
	p.proven = p.proven || p.answered
	return text, err
}

// given is -pw's password, which counts once.
func (p *plinkRun) given() (text string, err error, given bool) {
	switch {
	case p.line.password == nil:
		return "", nil, false
	case p.spent:
		return "", plinkFatal("Configured password was not accepted"), true
	}
	p.spent = true
	return *p.line.password, nil, true
}

// answers puts the server's questions.
func (p *plinkRun) answers(ctx context.Context, name, instruction string, prompts []auth.Prompt) ([]string, error) {
	if p.stop != nil {
		return nil, p.stop
	}
	if len(prompts) == 0 && name == "" && instruction == "" {
		return nil, nil
	}
	p.fromServer("Keyboard-interactive authentication prompts from server:", paragraph(name)+paragraph(instruction), "")
	var list []string
	for _, q := range prompts {
		answer, err := p.answer(ctx, q, len(prompts) == 1)
		if err != nil {
			return nil, err
		}
		p.proven, p.answered = true, true
		list = append(list, answer)
	}
	p.note("%s", p.rule("End of keyboard-interactive prompts from server"))
	return list, nil
}

func paragraph(text string) string {
	if text == "" {
		return ""
	}
	return text + "\n"
}

func (p *plinkRun) answer(ctx context.Context, q auth.Prompt, alone bool) (string, error) {
	if alone && !q.Echo {
		if text, err, given := p.given(); given {
			return text, err
		}
	}
	return p.secret(ctx, "| "+plainText(q.Text), q.Echo)
}
