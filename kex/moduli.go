package kex

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Limits of a moduli file. OpenSSH ships some 400 lines.
const (
	maxModuliLine   = 4096 // bytes; a group of 8192 bits needs 2100
	maxModuliLines  = 16384
	maxModuliGroups = 4096
)

// What a line must say of its number (moduli(5)).
const (
	moduliSafePrime     = 2    // type
	moduliTestComposite = 0x01 // test that found it composite
	moduliTestsKnown    = 0x1f
)

// Moduli chooses groups for diffie-hellman-group-exchange. It must be safe for
// concurrent use.
type Moduli interface {
	// Choose returns a group whose p has least to most bits and, where there
	// is one, at least prefer. The caller must not change p and g.
	Choose(least, prefer, most int) (p, g *big.Int, err error)
}

// groups is a list of groups; it is immutable.
type groups []group

// Builtin returns the groups of RFC 3526 with 2048, 4096 and 8192 bits. They
// serve where there is no moduli file.
func Builtin() Moduli { return builtin() }

func builtin() groups {
	return groups{
		*fixedGroup{group14}.group(),
		*fixedGroup{group16}.group(),
		*fixedGroup{group18}.group(),
	}
}

// Choose takes the smallest size that is at least prefer, else the largest that
// is allowed (RFC 4419, section 3), and any group of that size. A file that has
// none falls back to the built-in groups.
func (gs groups) Choose(least, prefer, most int) (p, g *big.Int, err error) {
	fitting := gs.fitting(least, prefer, most)
	if len(fitting) == 0 {
		fitting = builtin().fitting(least, prefer, most)
	}
	if len(fitting) == 0 {
		return nil, nil, fmt.Errorf("%w: there is none of %d to %d bits", ErrGroup, least, most)
	}
	// Which one is public, so it needs no secret randomness.
	d := fitting[rand.IntN(len(fitting))]
	return d.p, d.g, nil
}

// fitting returns the groups of the best size.
func (gs groups) fitting(least, prefer, most int) groups {
	best := 0
	var list groups
	for _, d := range gs {
		n := d.p.BitLen()
		if n < least || n > most {
			continue
		}
		if better(n, best, prefer) {
			best, list = n, list[:0]
		}
		if n == best {
			list = append(list, d)
		}
	}
	return list
}

// better reports whether n bits serve the wish for prefer better than best do.
func better(n, best, prefer int) bool {
	if best >= prefer {
		return n >= prefer && n < best
	}
	return n > best
}

// ParseModuli reads a file in the form of moduli(5), such as /etc/ssh/moduli.
// Of its groups those are kept that are safe primes, have passed a test of
// primality and have MinGroupBits to MaxGroupBits; other lines, malformed ones
// included, are passed over as in OpenSSH. A file too large or without a usable
// group is an error.
func ParseModuli(file io.Reader) (Moduli, error) {
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, maxModuliLine), maxModuliLine)
	var list groups
	for n := 0; lines.Scan(); n++ {
		if n >= maxModuliLines || len(list) >= maxModuliGroups {
			return nil, fmt.Errorf("moduli file has more than %d lines or %d groups; shorten it",
				maxModuliLines, maxModuliGroups)
		}
		if d, ok := parseModulus(lines.Text()); ok {
			list = append(list, d)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading moduli: %w", err)
	}
	if len(list) == 0 {
		return nil, errors.New("moduli file has no usable group; make one with ssh-keygen -M")
	}
	return list, nil
}

// parseModulus reads one line: time, type, tests, tries, size, generator,
// modulus. The size is one less than the modulus's bits.
func parseModulus(line string) (group, bool) {
	fields := strings.Fields(line)
	if len(fields) != 7 || strings.HasPrefix(fields[0], "#") {
		return group{}, false
	}
	kind, err1 := strconv.Atoi(fields[1])
	tests, err2 := strconv.Atoi(fields[2])
	size, err3 := strconv.Atoi(fields[4])
	if err1 != nil || err2 != nil || err3 != nil || kind != moduliSafePrime || !tested(tests) {
		return group{}, false
	}
	p, ok1 := parseHex(fields[6])
	g, ok2 := parseHex(fields[5])
	if !ok1 || !ok2 || p.BitLen() != size+1 {
		return group{}, false
	}
	d := group{p: p, g: g}
	return d, d.check(MinGroupBits, MaxGroupBits) == nil
}

// tested reports whether tests are known ones that found the number prime.
func tested(tests int) bool {
	return tests&moduliTestComposite == 0 && tests > 0 && tests <= moduliTestsKnown
}

// parseHex reads an unsigned hexadecimal number of a size worth looking at. The
// digits are checked because SetString takes signs too.
func parseHex(s string) (*big.Int, bool) {
	if len(s) > MaxGroupBits/4 || strings.Trim(s, "0123456789abcdefABCDEF") != "" {
		return nil, false
	}
	return new(big.Int).SetString(s, 16)
}
