package applet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// sshKeys finds the keys to offer, in OpenSSH's order: keys of the agent that
// are in a file too, the agent's others, the files' others.
type sshKeys struct {
	run     *sshRun
	files   []string
	certs   []certFile // CertificateFile
	offered [][]byte   // blobs that the agent has
}

// method makes the publickey method.
func (r *sshRun) publicKeys() (auth.ClientMethod, error) {
	files, err := r.conf.IdentityFiles()
	if err != nil {
		return nil, err
	}
	r.tellIdentities(files)
	k := &sshKeys{run: r, files: files}
	if k.certs, err = r.certificateFiles(); err != nil {
		return nil, err
	}
	return auth.PublicKeys(k.ofAgent, k.ofFiles), nil
}

func (k *sshKeys) socket() string {
	switch name := k.run.conf.IdentityAgent; name {
	case "":
		return k.run.AuthSocket()
	case "none":
		return ""
	default:
		return name
	}
}

// ofAgent lists the agent's keys.
func (k *sshKeys) ofAgent(ctx context.Context) ([]auth.Identity, error) {
	socket := k.socket()
	if socket == "" {
		return nil, nil
	}
	c, err := agent.Dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	k.run.bindAgent(ctx, c)
	list, err := c.List(ctx)
	if err != nil {
		return nil, err
	}
	wanted := k.publicHalves()
	certificates, first, rest := k.agentCertificates(c, list)
	for _, id := range list {
		if id.Key == nil {
			continue
		}
		i := slices.IndexFunc(wanted, func(half publicHalf) bool { return key.Equal(half.key, id.Key) })
		source := term.Printable(id.Comment) + " agent"
		switch {
		case i >= 0:
			first = append(first, auth.Identity{Signer: c.Signer(id), Source: wanted[i].path + " agent"})
		case !k.run.conf.IdentitiesOnly:
			rest = append(rest, auth.Identity{Signer: c.Signer(id), Source: source})
		default:
			continue
		}
		k.offered = append(k.offered, id.Key.Blob())
	}
	return slices.Concat(certificates, first, rest), nil
}

// A publicHalf is what a file shows without a passphrase.
type publicHalf struct {
	path string
	key  key.Public
}

func (k *sshKeys) publicHalves() []publicHalf {
	var halves []publicHalf
	for _, path := range k.files {
		if public := readPublicHalf(path); public != nil {
			halves = append(halves, publicHalf{path, public})
		}
	}
	return halves
}

// readPublicHalf looks into the .pub beside a key file, and into the file
// itself, which may hold either half.
func readPublicHalf(path string) key.Public {
	if text, err := door.ReadCapped(path + ".pub"); err == nil {
		if k, err := keyfile.ParseAuthorizedKey(door.FirstLine(text)); err == nil {
			return k.Key
		}
	}
	text, err := door.ReadCapped(path)
	if err != nil {
		return nil
	}
	defer clear(text)
	if k, err := keyfile.ParseAuthorizedKey(door.FirstLine(text)); err == nil {
		return k.Key
	}
	public, _, err := keyfile.ParsePublicOf(text)
	if err != nil {
		return nil
	}
	return public
}

// ofFiles reads the key files. A file that can't be used is told about, and the
// next one is taken.
func (k *sshKeys) ofFiles(ctx context.Context) ([]auth.Identity, error) {
	var first, list []auth.Identity
	for _, path := range k.files {
		id, err := k.ofFile(ctx, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			k.run.say(config.LogDebug2, "debug2: There is no key file %s.", path)
		case err != nil:
			k.run.say(config.LogError, "%s", door.Capital(unusable(err)))
		case id != nil:
			explicit, beside := k.certificatesFor(path, id.Signer.Public())
			first = append(first, k.fresh(withCertificates(explicit, *id))...)
			// Who has put a certificate there uses it: it goes first.
			list = append(list, k.fresh(withCertificates(beside, *id))...)
			list = append(list, k.fresh([]auth.Identity{*id})...)
		}
	}
	return append(first, list...), nil
}

// unusable is what is said of a key file: a text that names the file once.
func unusable(err error) string {
	var open *keyfile.PermissionsError
	if errors.As(err, &open) {
		return open.Error() + " (the key is ignored)"
	}
	var load *keyfile.LoadError
	var number syscall.Errno
	if errors.As(err, &load) && errors.As(err, &number) {
		return fmt.Sprintf("load key \"%s\": %s", load.Path, door.Sentence(number))
	}
	return err.Error()
}

