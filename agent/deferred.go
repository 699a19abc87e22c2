package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/wire"
)

// Extensions of PuTTY's agent (pageant.c), and what follows
// their names.
const (
	ExtAddPPK       = "add-ppk@putty.projects.tartarus.org"       // string file
	ExtReencrypt    = "reencrypt@putty.projects.tartarus.org"     // string blob
	ExtReencryptAll = "reencrypt-all@putty.projects.tartarus.org" // answer: uint32 keys that stay open
	ExtListExtended = "list-extended@putty.projects.tartarus.org" // answer: uint32 count, then for each string blob, comment, string{uint32 flags}
)

// Flags of a key in the answer to [ExtListExtended].
const (
	FlagHasFile    uint32 = 1 // it can be closed again
	FlagOnlyClosed uint32 = 2 // it is closed
)

// A Deferred is a Keyring that also holds key files which are still encrypted:
// the passphrase is asked for when such a key is first used. All methods are safe
// for concurrent use; set its fields before the first.
type Deferred struct {
	*Memory
	// Passphrase asks for the passphrase of a key; again tells that the last
	// one was wrong.
	Passphrase func(ctx context.Context, comment string, again bool) ([]byte, error)

	files  sync.Mutex
	closed []closedKey
	asking sync.Mutex // one question at a time
}

type closedKey struct {
	blob    []byte
	comment string
	text    []byte // the file
}

var (
	_ Keyring  = (*Deferred)(nil)
	_ Locker   = (*Deferred)(nil)
	_ Extender = (*Deferred)(nil)
)

// ppkExtension answers one of PuTTY's extensions.
type ppkExtension struct {
	name   string
	answer func(d *Deferred, ctx context.Context, r *wire.Reader) ([]byte, error)
}

var ppkExtensions = [...]ppkExtension{
	{ExtAddPPK, (*Deferred).addFile},
	{ExtReencrypt, (*Deferred).reencrypt},
	{ExtReencryptAll, (*Deferred).reencryptAll},
	{ExtListExtended, (*Deferred).listExtended},
}

// Extensions implements [Extender].
func (d *Deferred) Extensions() []string {
	names := make([]string, len(ppkExtensions))
	for i := range ppkExtensions {
		names[i] = ppkExtensions[i].name
	}
	return names
}

// Extension implements [Extender].
func (d *Deferred) Extension(ctx context.Context, name string, body []byte) ([]byte, error) {
	for i := range ppkExtensions {
		if ppkExtensions[i].name == name {
			r := wire.NewReader(body)
			return ppkExtensions[i].answer(d, ctx, &r)
		}
	}
	return nil, errExtension
}

// file returns the closed key with a blob.
func (d *Deferred) file(blob []byte) (closedKey, bool) {
	d.files.Lock()
	defer d.files.Unlock()
	i := slices.IndexFunc(d.closed, func(c closedKey) bool { return bytes.Equal(c.blob, blob) })
	if i < 0 {
		return closedKey{}, false
	}
	return d.closed[i], true
}

// List implements [Keyring], in the order of the blobs, as PuTTY has it.
func (d *Deferred) List(ctx context.Context) ([]Identity, error) {
	list, err := d.Memory.List(ctx)
	if err != nil || d.Locked() {
		return list, err
	}
	d.files.Lock()
	defer d.files.Unlock()
	for _, c := range d.closed {
		if !slices.ContainsFunc(list, func(id Identity) bool { return bytes.Equal(id.Blob, c.blob) }) {
			list = append(list, Identity{nil, c.blob, c.comment})
		}
	}
	slices.SortFunc(list, func(a, b Identity) int { return bytes.Compare(a.Blob, b.Blob) })
	return list, nil
}

// Sign implements [Keyring]. It asks for a passphrase where the key is closed.
func (d *Deferred) Sign(ctx context.Context, blob, data []byte, flags uint32) ([]byte, error) {
	signature, err := d.Memory.Sign(ctx, blob, data, flags)
	if !errors.Is(err, errNoKey) {
		return signature, err
	}
	c, ok := d.file(blob)
	if !ok {
		return nil, err
	}
	if err := d.open(ctx, c); err != nil {
		return nil, err
	}
	return d.Memory.Sign(ctx, blob, data, flags)
}

// passphrases is how often a passphrase is asked for.
const passphrases = 3

func (d *Deferred) open(ctx context.Context, c closedKey) error {
	d.asking.Lock()
	defer d.asking.Unlock()
	d.mu.Lock()
	known := d.index(c.blob) >= 0
	d.mu.Unlock()
	if known { // somebody else was asked meanwhile
		return nil
	}
	if d.Passphrase == nil {
		return errors.New("key is encrypted, and there is nobody to ask for the passphrase")
	}
	for try := range passphrases {
		passphrase, err := d.Passphrase(ctx, c.comment, try > 0)
		if err != nil {
			return err
		}
		err = d.openWith(ctx, c, passphrase)
		clear(passphrase)
		var wrong *keyfile.PassphraseError
		if !errors.As(err, &wrong) {
			return err
		}
	}
	return fmt.Errorf("passphrase was wrong %d times", passphrases)
}

func (d *Deferred) openWith(ctx context.Context, c closedKey, passphrase []byte) error {
	f, err := keyfile.ParsePPK(c.text)
	if err != nil {
		return err
	}
	k, err := f.Open(passphrase)
	if err != nil {
		return err
	}
	defer wipe(k)
	added := AddedKey{Private: k, Comment: c.comment}
	if _, certificate, err := Plain(c.blob); err == nil && certificate {
		added.Certificate = c.blob
	}
	return d.Memory.Add(ctx, added)
}

