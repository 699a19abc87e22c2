package kex

import (
	"crypto/sha512"
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/internal/sntrup"
	"github.com/nacre-ssh/nacre/wire"
)

// sntrupX25519 is sntrup761x25519-sha512 (RFC 9941), under
// that name and OpenSSH's older one. It is built like mlkemX25519, with SHA-512
// over both secrets as K, a string.
type sntrupX25519 struct{}

func (sntrupX25519) offer(random io.Reader) ([]byte, finisher, error) {
	public, private, err := sntrup.GenerateKey(random)
	if err != nil {
		return nil, nil, err
	}
	own, err := newX25519(random)
	if err != nil {
		return nil, nil, err
	}
	public = append(public, own.PublicKey().Bytes()...)
	return public, func(peer []byte) ([]byte, error) {
		defer clear(private)
		if len(peer) != sntrup.CiphertextSize+x25519Size {
			return nil, fmt.Errorf("%w: sntrup761 reply of %d bytes", ErrPublicValue, len(peer))
		}
		classic, err := x25519Secret(own, peer[sntrup.CiphertextSize:])
		if err != nil {
			return nil, err
		}
		pq, err := sntrup.Decapsulate(private, peer[:sntrup.CiphertextSize])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrPublicValue, err)
		}
		return combine512(pq, classic), nil
	}, nil
}

func (sntrupX25519) answer(random io.Reader, peer []byte) (public, k []byte, err error) {
	if len(peer) != sntrup.PublicKeySize+x25519Size {
		return nil, nil, fmt.Errorf("%w: sntrup761 offer of %d bytes", ErrPublicValue, len(peer))
	}
	own, err := newX25519(random)
	if err != nil {
		return nil, nil, err
	}
	classic, err := x25519Secret(own, peer[sntrup.PublicKeySize:])
	if err != nil {
		return nil, nil, err
	}
	ciphertext, pq, err := sntrup.Encapsulate(random, peer[:sntrup.PublicKeySize])
	if err != nil {
		return nil, nil, fmt.Errorf("encapsulating for sntrup761: %w", err)
	}
	return append(ciphertext, own.PublicKey().Bytes()...), combine512(pq, classic), nil
}

func combine512(pq, classic []byte) []byte {
	both := append(append(make([]byte, 0, len(pq)+len(classic)), pq...), classic...)
	k := sha512.Sum512(both)
	clear(both)
	return wire.AppendString(make([]byte, 0, 4+len(k)), k[:])
}
