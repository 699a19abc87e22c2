package kex

import (
	"crypto/ecdh"
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/wire"
)

// nist is ecdh-sha2-nistp256, 384 and 521 (RFC 5656, section 4). Public values
// are uncompressed points; K is the shared x coordinate as an mpint.
type nist struct {
	curve func() ecdh.Curve
	bits  int
}

func (n nist) offer(random io.Reader) ([]byte, finisher, error) {
	own, err := n.newKey(random)
	if err != nil {
		return nil, nil, err
	}
	return own.PublicKey().Bytes(), func(peer []byte) ([]byte, error) {
		return n.secret(own, peer)
	}, nil
}

func (n nist) answer(random io.Reader, peer []byte) (public, k []byte, err error) {
	own, err := n.newKey(random)
	if err != nil {
		return nil, nil, err
	}
	if k, err = n.secret(own, peer); err != nil {
		return nil, nil, err
	}
	return own.PublicKey().Bytes(), k, nil
}

// newKey draws scalars until one is below the curve's order. On P-256 a draw
// fails once in 2^32, on the others more rarely still, so that failing often
// means a broken source.
func (n nist) newKey(random io.Reader) (*ecdh.PrivateKey, error) {
	scalar := make([]byte, (n.bits+7)/8)
	defer clear(scalar)
	for range 8 {
		if _, err := io.ReadFull(random, scalar); err != nil {
			return nil, err
		}
		if spare := uint(len(scalar)*8 - n.bits); spare > 0 {
			scalar[0] &= 0xff >> spare
		}
		if own, err := n.curve().NewPrivateKey(scalar); err == nil {
			return own, nil
		}
	}
	return nil, fmt.Errorf("random source gives no scalar for nistp%d", n.bits)
}

// secret relies on NewPublicKey to refuse other forms, points off the curve and
// the point at infinity (RFC 5656, section 4).
func (n nist) secret(own *ecdh.PrivateKey, peer []byte) ([]byte, error) {
	point, err := n.curve().NewPublicKey(peer)
	if err != nil {
		return nil, fmt.Errorf("%w: not a point of nistp%d", ErrPublicValue, n.bits)
	}
	x, err := own.ECDH(point)
	if err != nil {
		return nil, fmt.Errorf("%w: nistp%d point has no secret", ErrPublicValue, n.bits)
	}
	return wire.AppendMpintBytes(make([]byte, 0, 4+1+len(x)), x), nil
}
