package kex

import (
	"crypto/ecdh"
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/wire"
)

// x25519Size is the size of public values and secrets in bytes.
const x25519Size = 32

// x25519 is curve25519-sha256 (RFC 8731). K is an mpint.
type x25519 struct{}

func (x25519) offer(random io.Reader) ([]byte, finisher, error) {
	own, err := newX25519(random)
	if err != nil {
		return nil, nil, err
	}
	return own.PublicKey().Bytes(), func(peer []byte) ([]byte, error) {
		return x25519Mpint(own, peer)
	}, nil
}

func (x25519) answer(random io.Reader, peer []byte) (public, k []byte, err error) {
	own, err := newX25519(random)
	if err != nil {
		return nil, nil, err
	}
	if k, err = x25519Mpint(own, peer); err != nil {
		return nil, nil, err
	}
	return own.PublicKey().Bytes(), k, nil
}

func x25519Mpint(own *ecdh.PrivateKey, peer []byte) ([]byte, error) {
	secret, err := x25519Secret(own, peer)
	if err != nil {
		return nil, err
	}
	// The 32 bytes are read big-endian (RFC 8731, section 3.1).
	return wire.AppendMpintBytes(make([]byte, 0, 4+1+x25519Size), secret), nil
}

// newX25519 reads the key from random itself, because ecdh's GenerateKey no
// longer asks the source that it is given.
func newX25519(random io.Reader) (*ecdh.PrivateKey, error) {
	var seed [x25519Size]byte
	defer clear(seed[:])
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, err
	}
	return ecdh.X25519().NewPrivateKey(seed[:])
}

// x25519Secret returns the 32 shared bytes. A peer of low order, whose secret
// would be all zero, is refused (RFC 8731, section 3).
func x25519Secret(own *ecdh.PrivateKey, peer []byte) ([]byte, error) {
	point, err := ecdh.X25519().NewPublicKey(peer)
	if err != nil {
		return nil, fmt.Errorf("%w: X25519 value of %d bytes", ErrPublicValue, len(peer))
	}
	secret, err := own.ECDH(point)
	if err != nil {
		return nil, fmt.Errorf("%w: X25519 point of low order", ErrPublicValue)
	}
	return secret, nil
}