func (k *sshKeys) ofFile(ctx context.Context, path string) (*auth.Identity, error) {
	if text, err := door.ReadCapped(path); err == nil {
		if _, err := keyfile.ParseAuthorizedKey(door.FirstLine(text)); err == nil {
			return nil, nil // a public key: it chose one of the agent's
		}
		clear(text)
	}
	text, err := keyfile.ReadPrivate(path)
	if err != nil {
		return nil, err
	}
	public, encrypted, err := keyfile.ParsePublicOf(text)
	if encrypted && public == nil {
		return k.ofOpaque(ctx, path, text)
	}
	if err != nil {
		return nil, &keyfile.LoadError{Path: path, Err: err}
	}
	if encrypted {
		return k.ofLocked(&lockedKey{run: k.run, path: path, text: text, public: public}), nil
	}
	private, comment, err := keyfile.ParsePrivate(text, nil)
	clear(text)
	if err != nil {
		return nil, &keyfile.LoadError{Path: path, Err: err}
	}
	signer := k.remembered(path, private, func() (*key.Private, string) { return private, comment })
	return &auth.Identity{Signer: signer, Source: path, Direct: true}, nil
}

func (k *sshKeys) ofLocked(locked *lockedKey) *auth.Identity {
	signer := k.remembered(locked.path, locked, func() (*key.Private, string) { return locked.open, locked.comment })
	return &auth.Identity{Signer: signer, Source: locked.path}
}

// ofOpaque reads an encrypted file that hides its public half, which PEM does.
// Without a .pub file beside it the passphrase must be asked for at once.
func (k *sshKeys) ofOpaque(ctx context.Context, path string, text []byte) (*auth.Identity, error) {
	locked := &lockedKey{run: k.run, path: path, text: text, public: readPublicHalf(path)}
	if locked.public != nil {
		return k.ofLocked(locked), nil
	}
	private, err := locked.unlock(ctx)
	if err != nil {
		return nil, &keyfile.LoadError{Path: path, Err: err}
	}
	signer := k.remembered(path, private, func() (*key.Private, string) { return private, locked.comment })
	return &auth.Identity{Signer: signer, Source: path, Direct: true}, nil
}

// A lockedKey asks for its passphrase when its signature is needed.
type lockedKey struct {
	run    *sshRun
	path   string
	text   []byte
	public key.Public
	open   *key.Private

	comment string // of the open key
}

func (k *lockedKey) Public() key.Public { return k.public }

// Sign implements key.Signer.
func (k *lockedKey) Sign(ctx context.Context, algorithm string, data []byte) ([]byte, error) {
	if k.open == nil {
		open, err := k.unlock(ctx)
		if err != nil {
			return nil, err
		}
		if !key.Equal(open.Public(), k.public) {
			return nil, fmt.Errorf("key \"%s\" is not the one of the .pub file beside it", k.path)
		}
		k.open = open
	}
	return k.open.Sign(ctx, algorithm, data)
}

func (k *lockedKey) unlock(ctx context.Context) (*key.Private, error) {
	if k.run.conf.BatchMode {
		return nil, errors.New("it is encrypted, and BatchMode forbids to ask for the passphrase")
	}
	prompt := fmt.Sprintf("Enter passphrase for key '%s': ", k.path)
	for range max(k.run.conf.NumberOfPasswordPrompts, 1) {
		secret, err := k.run.ReadSecret(ctx, door.AskTerminal, prompt)
		if errors.Is(err, term.ErrNoTerminal) {
			k.run.say(config.LogError, "Load key \"%s\": it is encrypted, and there is no terminal to ask for the passphrase on; add it to an agent with ssh-add", k.path)
		}
		if err != nil {
			return nil, err
		}
		if len(secret) == 0 {
			return nil, door.ErrNoPassphrase
		}
		private, comment, err := keyfile.ParsePrivate(k.text, func() ([]byte, error) { return secret, nil })
		k.comment = comment
		clear(secret)
		var wrong *keyfile.PassphraseError
		if !errors.As(err, &wrong) {
			return private, err
		}
		k.run.say(config.LogDebug1, "debug1: The passphrase is wrong.")
	}
	k.run.say(config.LogError, "Load key \"%s\": incorrect passphrase supplied to decrypt private key (try again, or check it with: ssh-keygen -y -f '%s')", k.path, k.path)
	return nil, &keyfile.PassphraseError{Wrong: true, Public: k.public}
}
