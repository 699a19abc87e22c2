package kex

import (
	"fmt"
	"io"
	"math/big"
	"math/bits"

	"github.com/nacre-ssh/nacre/wire"
)

// Sizes of Diffie-Hellman groups in bits, as in OpenSSH (RFC 8270 sets the
// lower one).
const (
	MinGroupBits = 2048
	MaxGroupBits = 8192
)

const (
	// exponentBits is the size of private exponents: twice the strength of
	// 256 bits, which is above that of every group here. OpenSSH never takes
	// fewer.
	exponentBits = 512
	// minBitsSet is how many one bits a public value must have, so that its
	// logarithm to a small generator is not plain to see. OpenSSH asks the same.
	minBitsSet = 4
	// trialDivisors is below what p is tried for divisors. It costs nothing
	// beside the exponentiation and finds most numbers that are no primes by
	// accident; a server that lies can do worse than choose a bad group.
	trialDivisors = 1000
)

// group is a Diffie-Hellman group; those from outside have passed check. Public
// values and K are mpints.
//
// big.Int's exponentiation looks up its table by the exponent's bits and takes
// a time that depends a little on them, so it is not constant in time. The
// exponents are drawn for one run and forgotten, which leaves an observer a
// single measurement.
type group struct{ p, g *big.Int }

// check refuses groups outside least to most bits before any maths, then those
// that are plainly wrong.
func (d *group) check(least, most int) error {
	if d.p == nil || d.g == nil {
		return fmt.Errorf("%w: none was chosen", ErrGroup)
	}
	if n := d.p.BitLen(); n < least || n > most {
		return fmt.Errorf("%w: %d bits where %d to %d are allowed", ErrGroup, n, least, most)
	}
	if d.p.Sign() < 0 || d.p.Bit(0) == 0 {
		return fmt.Errorf("%w: its modulus is even", ErrGroup)
	}
	if !d.inRange(d.g) {
		return fmt.Errorf("%w: its generator is trivial", ErrGroup)
	}
	var quotient, divisor, rest big.Int
	for q := int64(3); q < trialDivisors; q += 2 {
		if quotient.QuoRem(d.p, divisor.SetInt64(q), &rest); rest.Sign() == 0 {
			return fmt.Errorf("%w: its modulus is no prime", ErrGroup)
		}
	}
	return nil
}

func (d *group) offer(random io.Reader) ([]byte, finisher, error) {
	x, own, err := d.newKey(random)
	if err != nil {
		return nil, nil, err
	}
	return mpintBody(own), func(peer []byte) ([]byte, error) {
		public, err := d.parsePublic(peer)
		if err != nil {
			return nil, err
		}
		return d.secret(x, public)
	}, nil
}

func (d *group) answer(random io.Reader, peer []byte) (public, k []byte, err error) {
	theirs, err := d.parsePublic(peer)
	if err != nil {
		return nil, nil, err
	}
	x, own, err := d.newKey(random)
	if err != nil {
		return nil, nil, err
	}
	if k, err = d.secret(x, theirs); err != nil {
		return nil, nil, err
	}
	return mpintBody(own), k, nil
}

func (d *group) newKey(random io.Reader) (x, public *big.Int, err error) {
	var draw [exponentBits / 8]byte
	defer clear(draw[:])
	for range 8 {
		if _, err := io.ReadFull(random, draw[:]); err != nil {
			return nil, nil, err
		}
		draw[0] |= 0x80 // all exponents have one size, so the time shows no shorter ones
		x = new(big.Int).SetBytes(draw[:])
		public = new(big.Int).Exp(d.g, x, d.p)
		if d.valid(public) {
			return x, public, nil
		}
	}
	return nil, nil, fmt.Errorf("%w: it yields no usable key", ErrGroup)
}

// secret returns public to the power of x, encoded. In a group whose prime is
// not a safe one the peer's value can have a small order and the secret be
// trivial: that is refused.
func (d *group) secret(x, public *big.Int) ([]byte, error) {
	k := new(big.Int).Exp(public, x, d.p)
	if !d.inRange(k) {
		return nil, fmt.Errorf("%w: the secret it gives is trivial", ErrPublicValue)
	}
	return wire.AppendMpint(nil, k), nil
}

// parsePublic reads the contents of an mpint by wire's rules: not negative, no
// padding, capped.
func (d *group) parsePublic(body []byte) (*big.Int, error) {
	if len(body) > MaxGroupBits/8+1 {
		return nil, fmt.Errorf("%w: %d bytes", ErrPublicValue, len(body))
	}
	r := wire.NewReader(wire.AppendString(make([]byte, 0, 4+len(body)), body))
	public := r.Mpint()
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPublicValue, err)
	}
	if !d.valid(public) {
		return nil, fmt.Errorf("%w: outside the Diffie-Hellman group", ErrPublicValue)
	}
	return public, nil
}

// valid reports whether v may be a public value (RFC 4253, section 8, and
// OpenSSH's stricter rule).
func (d *group) valid(v *big.Int) bool {
	if !d.inRange(v) {
		return false
	}
	set := 0
	for _, word := range v.Bits() {
		set += bits.OnesCount(uint(word))
	}
	return set >= minBitsSet
}

// inRange reports whether 1 < v < p-1.
func (d *group) inRange(v *big.Int) bool {
	one := big.NewInt(1)
	return v.Cmp(one) > 0 && v.Cmp(new(big.Int).Sub(d.p, one)) < 0
}

// mpintBody returns the contents of v's mpint, without the length.
func mpintBody(v *big.Int) []byte { return wire.AppendMpint(nil, v)[4:] }