// Remove implements [Keyring].
func (d *Deferred) Remove(ctx context.Context, blob []byte) error {
	if d.Locked() {
		return errLocked
	}
	err := d.Memory.Remove(ctx, blob)
	d.files.Lock()
	defer d.files.Unlock()
	before := len(d.closed)
	d.closed = slices.DeleteFunc(d.closed, func(c closedKey) bool { return bytes.Equal(c.blob, blob) })
	if len(d.closed) < before {
		return nil
	}
	return err
}

// RemoveAll implements [Keyring].
func (d *Deferred) RemoveAll(ctx context.Context) error {
	if err := d.Memory.RemoveAll(ctx); err != nil {
		return err
	}
	d.files.Lock()
	defer d.files.Unlock()
	d.closed = nil
	return nil
}

// AddFile takes a PuTTY key file, closed where it is encrypted.
func (d *Deferred) AddFile(ctx context.Context, text []byte) error {
	f, err := keyfile.ParsePPK(text)
	if err != nil {
		return err
	}
	c := closedKey{bytes.Clone(f.Public), f.Comment, bytes.Clone(text)}
	if !f.Encrypted() {
		defer clear(c.text)
		return d.openWith(ctx, c, nil)
	}
	if _, _, err := Plain(c.blob); err != nil {
		return err
	}
	d.files.Lock()
	defer d.files.Unlock()
	if len(d.closed) >= MaxIdentities {
		return fmt.Errorf("agent holds %d files already", MaxIdentities)
	}
	d.closed = slices.DeleteFunc(d.closed, func(other closedKey) bool { return bytes.Equal(other.blob, c.blob) })
	d.closed = append(d.closed, c)
	return nil
}

func (d *Deferred) addFile(ctx context.Context, r *wire.Reader) ([]byte, error) {
	text := r.Bytes()
	if err := r.End(); err != nil {
		return nil, err
	}
	return nil, d.AddFile(ctx, text)
}

func (d *Deferred) reencrypt(ctx context.Context, r *wire.Reader) ([]byte, error) {
	blob := r.Bytes()
	if err := r.End(); err != nil {
		return nil, err
	}
	if _, ok := d.file(blob); !ok {
		return nil, errors.New("key has no encrypted file")
	}
	if err := d.Memory.Remove(ctx, blob); err != nil && !errors.Is(err, errNoKey) {
		return nil, err
	}
	return nil, nil
}

// reencryptAll fails only where it could do nothing of what was asked.
func (d *Deferred) reencryptAll(ctx context.Context, r *wire.Reader) ([]byte, error) {
	if err := r.End(); err != nil {
		return nil, err
	}
	list, err := d.List(ctx)
	if err != nil {
		return nil, err
	}
	open := 0
	for _, id := range list {
		if _, ok := d.file(id.Blob); !ok {
			open++
			continue
		}
		if err := d.Memory.Remove(ctx, id.Blob); err != nil && !errors.Is(err, errNoKey) {
			return nil, err
		}
	}
	if open > 0 && open == len(list) {
		return nil, errors.New("no key has an encrypted file")
	}
	return wire.AppendUint32(nil, uint32(open)), nil
}

func (d *Deferred) listExtended(ctx context.Context, r *wire.Reader) ([]byte, error) {
	if err := r.End(); err != nil {
		return nil, err
	}
	list, err := d.List(ctx)
	if err != nil {
		return nil, err
	}
	b := wire.AppendUint32(nil, uint32(len(list)))
	for _, id := range list {
		b = wire.AppendString(b, id.Blob)
		b = wire.AppendString(b, id.Comment)
		b = wire.AppendString(b, wire.AppendUint32(nil, d.flags(id.Blob)))
	}
	return b, nil
}

func (d *Deferred) flags(blob []byte) (flags uint32) {
	if _, ok := d.file(blob); !ok {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.index(blob) < 0 {
		return FlagHasFile | FlagOnlyClosed
	}
	return FlagHasFile
}

// An ExtendedIdentity is a key with what PuTTY's agent knows of it.
type ExtendedIdentity struct {
	Identity
	Flags uint32
}

// ListExtended lists a PuTTY agent's keys; of any other agent the flags are 0.
func (c *Client) ListExtended(ctx context.Context) ([]ExtendedIdentity, error) {
	body, err := c.Extension(ctx, ExtListExtended, nil)
	if errors.Is(err, ErrFailure) {
		plain, err := c.List(ctx)
		list := make([]ExtendedIdentity, len(plain))
		for i, id := range plain {
			list[i].Identity = id
		}
		return list, err
	}
	if err != nil {
		return nil, err
	}
	r := wire.NewReader(body)
	n := r.Uint32()
	if n > MaxIdentities {
		return nil, fmt.Errorf("%w: it lists %d keys", ErrMalformed, n)
	}
	var list []ExtendedIdentity
	for range n {
		id := ExtendedIdentity{Identity: Identity{Blob: r.Bytes(), Comment: r.String()}}
		flags := wire.NewReader(r.Bytes())
		id.Flags = flags.Uint32()
		if err := errors.Join(r.Err(), flags.Err()); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		id.Key, _, _ = Plain(id.Blob)
		list = append(list, id)
	}
	return list, nil
}
