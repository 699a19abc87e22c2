package sshd

import (
	"math/big"
	"os"
	"sync"

	"github.com/nacre-ssh/nacre/kex"
)

// moduliFile reads the file of Diffie-Hellman groups when a client first asks
// for one: it is large, and hardly anybody does.
type moduliFile struct {
	path string
	once sync.Once
	from kex.Moduli
}

// Choose is kex.Moduli's.
func (m *moduliFile) Choose(least, prefer, most int) (p, g *big.Int, err error) {
	m.once.Do(m.load)
	return m.from.Choose(least, prefer, most)
}

func (m *moduliFile) load() {
	m.from = kex.Builtin()
	f, err := os.Open(m.path)
	if err != nil {
		return
	}
	defer f.Close()
	if parsed, err := kex.ParseModuli(f); err == nil {
		m.from = parsed
	}
}
