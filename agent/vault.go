package agent

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"runtime"
	"sync"
	"time"

	"github.com/cloudflare/circl/sign/ed448"
	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/chacha20"

	"github.com/nacre-ssh/nacre/key"
)

const (
	// prekeySize is as much as a side channel that reads memory with errors
	// can't read without one.
	prekeySize = 16 * 1024
	// maxSecret is more than a private key of 16384 bits takes.
	maxSecret = 16 * 1024
	// openAtOnce is how many secrets are open at a time.
	openAtOnce = 8
)

// A vault encrypts secrets under the hash of a prekey. The prekey, and the
// secrets while they are open, are in memory that is not swapped and not dumped,
// as far as the system has that.
type vault struct {
	prekey []byte
	desks  chan []byte // where secrets are opened
}

// theVault is the process's, made at its first use: locked memory is scarce.
var theVault = sync.OnceValue(newVault)

func newVault() *vault {
	memory := lockedMemory(prekeySize + openAtOnce*maxSecret)
	v := &vault{prekey: memory[:prekeySize:prekeySize], desks: make(chan []byte, openAtOnce)}
	rand.Read(v.prekey)
	for at := prekeySize; at < len(memory); at += maxSecret {
		v.desks <- memory[at : at+maxSecret : at+maxSecret]
	}
	return v
}

// cipher makes the stream for one secret. The caller wipes it. BLAKE2b hashes
// the prekey, which each use does anew, in half of SHA-256's time.
func (v *vault) cipher(nonce []byte) (*chacha20.Cipher, error) {
	k := blake2b.Sum256(v.prekey)
	defer clear(k[:])
	return chacha20.NewUnauthenticatedCipher(k[:], nonce)
}

// seal returns a secret encrypted, behind its nonce. Nobody changes it but this
// process, so that it needs no tag.
func (v *vault) seal(secret []byte) ([]byte, error) {
	if len(secret) > maxSecret {
		return nil, fmt.Errorf("private key has %d bytes, at most %d are held", len(secret), maxSecret)
	}
	sealed := make([]byte, chacha20.NonceSizeX+len(secret))
	nonce := sealed[:chacha20.NonceSizeX]
	rand.Read(nonce)
	c, err := v.cipher(nonce)
	if err != nil {
		return nil, err
	}
	c.XORKeyStream(sealed[len(nonce):], secret)
	*c = chacha20.Cipher{}
	return sealed, nil
}

// open decrypts a secret for the time of a call.
func (v *vault) open(sealed []byte, use func(secret []byte) error) error {
	if len(sealed) < chacha20.NonceSizeX || len(sealed) > chacha20.NonceSizeX+maxSecret {
		return errors.New("private key is no longer held")
	}
	nonce, text := sealed[:chacha20.NonceSizeX], sealed[chacha20.NonceSizeX:]
	desk := <-v.desks
	defer func() { v.desks <- desk }()
	secret := desk[:len(text)]
	defer clear(secret)
	c, err := v.cipher(nonce)
	if err != nil {
		return err
	}
	c.XORKeyStream(secret, text)
	*c = chacha20.Cipher{}
	return use(secret)
}

// wipe overwrites a private key, which nobody may use any more. What the
// standard library has made of it for itself is out of reach.
func wipe(k *key.Private) {
	switch s := k.Crypto().(type) {
	case ed25519.PrivateKey:
		clear(s)
	case *ecdsa.PrivateKey:
		//lint:ignore SA1019 overwriting is what its method can't do
		wipeInt(s.D)
	case *rsa.PrivateKey:
		wipeInt(s.D)
		for _, p := range s.Primes {
			wipeInt(p)
		}
		for _, n := range []*big.Int{s.Precomputed.Dp, s.Precomputed.Dq, s.Precomputed.Qinv} {
			wipeInt(n)
		}
	case ed448.PrivateKey:
		clear(s)
	}
}

func wipeInt(n *big.Int) {
	if n != nil {
		clear(n.Bits())
	}
}

// burn overwrites the stack below its caller, where private keys have been.
//
//go:noinline
func burn() {
	var deep [24 * 1024]byte
	touch(&deep)
}

//go:noinline
func touch(b *[24 * 1024]byte) { clear(b[:]) }

// scrubAfter is how long nothing must happen before the garbage is collected.
const scrubAfter = 250 * time.Millisecond

// scrub has the garbage collected when the keyring rests.
func (m *Memory) scrub() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scrubSoon()
}

// scrubRounds is how often the garbage is collected: what the standard library
// has made of a key is found to be garbage only after the key was.
const scrubRounds = 3

// scrubSoon is scrub for a caller that has the lock.
func (m *Memory) scrubSoon() {
	if !m.Scrub {
		return
	}
	if m.scrubber == nil {
		m.scrubber = time.AfterFunc(scrubAfter, m.collect)
	}
	m.rounds = scrubRounds
	m.scrubber.Reset(scrubAfter)
}

func (m *Memory) collect() {
	runtime.GC()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rounds--; m.rounds > 0 {
		m.scrubber.Reset(scrubAfter)
	}
}
