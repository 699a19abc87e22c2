package moduli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"
)

// minTests is the fewest Miller-Rabin tests that are done.
const minTests = 4

// A Screening says what [Screen] does. The zero value tests every line 100
// times.
type Screening struct {
	Tests     int    // Miller-Rabin tests of each number; 0: 100
	Generator uint64 // only moduli with this one; 0: any
	Skip      uint64 // lines at the beginning
	Lines     uint64 // lines to look at after those; 0: all
	// Done is called with each line's number before it is looked at; nil: it
	// is not.
	Done func(line uint64)
}

// Screen reads candidates and writes those that are safe primes. It returns how
// many that were.
func Screen(ctx context.Context, w io.Writer, r io.Reader, s Screening, say Say) (int, error) {
	if s.Tests == 0 {
		s.Tests = 100
	}
	if s.Tests < minTests {
		return 0, fmt.Errorf("minimum primality trials is %d", minTests)
	}
	begun := time.Now()
	found, possible := 0, 0
	in := bufio.NewReaderSize(r, maxLine)
	for n := uint64(1); s.Lines == 0 || n <= s.Skip+s.Lines; n++ {
		text, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return found, fmt.Errorf("line %d is longer than %d bytes", n, maxLine)
		}
		if err != nil && err != io.EOF {
			return found, err
		}
		if n > s.Skip && len(text) > 0 {
			if s.Done != nil {
				s.Done(n)
			}
			l, candidate := s.candidate(text)
			if candidate {
				possible++
			}
			if candidate && l.isSafe(s.Tests) {
				if err := l.write(w, time.Now()); err != nil {
					return found, err
				}
				found++
			}
		}
		if err == io.EOF {
			break
		}
		if err := ctx.Err(); err != nil {
			return found, err
		}
	}
	say("%s Found %d safe primes of %d candidates in %d seconds", clock(time.Now()), found, possible, int(time.Since(begun).Seconds()))
	return found, nil
}

// candidate reads a line into the form that is written for a safe prime.
func (s *Screening) candidate(text []byte) (*line, bool) {
	l, ok := parseLine(text)
	if !ok || l.tests&testedComposite != 0 || l.typ > 5 {
		return nil, false
	}
	if l.typ == typeSophieGermain {
		p := new(big.Int).Lsh(l.modulus, 1)
		l.modulus = p.SetBit(p, 0, 1)
		l.size++
		l.generator = 0
	}
	if l.modulus.BitLen() != l.size+1 || l.size < MinBits-1 {
		return nil, false
	}
	if l.tests&testedMillerRabin == 0 {
		l.tries = 0
	}
	l.tries += uint64(s.Tests)
	l.typ, l.tests = typeSafe, l.tests|testedMillerRabin
	if l.generator == 0 {
		l.generator = generatorOf(l.modulus)
	}
	return l, l.generator != 0 && (s.Generator == 0 || s.Generator == l.generator)
}

// generatorOf returns a generator of the group of prime order modulo p that can
// be seen without searching, 0 if there is none: such a p is useless.
func generatorOf(p *big.Int) uint64 {
	if modulo(p.Bits(), 24) == 11 {
		return 2
	}
	if r := modulo(p.Bits(), 10); r == 3 || r == 7 {
		return 5
	}
	return 0
}

// isSafe tests p and q = (p-1)/2. One look at q comes first, which ends it for
// nearly all.
func (l *line) isSafe(tests int) bool {
	q := new(big.Int).Rsh(l.modulus, 1)
	return q.ProbablyPrime(1) && l.modulus.ProbablyPrime(tests) && q.ProbablyPrime(tests-1)
}
