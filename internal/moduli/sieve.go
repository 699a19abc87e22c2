package moduli

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
	"math/bits"
	"time"
)

// A Range is where [Generate] looks. The zero value of a field asks for
// OpenSSH's.
type Range struct {
	Bits   int      // size of the modulus p; 3072
	Start  *big.Int // first q = (p-1)/2 that is looked at; random
	Memory int      // bytes of the sieve, one bit for each odd q; 127 MiB
	Primes uint64   // the sieve's primes are below it; 2^32 - 2^16
}

// A Say is told how the work goes on, a line at a time without its end.
type Say func(format string, args ...any)

const segment = 1 << 16 // odd numbers in one piece of the search for primes

// Generate writes a line for each q of a range that may be a Sophie Germain
// prime, and returns how many there are.
func Generate(ctx context.Context, w io.Writer, r Range, say Say) (int, error) {
	base, err := r.fill()
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	s := &sieve{base: base.Bits(), marks: make([]uint64, r.Memory/8)}
	say("%s Sieve next %d plus %d-bit", clock(begun), 2*s.size(), r.Bits-1)
	if err := s.run(ctx, r.Primes); err != nil {
		return 0, err
	}
	say("%s Sieved with %d small primes in %d seconds", clock(time.Now()), s.tries, int(time.Since(begun).Seconds()))
	found, q := 0, new(big.Int)
	for j := range s.size() {
		if s.marks[j/64]>>(j%64)&1 != 0 {
			continue
		}
		q.Add(base, q.SetUint64(2*j))
		l := line{typeSophieGermain, testedSieve, s.tries, r.Bits - 2, 0, q}
		if err := l.write(w, time.Now()); err != nil {
			return found, err
		}
		found++
	}
	say("%s Found %d candidates", clock(time.Now()), found)
	return found, nil
}

// clock is a time as ctime prints it.
func clock(t time.Time) string { return t.Format("Mon Jan _2 15:04:05 2006") }

// fill sets what was left to us and returns the first q, which is odd.
func (r *Range) fill() (*big.Int, error) {
	if r.Bits == 0 {
		r.Bits = 3072
	}
	if r.Memory == 0 {
		r.Memory = 127 << 20
	}
	if r.Primes == 0 {
		r.Primes = 1<<32 - 1<<16
	}
	switch {
	case r.Bits > MaxBits:
		return nil, fmt.Errorf("too many bits: %d > %d", r.Bits, MaxBits)
	case r.Bits < MinBits:
		return nil, fmt.Errorf("too few bits: %d < %d", r.Bits, MinBits)
	}
	base := r.Start
	if base == nil {
		var err error
		if base, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(r.Bits-1))); err != nil {
			return nil, err
		}
		// The two highest bits are set, so that the range keeps the size.
		base.SetBit(base, r.Bits-2, 1)
		base.SetBit(base, r.Bits-3, 1)
	}
	return new(big.Int).SetBit(base, 0, 1), nil
}

// A sieve marks each j for which q = base + 2j or p = 2q + 1 has a small
// divisor.
type sieve struct {
	base  []big.Word
	marks []uint64
	tries uint64 // primes used
}

func (s *sieve) size() uint64 { return uint64(len(s.marks)) * 64 }

// run strikes out the multiples of the odd primes below limit.
func (s *sieve) run(ctx context.Context, limit uint64) error {
	tiny := tinyPrimes()
	composite := make([]bool, segment)
	for low := uint64(3); low < limit; low += 2 * segment {
		if err := ctx.Err(); err != nil {
			return err
		}
		clear(composite)
		for _, t := range tiny {
			if t*t >= low+2*segment {
				break
			}
			for n := max(t*t, (low+t-1)/t*t|t); n < low+2*segment; n += 2 * t {
				if n >= low && n%2 == 1 {
					composite[(n-low)/2] = true
				}
			}
		}
		for i, struck := range composite {
			if prime := low + 2*uint64(i); !struck && prime < limit {
				s.strike(prime)
			}
		}
	}
	return nil
}

// tinyPrimes are the odd primes below 2^16, with which those below 2^32 are
// found.
func tinyPrimes() []uint64 {
	composite := make([]bool, 1<<16)
	var primes []uint64
	for n := uint64(3); n < 1<<16; n += 2 {
		if composite[n] {
			continue
		}
		primes = append(primes, n)
		for m := n * n; m < 1<<16; m += 2 * n {
			composite[m] = true
		}
	}
	return primes
}

// strike solves base + 2j = 0 and 2 base + 1 + 4j = 0 modulo a prime.
func (s *sieve) strike(prime uint64) {
	s.tries++
	r := modulo(s.base, prime)
	half := (prime + 1) / 2 // the inverse of 2
	s.mark((prime-r)%prime*half%prime, prime)
	quarter := half * half % prime
	s.mark((prime-(2*r+1)%prime)%prime*quarter%prime, prime)
}

func (s *sieve) mark(first, step uint64) {
	for j := first; j < s.size(); j += step {
		s.marks[j/64] |= 1 << (j % 64)
	}
}

// modulo returns words modulo m, which is below 2^32.
func modulo(words []big.Word, m uint64) uint64 {
	r := uint64(0)
	for i := len(words) - 1; i >= 0; i-- {
		if bits.UintSize == 64 {
			_, r = bits.Div64(r, uint64(words[i]), m)
		} else {
			r = (r<<32 | uint64(words[i])) % m
		}
	}
	return r
}
