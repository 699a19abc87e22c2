package agents

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/putty"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/wire"
)

// client does what the options say with an agent that is there.
func (r *pageantRun) client(ctx context.Context) int {
	socket := r.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		socket = pageantSocket
	}
	c, err := agent.Dial(ctx, socket)
	if err != nil {
		r.Errorf("pageant: no agent running to talk to")
		return 1
	}
	defer c.Close()
	r.agent = c
	for _, a := range r.actions {
		r.do(ctx, a)
	}
	if r.failed {
		return 1
	}
	return 0
}

func (r *pageantRun) fail(doing string, err error) {
	text := term.Printable(err.Error())
	if errors.Is(err, agent.ErrFailure) {
		text = "agent refused the operation"
	}
	r.Errorf("pageant: %s: %s", doing, text)
	r.failed = true
}

// pageantActions are what a client can do.
func (r *pageantRun) do(ctx context.Context, a pageantAction) {
	doing, err := a.arg, error(nil)
	switch a.what {
	case 'a', 'A':
		err = r.addFile(ctx, a.arg, a.what == 'A', r.addKey, r.sendFile)
	case 'l':
		doing, err = "listing keys", r.list(ctx)
	case 'D':
		doing, err = "deleting all keys", r.agent.RemoveAll(ctx)
	case 'R':
		doing, err = "re-encrypting all keys", r.reencryptAll(ctx)
	case 'd':
		doing = "deleting key '" + a.arg + "'"
		err = r.withKey(ctx, a.arg, func(id agent.ExtendedIdentity) error { return r.agent.Remove(ctx, id.Blob) })
	case 'r':
		doing = "re-encrypting key '" + a.arg + "'"
		err = r.withKey(ctx, a.arg, func(id agent.ExtendedIdentity) error {
			_, err := r.agent.Extension(ctx, agent.ExtReencrypt, wire.AppendString(nil, id.Blob))
			return err
		})
	case 'p', 'L':
		doing = "finding key '" + a.arg + "'"
		err = r.withKey(ctx, a.arg, func(id agent.ExtendedIdentity) error { return r.printPublic(id, a.what == 'p') })
	case 's':
		doing = "signing with key '" + a.arg + "'"
		err = r.withKey(ctx, a.arg, func(id agent.ExtendedIdentity) error { return r.sign(ctx, id) })
	}
	if err != nil {
		r.fail(doing, err)
	}
}

// addFile loads a key file of any format. One of PuTTY's that is encrypted may
// be left so.
func (r *pageantRun) addFile(ctx context.Context, path string, encrypted bool,
	add func(context.Context, agent.AddedKey) error, send func(context.Context, []byte) error) error {
	text, err := door.ReadCapped(path)
	if err != nil {
		return errors.New("unable to open file: " + door.Sentence(err))
	}
	defer clear(text)
	ppk, _ := keyfile.ParsePPK(text)
	if encrypted && ppk != nil && ppk.Encrypted() {
		return send(ctx, text)
	}
	private, comment, err := r.openFile(ctx, text, path)
	if err != nil || private == nil {
		return err
	}
	added := agent.AddedKey{Private: private, Comment: comment}
	if ppk != nil {
		if _, certificate, err := agent.Plain(ppk.Public); err == nil && certificate {
			added.Certificate = ppk.Public
		}
	}
	return add(ctx, added)
}

// openFile asks for the passphrase until it is right; nil stands for a user who
// gives none.
func (r *pageantRun) openFile(ctx context.Context, text []byte, path string) (*key.Private, string, error) {
	k, comment, err := keyfile.ParsePrivate(text, nil)
	_, shown, _, shownErr := keyfile.Shown(text)
	if shownErr != nil || shown == "" {
		shown = path
	}
	for locked(err) {
		passphrase, askErr := r.ask(ctx, "Enter passphrase to load key '"+term.Printable(shown)+"'")
		if askErr != nil {
			r.Errorf("no way to read a passphrase without tty or X display")
			return nil, "", nil
		}
		k, comment, err = keyfile.ParsePrivate(text, func() ([]byte, error) { return passphrase, nil })
		clear(passphrase)
	}
	if comment == "" {
		comment = path
	}
	return k, comment, err
}

// addKey leaves a key alone that is there: PuTTY's agent refuses it.
func (r *pageantRun) addKey(ctx context.Context, k agent.AddedKey) error {
	blob := k.Certificate
	if blob == nil {
		blob = k.Private.Public().Blob()
	}
	list, err := r.agent.ListExtended(ctx)
	if err != nil {
		return err
	}
	for _, id := range list {
		if string(id.Blob) == string(blob) && id.Flags&agent.FlagOnlyClosed == 0 {
			return nil
		}
	}
	return r.agent.Add(ctx, k)
}

func (r *pageantRun) sendFile(ctx context.Context, text []byte) error {
	b := wire.AppendString(nil, text)
	defer clear(b)
	_, err := r.agent.Extension(ctx, agent.ExtAddPPK, b)
	return err
}

