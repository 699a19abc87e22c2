package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// errInvalidFormat is what OpenSSH says of a file that it can't read.
var errInvalidFormat = errors.New("invalid format")

// tildePath replaces a leading ~/ by the home.
func tildePath(path string) string {
	rest, ok := strings.CutPrefix(path, "~/")
	if !ok {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	return filepath.Join(home, rest)
}

// shownPublicKey reads a public key or a certificate: from the file itself, which
// may be a private key that shows its public half, or from the .pub beside it.
func loadPublicKey(path string) (key.Public, string, error) {
	text, err := door.ReadCapped(path)
	if err == nil {
		if k, comment, err := publicOf(text); err == nil {
			return k, comment, nil
		}
	}
	if beside, err := door.ReadCapped(path + ".pub"); err == nil {
		if k, comment, err := cert.ParseFile(beside); err == nil {
			return k, comment, nil
		}
	}
	if err == nil {
		err = errInvalidFormat
	}
	return nil, "", err
}

func publicOf(text []byte) (key.Public, string, error) {
	if k, comment, err := cert.ParseFile(text); err == nil {
		return k, comment, nil
	}
	defer clear(text)
	k, comment, _, err := keyfile.Shown(text)
	return k, comment, err
}

// openPrivateKey reads a private key, with the passphrase of -P or one that is
// asked for. Its errors end the run.
func (k *keygen) openPrivateKey(ctx context.Context, path string) (*key.Private, error) {
	private, _, err := keyfile.Load(path, nil)
	var locked *keyfile.PassphraseError
	if errors.As(err, &locked) {
		private, _, err = keyfile.Load(path, func() ([]byte, error) { return k.askPassphrase(ctx) })
	}
	var open *keyfile.PermissionsError
	if errors.As(err, &open) {
		return nil, fatalf("%sLoad key \"%s\": bad permissions", open.Warning(), term.Printable(path))
	}
	if errors.As(err, &locked) {
		return nil, fatalf("Load key \"%s\": incorrect passphrase supplied to decrypt private key", term.Printable(path))
	}
	if err != nil {
		return nil, fatalf("Load key \"%s\": %s", term.Printable(path), door.Because(err))
	}
	return private, nil
}

func (k *keygen) askPassphrase(ctx context.Context) ([]byte, error) {
	if k.oldPass != nil {
		return []byte(*k.oldPass), nil
	}
	return term.ReadPassword(ctx, "Enter passphrase: ")
}

var errNoAgent = errors.New("agent not present")

// dialAgent reaches the agent of SSH_AUTH_SOCK.
func (k *keygen) dialAgent(ctx context.Context) (*agent.Client, error) {
	socket := k.AuthSocket()
	if socket == "" {
		return nil, errNoAgent
	}
	return agent.Dial(ctx, socket)
}

// agentSigner finds a key, or the key of a certificate, in an agent; nil when it
// has none.
func agentSigner(ctx context.Context, c *agent.Client, k key.Public) (key.Signer, error) {
	list, err := c.List(ctx)
	if err != nil {
		return nil, err
	}
	plain := cert.PlainKey(k)
	for _, id := range list {
		if bytes.Equal(id.Blob, plain.Blob()) {
			return certified(c.Signer(id), k)
		}
	}
	for _, id := range list {
		if bytes.Equal(id.Blob, k.Blob()) { // a certificate without its plain key
			id.Key = plain
			return certified(c.Signer(id), k)
		}
	}
	return nil, nil
}

// certified shows k, where that is a certificate, for a signer of its key.
func certified(s key.Signer, k key.Public) (key.Signer, error) {
	c, ok := k.(*cert.Certificate)
	if !ok {
		return s, nil
	}
	return cert.NewSigner(c, s)
}

// confirmOverwrite asks before a file is lost.
func (k *keygen) confirmOverwrite(path string) bool {
	if _, err := os.Stat(path); err != nil {
		return true
	}
	fmt.Fprintf(k.Stdout, "%s already exists.\nOverwrite (y/n)? ", term.Printable(path))
	var answer [1]byte
	n, _ := k.Stdin.Read(answer[:])
	return n == 1 && (answer[0] == 'y' || answer[0] == 'Y')
}
