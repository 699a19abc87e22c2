package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nacre-ssh/nacre/key"
)

// Memory is a Keyring in this process. Its zero value is an empty one. All
// methods are safe for concurrent use; set its fields before the first.
type Memory struct {
	// Confirm asks the user whether a key may be used. Without it keys that
	// demand it are refused.
	Confirm func(ctx context.Context, id Identity) bool

	mu   sync.Mutex
	keys []heldKey
}

type heldKey struct {
	id      Identity
	private *key.Private
	expires time.Time // zero: never
	confirm bool
}

var _ Keyring = (*Memory)(nil)

var errNoKey = errors.New("agent holds no such key")

// expire forgets what is past its time. The caller has the lock.
func (m *Memory) expire() {
	now := time.Now()
	m.keys = slices.DeleteFunc(m.keys, func(k heldKey) bool {
		return !k.expires.IsZero() && !now.Before(k.expires)
	})
}

// find returns the index of a key, or -1. The caller has the lock.
func (m *Memory) find(blob []byte) int {
	m.expire()
	return slices.IndexFunc(m.keys, func(k heldKey) bool { return bytes.Equal(k.id.Blob, blob) })
}

// List implements [Keyring].
func (m *Memory) List(context.Context) ([]Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire()
	list := make([]Identity, len(m.keys))
	for i, k := range m.keys {
		list[i] = k.id
	}
	return list, nil
}

// Sign implements [Keyring]. It doesn't hold the others up while it asks the
// user or computes.
func (m *Memory) Sign(ctx context.Context, blob, data []byte, flags uint32) ([]byte, error) {
	m.mu.Lock()
	i := m.find(blob)
	if i < 0 {
		m.mu.Unlock()
		return nil, errNoKey
	}
	k := m.keys[i]
	m.mu.Unlock()
	algorithm, err := algorithmOf(k.id.Key, flags)
	if err != nil {
		return nil, err
	}
	if k.confirm && !m.Confirm(ctx, k.id) {
		return nil, errors.New("user refused the use of the key")
	}
	return k.private.Sign(ctx, algorithm, data)
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
// and constraints.
func (m *Memory) Add(_ context.Context, k AddedKey) error {
	if k.Private == nil {
		return errors.New("no private key was given")
	}
	if k.Confirm && m.Confirm == nil {
		return errors.New("there is nobody to confirm the use of the key")
	}
	public := k.Private.Public()
	held := heldKey{id: Identity{public, public.Blob(), k.Comment}, private: k.Private, confirm: k.Confirm}
	if k.Lifetime > 0 {
		held.expires = time.Now().Add(k.Lifetime)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := m.find(held.id.Blob); i >= 0 {
		m.keys[i] = held
		return nil
	}
	if len(m.keys) >= MaxIdentities {
		return fmt.Errorf("agent holds %d keys already", MaxIdentities)
	}
	m.keys = append(m.keys, held)
	return nil
}

// Remove implements [Keyring].
func (m *Memory) Remove(_ context.Context, blob []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.find(blob)
	if i < 0 {
		return errNoKey
	}
	m.keys = slices.Delete(m.keys, i, i+1)
	return nil
}

// RemoveAll implements [Keyring].
func (m *Memory) RemoveAll(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.keys)
	m.keys = nil
	return nil
}
