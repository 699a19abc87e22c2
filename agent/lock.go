package agent

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/nacre-ssh/nacre/internal/bcryptpbkdf"
)

const (
	lockSalt   = 16
	lockHash   = 32
	lockRounds = 1
	// delayStep and delayMax are what a wrong password costs: a tenth of a
	// second more each time.
	delayStep = 100 * time.Millisecond
	delayMax  = 10 * time.Second
)

// A lock is a password's hash, and how often another was tried. The zero value
// is open.
type lock struct {
	locked bool
	salt   [lockSalt]byte
	hash   [lockHash]byte
	failed int
}

func (l *lock) derive(password []byte) (h [lockHash]byte, err error) {
	b, err := bcryptpbkdf.Key(password, l.salt[:], lockRounds, lockHash)
	if err != nil {
		return h, err
	}
	defer clear(b)
	return [lockHash]byte(b), nil
}

func (l *lock) close(password []byte) (err error) {
	if l.locked {
		return errLocked
	}
	rand.Read(l.salt[:])
	if l.hash, err = l.derive(password); err == nil {
		l.locked = true
	}
	return err
}

var errPassword = errors.New("password is wrong")

// open ends the lock, or says how long to wait before the next try.
func (l *lock) open(password []byte) (time.Duration, error) {
	if !l.locked {
		return 0, errors.New("agent is not locked")
	}
	h, err := l.derive(password)
	if err != nil {
		return 0, err
	}
	if subtle.ConstantTimeCompare(h[:], l.hash[:]) != 1 {
		l.failed++
		return min(time.Duration(l.failed)*delayStep, delayMax), errPassword
	}
	*l = lock{}
	return 0, nil
}

// Lock implements [Locker].
func (m *Memory) Lock(_ context.Context, password []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lock.close(password)
}

// Unlock implements [Locker]. A wrong password holds back its answer, and with
// it every other try, by whatever connection; nothing else waits.
func (m *Memory) Unlock(_ context.Context, password []byte) error {
	m.guessing.Lock()
	defer m.guessing.Unlock()
	m.mu.Lock()
	wait, err := m.lock.open(password)
	m.mu.Unlock()
	if wait == 0 {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	<-timer.C // also for a peer that has left: it may be back already
	return err
}

// Locked implements [Locker].
func (m *Memory) Locked() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lock.locked
}
