package kex

import (
	"crypto/mlkem"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/wire"
)

// mlkemX25519 is mlkem768x25519-sha256 (draft-ietf-sshm-mlkem-hybrid-kex). The
// client sends an encapsulation key and an X25519 value, the server a
// ciphertext and an X25519 value. K is SHA-256 over both secrets, a string.
type mlkemX25519 struct{}

func (mlkemX25519) offer(random io.Reader) ([]byte, finisher, error) {
	var seed [mlkem.SeedSize]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, nil, err
	}
	kem, err := mlkem.NewDecapsulationKey768(seed[:])
	clear(seed[:])
	if err != nil {
		return nil, nil, err
	}
	own, err := newX25519(random)
	if err != nil {
		return nil, nil, err
	}
	public := append(kem.EncapsulationKey().Bytes(), own.PublicKey().Bytes()...)
	return public, func(peer []byte) ([]byte, error) {
		if len(peer) != mlkem.CiphertextSize768+x25519Size {
			return nil, fmt.Errorf("%w: ML-KEM reply of %d bytes", ErrPublicValue, len(peer))
		}
		pq, err := kem.Decapsulate(peer[:mlkem.CiphertextSize768])
		if err != nil {
			return nil, fmt.Errorf("%w: ML-KEM ciphertext", ErrPublicValue)
		}
		classic, err := x25519Secret(own, peer[mlkem.CiphertextSize768:])
		if err != nil {
			return nil, err
		}
		return combine256(pq, classic), nil
	}, nil
}

// answer takes the encapsulation's randomness from the system, whatever random
// is: crypto/mlkem offers no other way.
func (mlkemX25519) answer(random io.Reader, peer []byte) (public, k []byte, err error) {
	if len(peer) != mlkem.EncapsulationKeySize768+x25519Size {
		return nil, nil, fmt.Errorf("%w: ML-KEM offer of %d bytes", ErrPublicValue, len(peer))
	}
	kem, err := mlkem.NewEncapsulationKey768(peer[:mlkem.EncapsulationKeySize768])
	if err != nil {
		return nil, nil, fmt.Errorf("%w: ML-KEM encapsulation key", ErrPublicValue)
	}
	own, err := newX25519(random)
	if err != nil {
		return nil, nil, err
	}
	classic, err := x25519Secret(own, peer[mlkem.EncapsulationKeySize768:])
	if err != nil {
		return nil, nil, err
	}
	pq, ciphertext := kem.Encapsulate()
	return append(ciphertext, own.PublicKey().Bytes()...), combine256(pq, classic), nil
}

func combine256(pq, classic []byte) []byte {
	both := append(append(make([]byte, 0, len(pq)+len(classic)), pq...), classic...)
	k := sha256.Sum256(both)
	clear(both)
	return wire.AppendString(make([]byte, 0, 4+len(k)), k[:])
}
