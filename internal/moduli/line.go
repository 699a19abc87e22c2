package moduli

import (
	"bytes"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"time"
)

// Kinds of a modulus and tests it has had (moduli(5)).
const (
	typeSafe          = 2
	typeSophieGermain = 4

	testedComposite   = 1
	testedSieve       = 2
	testedMillerRabin = 4
)

const (
	// MinBits and MaxBits bound the size of a modulus.
	MinBits = 512
	MaxBits = 65536
	// maxLine caps a line of a file in bytes.
	maxLine = 100 + 20000
)

// A line is one line of a moduli file.
type line struct {
	typ, tests, tries uint64
	size              int // bits, less one
	generator         uint64
	modulus           *big.Int
}

func (l *line) write(w io.Writer, now time.Time) error {
	_, err := fmt.Fprintf(w, "%s %d %d %d %d %x %X\n", now.UTC().Format("20060102150405"),
		l.typ, l.tests, l.tries, l.size, l.generator, l.modulus)
	return err
}

// parseLine reads a line; false for a comment, an empty line and what isn't one.
func parseLine(text []byte) (*line, bool) {
	text = bytes.TrimSpace(text)
	if len(text) < 14 || len(text) > maxLine || text[0] == '#' || text[0] == '!' {
		return nil, false
	}
	fields := bytes.Fields(text)
	if len(fields) != 7 {
		return nil, false
	}
	var numbers [5]uint64
	for i := range numbers {
		base := 10
		if i == 4 {
			base = 16
		}
		n, err := strconv.ParseUint(string(fields[i+1]), base, 32)
		if err != nil {
			return nil, false
		}
		numbers[i] = n
	}
	if len(fields[6]) > MaxBits/4+1 {
		return nil, false
	}
	modulus, ok := new(big.Int).SetString(string(fields[6]), 16)
	if !ok || modulus.Sign() <= 0 {
		return nil, false
	}
	return &line{numbers[0], numbers[1], numbers[2], int(numbers[3]), numbers[4], modulus}, true
}
