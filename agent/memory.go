package agent

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// Memory is a Keyring in this process. Its zero value is an empty one. All
// methods are safe for concurrent use; set its fields before the first.
//
// Private keys are held encrypted, under the hash of 16 KiB of random bytes that
// are in locked memory, and are opened for one signature at a time: what reads
// the process's memory by a side channel must get all of it right at once.
type Memory struct {
	// Confirm asks the user whether a key may be used; purpose says what for,
	// where that is known. Without it keys that demand it are refused.
	Confirm func(ctx context.Context, id Identity, purpose string) bool
	// HostCertificate judges hosts' certificates where a key is held to
	// destinations. Without it certificates are no proof.
	HostCertificate HostCertificate
	// Lifetime is for keys that come without one; 0: for ever.
	Lifetime time.Duration
	// Scrub has the collector free what a key leaves behind soon after it was
	// used, for a process whose collector overwrites what it frees
	// (GODEBUG=clobberfree=1).
	Scrub bool

	mu       sync.Mutex
	keys     []heldKey
	lock     lock
	reaper   *time.Timer
	scrubber *time.Timer
	rounds   int // of collecting that are left
	guessing sync.Mutex
}

type heldKey struct {
	id           Identity
	plain        key.Public // id's, or the one in its certificate
	sealed       []byte
	expires      time.Time // zero: never
	confirm      bool
	destinations []Destination
}

var (
	_ Keyring = (*Memory)(nil)
	_ Locker  = (*Memory)(nil)
)

var errNoKey = errors.New("agent holds no such key")

// expire forgets what is past its time, and sees to it that this is called
// again. The caller has the lock.
func (m *Memory) expire() {
	now := time.Now()
	var next time.Time
	m.keys = slices.DeleteFunc(m.keys, func(k heldKey) bool {
		if !k.expires.IsZero() && !now.Before(k.expires) {
			clear(k.sealed)
			return true
		}
		if !k.expires.IsZero() && (next.IsZero() || k.expires.Before(next)) {
			next = k.expires
		}
		return false
	})
	if m.reaper != nil {
		m.reaper.Stop()
	}
	if !next.IsZero() {
		m.reaper = time.AfterFunc(next.Sub(now), func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.expire()
		})
	}
}

// index returns the place of a key, or -1. The caller has the lock.
func (m *Memory) index(blob []byte) int {
	return slices.IndexFunc(m.keys, func(k heldKey) bool { return k.alive() && bytes.Equal(k.id.Blob, blob) })
}