func (r *pageantRun) list(ctx context.Context) error {
	list, err := r.agent.ListExtended(ctx)
	for _, id := range list {
		mode := ""
		switch {
		case id.Flags&agent.FlagOnlyClosed != 0:
			mode = " (encrypted)"
		case id.Flags&agent.FlagHasFile != 0:
			mode = " (re-encryptable)"
		}
		fmt.Fprintf(r.Stdout, "%s %s%s\n", putty.Fingerprint(id.Blob, r.hash), term.Printable(id.Comment), mode)
	}
	return err
}

func (r *pageantRun) reencryptAll(ctx context.Context) error {
	body, err := r.agent.Extension(ctx, agent.ExtReencryptAll, nil)
	if err != nil {
		return err
	}
	b := wire.NewReader(body)
	switch n := b.Uint32(); {
	case n == 1:
		r.Errorf("pageant: re-encrypting all keys: warning: 1 key remains unencrypted")
	case n > 1:
		r.Errorf("pageant: re-encrypting all keys: warning: %d keys remain unencrypted", n)
	}
	return nil
}

// A pageantPrefix says how a key is named.
var pageantPrefixes = [...]struct {
	word               string
	file, comment, any bool // any: of any hash
	hash               putty.Hash
}{
	{word: "file:", file: true}, {word: "comment:", comment: true}, {word: "fp:", any: true}, {word: "fingerprint:", any: true},
	{word: "sha256:", hash: putty.Hash{Hash: keyfile.SHA256}}, {word: "md5:", hash: putty.Hash{Hash: keyfile.MD5}},
	{word: "sha256-cert:", hash: putty.Hash{Hash: keyfile.SHA256, Certificate: true}}, {word: "md5-cert:", hash: putty.Hash{Hash: keyfile.MD5, Certificate: true}},
}

// withKey finds the one key that is meant by a file, a comment or the beginning
// of a fingerprint.
func (r *pageantRun) withKey(ctx context.Context, name string, do func(agent.ExtendedIdentity) error) error {
	list, err := r.agent.ListExtended(ctx)
	if err != nil {
		return err
	}
	var found []agent.ExtendedIdentity
	for _, id := range list {
		file, ok := means(name, id)
		if file {
			id.Comment = "" // PuTTY takes the key from the file, without it
		}
		if ok {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return errors.New("no key matched")
	case 1:
		return do(found[0])
	}
	return errors.New("multiple keys matched")
}

func means(name string, id agent.ExtendedIdentity) (file, ok bool) {
	for _, p := range pageantPrefixes {
		rest, ok := strings.CutPrefix(name, p.word)
		switch {
		case !ok:
		case p.file:
			ok = fileHas(rest, id.Blob)
			return ok, ok
		case p.comment:
			return false, rest == id.Comment
		case p.any:
			return false, anyFingerprint(rest, id.Blob)
		default:
			return false, fingerprintBegins(rest, id.Blob, p.hash)
		}
	}
	if fileHas(name, id.Blob) {
		return true, true
	}
	return false, name == id.Comment || anyFingerprint(name, id.Blob)
}

func fileHas(path string, blob []byte) bool {
	text, err := door.ReadCapped(path)
	if err != nil {
		return false
	}
	defer clear(text)
	if ppk, err := keyfile.ParsePPK(text); err == nil {
		return string(ppk.Public) == string(blob)
	}
	p, err := publicIn(path)
	return err == nil && string(p.blob) == string(blob)
}

func anyFingerprint(name string, blob []byte) bool {
	for _, p := range pageantPrefixes {
		if p.hash.Hash != "" && fingerprintBegins(name, blob, p.hash) {
			return true
		}
	}
	return false
}

// fingerprintBegins needs no case and no colons in MD5, and no prefix in SHA256.
func fingerprintBegins(name string, blob []byte, h putty.Hash) bool {
	text := putty.Fingerprint(blob, h)
	text = text[strings.LastIndexByte(text, ' ')+1:]
	if h.Hash == keyfile.MD5 {
		name, text = strings.ToLower(strings.ReplaceAll(name, ":", "")), strings.ReplaceAll(text, ":", "")
	} else {
		name, text = strings.TrimPrefix(name, "SHA256:"), strings.TrimPrefix(text, "SHA256:")
	}
	return strings.HasPrefix(text, name)
}

func (r *pageantRun) printPublic(id agent.ExtendedIdentity, rfc4716 bool) error {
	name := wire.NewReader(id.Blob)
	text := base64.StdEncoding.EncodeToString(id.Blob)
	if !rfc4716 {
		fmt.Fprintln(r.Stdout, strings.TrimSuffix(name.String()+" "+text+" "+term.Printable(id.Comment), " "))
		return nil
	}
	fmt.Fprintf(r.Stdout, "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"%s\"\n", strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(term.Printable(id.Comment)))
	for ; len(text) > 64; text = text[64:] {
		fmt.Fprintln(r.Stdout, text[:64])
	}
	fmt.Fprintf(r.Stdout, "%s\n---- END SSH2 PUBLIC KEY ----\n", text)
	return nil
}

// sign prints a signature of standard input.
func (r *pageantRun) sign(ctx context.Context, id agent.ExtendedIdentity) error {
	message, err := io.ReadAll(io.LimitReader(r.Stdin, agent.MaxMessage))
	if err != nil {
		return err
	}
	signature, err := r.agent.Sign(ctx, id.Blob, message, r.flags)
	if err == nil {
		_, err = r.Stdout.Write(signature)
	}
	return err
}
