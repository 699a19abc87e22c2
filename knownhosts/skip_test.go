package knownhosts

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
)

// Lines that are passed over a buffer at a time change no answer: neither the
// lines that are found nor their numbers.
func TestSkip(t *testing.T) {
	const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPzwebXJ8kXAtiMe6j+kYB6H7a0bigrAg+f4Vtv0CmYl\n"
	special := []string{
		"wanted-77.example.com ", "WANTED-77.Example.com,other ", "*.example.com ", "wanted-7?.example.com ",
		"!wanted-77.example.com,*.com ", HashName("wanted-77.example.com") + " ", "@revoked wanted-77.example.com ",
		"# wanted-77.example.com ", "wanted-77.example.com-more ", "\n\n",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 40 {
		var file bytes.Buffer
		for i := range 3000 {
			fmt.Fprintf(&file, "host%d.example.com,10.0.%d.%d %s", i, i>>8, i&255, line)
			if r.IntN(1500) == 0 {
				file.WriteString(special[r.IntN(len(special))] + line)
			}
			if r.IntN(4000) == 0 {
				file.Write(append(bytes.Repeat([]byte{'x'}, MaxLine+r.IntN(MaxLine)), '\n'))
			}
		}
		find := func(hinted bool) (numbers []int) {
			m := newMatcher("wanted-77.example.com")
			s := newScanner(bytes.NewReader(file.Bytes()))
			if hinted {
				s.seek(m.name)
			}
			for {
				err := s.next(nil)
				if err == io.EOF {
					return numbers
				}
				if err != nil {
					t.Fatal(err)
				}
				if l, ok := s.names(); ok && m.matches(l.names) {
					numbers = append(numbers, l.number)
				}
			}
		}
		if got, want := find(true), find(false); !slices.Equal(got, want) {
			t.Fatalf("round %d: lines %v, want %v", round, got, want)
		}
	}
}