// List implements [Keyring].
func (m *Memory) List(ctx context.Context) ([]Identity, error) {
	p := PeerOf(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lock.locked {
		return nil, nil
	}
	list := make([]Identity, 0, len(m.keys))
	for _, k := range m.keys {
		if k.alive() && p.permits(k.destinations, "", m.HostCertificate) {
			list = append(list, k.id)
		}
	}
	return list, nil
}

func (k *heldKey) alive() bool { return k.expires.IsZero() || time.Now().Before(k.expires) }

// Sign implements [Keyring]. It doesn't hold the others up while it asks the
// user or computes.
func (m *Memory) Sign(ctx context.Context, blob, data []byte, flags uint32) ([]byte, error) {
	k, err := m.held(blob)
	if err != nil {
		return nil, err
	}
	defer clear(k.sealed)
	defer m.scrub()
	algorithm, err := algorithmOf(k.plain, flags)
	if err != nil {
		return nil, err
	}
	purpose := ""
	if len(k.destinations) > 0 {
		user, err := PeerOf(ctx).login(k.destinations, blob, data, m.HostCertificate)
		if err != nil {
			return nil, err
		}
		purpose = fmt.Sprintf("public key authentication request for user %q to listed host", user)
	}
	if k.confirm && !m.Confirm(ctx, k.id, purpose) {
		return nil, errors.New("user refused the use of the key")
	}
	var signature []byte
	err = theVault().open(k.sealed, func(secret []byte) error {
		signature, err = signOnce(ctx, k.plain.Type(), secret, algorithm, data)
		return err
	})
	return signature, err
}

// held returns a copy of a key.
func (m *Memory) held(blob []byte) (heldKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lock.locked {
		return heldKey{}, errLocked
	}
	i := m.index(blob)
	if i < 0 {
		return heldKey{}, errNoKey
	}
	k := m.keys[i]
	k.sealed = bytes.Clone(k.sealed)
	return k, nil
}

// openKey is sealKey's other half. An Ed25519 key is held as it is used: that
// its halves belong together has been checked once, at the cost of a signature.
func openKey(typ string, secret []byte) (*key.Private, error) {
	if typ == key.TypeEd25519 {
		return key.NewPrivate(ed25519.PrivateKey(bytes.Clone(secret)))
	}
	r := wire.NewReader(secret)
	return key.ReadPrivate(&r)
}

// signOnce reads a private key, signs with it and wipes it.
func signOnce(ctx context.Context, typ string, secret []byte, algorithm string, data []byte) ([]byte, error) {
	k, err := openKey(typ, secret)
	if err != nil {
		return nil, err
	}
	defer wipe(k)
	return k.Sign(ctx, algorithm, data)
}

func algorithmOf(k key.Public, flags uint32) (string, error) {
	if flags&^(FlagRSASHA256|FlagRSASHA512) != 0 {
		return "", fmt.Errorf("signature flags %#x are unknown", flags)
	}
	switch {
	case k.Type() != key.TypeRSA:
		return k.Algorithms()[0], nil
	case flags&FlagRSASHA256 != 0: // OpenSSH looks at it first
		return key.AlgRSASHA256, nil
	case flags&FlagRSASHA512 != 0:
		return key.AlgRSASHA512, nil
	}
	return key.AlgRSASHA1, nil
}

// Add implements [Keyring]. A key that is there already gets the new comment
// and constraints. The private key stays the caller's.
func (m *Memory) Add(ctx context.Context, k AddedKey) error {
	if k.Private == nil {
		return errors.New("no private key was given")
	}
	if k.Confirm && m.Confirm == nil {
		return errors.New("there is nobody to confirm the use of the key")
	}
	if _, ok := k.Private.Crypto().(*key.SKPrivate); ok || k.Provider != "" {
		return errors.New("keys of security keys are not served")
	}
	held, err := hold(k)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lock.locked {
		return errLocked
	}
	at, err := m.place(PeerOf(ctx), held.id.Blob)
	if err != nil {
		return err
	}
	if held.sealed, err = sealKey(k.Private); err != nil {
		return err
	}
	if life := cmp.Or(k.Lifetime, m.Lifetime); life > 0 {
		held.expires = time.Now().Add(life)
	}
	if at < len(m.keys) {
		clear(m.keys[at].sealed)
		m.keys[at] = held
	} else {
		m.keys = append(m.keys, held)
	}
	m.expire()
	m.scrubSoon()
	return nil
}

// place returns where a key goes: to its old place, or behind the others. The
// caller has the lock.
func (m *Memory) place(p *Peer, blob []byte) (int, error) {
	i := m.index(blob)
	switch {
	case i >= 0 && !p.permits(m.keys[i].destinations, "", m.HostCertificate):
		return 0, errNoKey // it isn't seen from there, and not changed
	case i >= 0:
		return i, nil
	case len(m.keys) >= MaxIdentities:
		return 0, fmt.Errorf("agent holds %d keys already", MaxIdentities)
	}
	return len(m.keys), nil
}

func sealKey(k *key.Private) ([]byte, error) {
	if raw, ok := k.Crypto().(ed25519.PrivateKey); ok {
		return theVault().seal(raw)
	}
	// Room for the largest, so that no half of it stays behind in append.
	secret, err := key.AppendPrivate(make([]byte, 0, maxSecret), k)
	defer clear(secret)
	if err != nil {
		return nil, err
	}
	return theVault().seal(secret)
}

// hold makes what is kept of a key, all but the secret.
func hold(k AddedKey) (heldKey, error) {
	public := k.Private.Public()
	held := heldKey{
		id: Identity{public, public.Blob(), k.Comment}, plain: public,
		confirm: k.Confirm, destinations: k.Destinations,
	}
	if k.Certificate == nil {
		return held, nil
	}
	plain, certificate, err := Plain(k.Certificate)
	if err == nil && (!certificate || !key.Equal(plain, public)) {
		err = errors.New("certificate is for another key")
	}
	held.id = Identity{nil, k.Certificate, k.Comment}
	return held, err
}

// Remove implements [Keyring].
func (m *Memory) Remove(ctx context.Context, blob []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lock.locked {
		return errLocked
	}
	i := m.index(blob)
	if i < 0 || !PeerOf(ctx).permits(m.keys[i].destinations, "", m.HostCertificate) {
		return errNoKey
	}
	clear(m.keys[i].sealed)
	m.keys = slices.Delete(m.keys, i, i+1)
	return nil
}

// RemoveAll implements [Keyring].
func (m *Memory) RemoveAll(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lock.locked {
		return errLocked
	}
	m.drop()
	return nil
}

// Drop forgets all keys, of a locked agent too.
func (m *Memory) Drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop()
}

func (m *Memory) drop() {
	for _, k := range m.keys {
		clear(k.sealed)
	}
	m.keys = nil
	m.expire()
}
