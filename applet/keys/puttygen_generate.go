package keys

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"time"

	"github.com/nacre-ssh/nacre/key"
)

// generate makes a key of -t and -b.
func (g *puttygen) generate() (*puttyKey, error) {
	if g.kind.private && g.out == "" {
		return nil, errNoOutput
	}
	if err := g.stir(); err != nil {
		return nil, err
	}
	typ := g.typ.typ(g.bits)
	k, err := g.make(typ)
	if err != nil {
		return nil, err
	}
	comment := g.typ.comment + time.Now().Format("20060102")
	if typ == key.TypeEd448 {
		comment = "eddsa-key-" + time.Now().Format("20060102")
	}
	return &puttyKey{private: k, public: k.Public().Blob(), comment: &comment}, nil
}

func (g *puttygen) make(typ string) (*key.Private, error) {
	if typ != key.TypeRSA {
		return key.Generate(rand.Reader, typ, 0)
	}
	if g.primes == "" && !g.strong {
		return key.Generate(rand.Reader, typ, g.bits)
	}
	return makeRSA(g.bits, g.primes != "", g.strong)
}

// stir reads --random-device's bytes and gives them to the system's generator,
// from which every key is made; Linux takes them, others have enough.
func (g *puttygen) stir() error {
	if g.random == "" {
		return nil
	}
	f, err := os.Open(g.random)
	if err != nil {
		return errNoEntropy
	}
	defer f.Close()
	seed := make([]byte, max(g.bits/8, 32))
	if _, err := io.ReadFull(f, seed); err != nil {
		return errNoEntropy
	}
	if pool, err := os.OpenFile("/dev/urandom", os.O_WRONLY, 0); err == nil {
		_, _ = pool.Write(seed) // more of it is welcome, none is needed
		pool.Close()
	}
	return nil
}

var errNoEntropy = errors.New("failed to collect entropy, could not generate key")
