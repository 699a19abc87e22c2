package kex

import (
	"io"
	"math/big"
)

// fixedGroup is diffie-hellman-group14, 16 and 18 (RFC 4253, section 8;
// RFC 8268). The prime is parsed when a run needs it, which costs nothing
// beside the run and nothing at start-up.
type fixedGroup struct{ prime string }

func (f fixedGroup) offer(random io.Reader) ([]byte, finisher, error) {
	return f.group().offer(random)
}

func (f fixedGroup) answer(random io.Reader, peer []byte) (public, k []byte, err error) {
	return f.group().answer(random, peer)
}

func (f fixedGroup) group() *group {
	p, ok := new(big.Int).SetString(f.prime, 16)
	if !ok {
		panic("kex: a built-in prime is not hexadecimal")
	}
	return &group{p: p, g: big.NewInt(2)}
}
