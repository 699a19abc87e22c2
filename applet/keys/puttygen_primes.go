package keys

import (
	"crypto/rand"
	"crypto/rsa"
	"math/big"

	"github.com/nacre-ssh/nacre/key"
)

// Primes as --primes proven and --strong-rsa ask for them. Nothing needs them:
// the usual ones are composite with a chance that nobody will ever meet. Some
// rules of organisations ask for them all the same.

const (
	rsaExponent = 65537
	// smallPrime is the size in bits up to which trial division is a proof.
	smallPrime = 24
)

// A primeMaker makes primes of a kind.
type primeMaker struct {
	proven bool // with a proof, Pocklington's
	strong bool // p-1 and p+1 have large prime factors (Gordon)
}

// makeRSA makes a key of such primes.
func makeRSA(bits int, proven, strong bool) (*key.Private, error) {
	m := primeMaker{proven, strong}
	e := big.NewInt(rsaExponent)
	for {
		p, err := m.factor((bits + 1) / 2)
		if err != nil {
			return nil, err
		}
		q, err := m.factor(bits / 2)
		if err != nil {
			return nil, err
		}
		one := big.NewInt(1)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if d == nil || p.Cmp(q) == 0 {
			continue
		}
		if p.Cmp(q) < 0 {
			p, q = q, p
		}
		private := &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: rsaExponent},
			D:         d, Primes: []*big.Int{p, q},
		}
		private.Precompute()
		if err := private.Validate(); err != nil {
			return nil, err
		}
		return key.NewPrivate(private)
	}
}

// factor makes one of the two primes.
func (m primeMaker) factor(bits int) (*big.Int, error) {
	if m.strong {
		return m.strongPrime(bits)
	}
	return m.prime(bits)
}

// prime makes a prime whose two highest bits are set.
func (m primeMaker) prime(bits int) (*big.Int, error) {
	switch {
	case !m.proven:
		return rand.Prime(rand.Reader, bits)
	case bits <= smallPrime:
		return smallProven(bits)
	}
	q, err := m.prime(bits/2 + 2)
	if err != nil {
		return nil, err
	}
	return search(bits, q, big.NewInt(1), new(big.Int).Lsh(q, 1), true)
}

func smallProven(bits int) (*big.Int, error) {
	for {
		n, err := rand.Prime(rand.Reader, bits)
		if err != nil {
			return nil, err
		}
		if trialDivision(n.Uint64()) {
			return n, nil
		}
	}
}

func trialDivision(n uint64) bool {
	for d := uint64(2); d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}

// strongPrime makes a prime p where r divides p-1 and s divides p+1, both of
// them primes. With r beyond the square root of p, the same r proves p.
func (m primeMaker) strongPrime(bits int) (*big.Int, error) {
	r, err := m.prime(bits/2 + 8)
	if err != nil {
		return nil, err
	}
	s, err := m.prime(bits / 4)
	if err != nil {
		return nil, err
	}
	// start is 1 modulo r, -1 modulo s, and odd.
	start := new(big.Int).ModInverse(r, s)
	start.Mul(start, big.NewInt(-2)).Mod(start, s)
	start.Mul(start, r).Add(start, big.NewInt(1))
	step := new(big.Int).Mul(r, s)
	if start.Bit(0) == 0 {
		start.Add(start, step)
	}
	return search(bits, r, start, step.Lsh(step, 1), m.proven)
}

// search finds a prime start + j·step of so many bits, the two highest set, that
// an RSA factor may be. The prime q divides each candidate less one; with
// proven it must be greater than their square root.
func search(bits int, q, start, step *big.Int, proven bool) (*big.Int, error) {
	low := new(big.Int).Lsh(big.NewInt(3), uint(bits-2))
	room := new(big.Int).Lsh(big.NewInt(1), uint(bits-2))
	room.Div(room, step)
	first := new(big.Int).Sub(low, start)
	first.Div(first, step).Add(first, big.NewInt(1))
	for {
		j, err := rand.Int(rand.Reader, room)
		if err != nil {
			return nil, err
		}
		n := j.Add(j, first)
		n.Mul(n, step).Add(n, start)
		switch {
		case n.BitLen() != bits || new(big.Int).Mod(n, big.NewInt(rsaExponent)).Cmp(big.NewInt(1)) == 0:
		case !n.ProbablyPrime(0):
		case proven && pocklington(n, q):
			return n, nil
		case !proven && n.ProbablyPrime(20):
			return n, nil
		}
	}
}

// pocklington proves n prime where the prime q divides n-1 and is greater than
// n's square root: some a has order n-1, but for what doesn't matter.
func pocklington(n, q *big.Int) bool {
	one := big.NewInt(1)
	less := new(big.Int).Sub(n, one)
	cofactor := new(big.Int)
	if _, rest := cofactor.QuoRem(less, q, new(big.Int)); rest.Sign() != 0 {
		return false
	}
	for _, a := range []int64{2, 3, 5, 7, 11} {
		power := new(big.Int).Exp(big.NewInt(a), cofactor, n)
		if new(big.Int).Exp(power, q, n).Cmp(one) != 0 {
			return false
		}
		power.Sub(power, one)
		if power.GCD(nil, nil, power, n).Cmp(one) == 0 {
			return true
		}
	}
	return false
}
