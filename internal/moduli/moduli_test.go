package moduli

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func quiet(string, ...any) {}

// small is a range in which there are safe primes.
func small(t testing.TB) Range {
	t.Helper()
	start, ok := new(big.Int).SetString("c0000000000000000000000000000000000000000000000000000000000000000000000000000000"+
		"0000000000000000000000000000000000000000000000000", 16)
	if !ok {
		t.Fatal("no number")
	}
	return Range{Bits: start.BitLen() + 1, Start: start, Memory: 32 << 10, Primes: 1 << 18}
}

func candidates(t testing.TB, r Range) []byte {
	t.Helper()
	var out bytes.Buffer
	n, err := Generate(t.Context(), &out, r, quiet)
	if err != nil || n != bytes.Count(out.Bytes(), []byte("\n")) || n == 0 {
		t.Fatalf("%d candidates: %v", n, err)
	}
	return out.Bytes()
}

// TestGenerate checks each q of the range against the product of the primes.
func TestGenerate(t *testing.T) {
	r := small(t)
	r.Memory, r.Primes = 1<<10, 1000
	var want []string
	product := big.NewInt(1)
	for n := int64(3); n < 1000; n += 2 {
		if big.NewInt(n).ProbablyPrime(0) {
			product.Mul(product, big.NewInt(n))
		}
	}
	one := big.NewInt(1)
	base := new(big.Int).SetBit(new(big.Int).Set(r.Start), 0, 1)
	for j := range int64(r.Memory * 8) {
		q := new(big.Int).Add(base, big.NewInt(2*j))
		p := new(big.Int).Add(new(big.Int).Lsh(q, 1), one)
		if new(big.Int).GCD(nil, nil, q, product).Cmp(one) == 0 && new(big.Int).GCD(nil, nil, p, product).Cmp(one) == 0 {
			want = append(want, strings.ToUpper(q.Text(16)))
		}
	}
	var got []string
	for line := range strings.Lines(string(candidates(t, r))) {
		fields := strings.Fields(line)
		got = append(got, fields[6])
		if strings.Join(fields[1:6], " ") != "4 2 167 "+big.NewInt(int64(r.Bits-2)).String()+" 0" || len(fields[0]) != 14 {
			t.Fatalf("line %s", line)
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%d candidates, not %d", len(got), len(want))
	}
}

// TestScreen gives the same candidates to ssh-keygen.
func TestScreen(t *testing.T) {
	text := append([]byte("# comment\n\nshort\n20260101000000 2 1 0 1023 2 FF\n20260101000000 9 2 0 1023 2 FF\n"), candidates(t, small(t))...)
	var out bytes.Buffer
	found, err := Screen(t.Context(), &out, bytes.NewReader(text), Screening{Tests: 4}, quiet)
	if err != nil || found == 0 || found != strings.Count(out.String(), "\n") {
		t.Fatalf("%d found: %v", found, err)
	}
	dir := t.TempDir()
	in, theirs := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if log, err := exec.Command("ssh-keygen", "-M", "screen", "-O", "prime-tests=4", "-f", in, theirs).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, log)
	}
	want, err := os.ReadFile(theirs)
	if err != nil {
		t.Fatal(err)
	}
	if withoutTime(out.String()) != withoutTime(string(want)) {
		t.Errorf("ours\n%stheirs\n%s", out.String(), want)
	}
	// What was found is found again, by a second look that counts its tests.
	var again bytes.Buffer
	n, err := Screen(t.Context(), &again, &out, Screening{Tests: 5}, quiet)
	if err != nil || n != found || !strings.Contains(again.String(), " 2 6 9 ") {
		t.Errorf("%d of %d again: %v\n%s", n, found, err, again.String())
	}
}

func withoutTime(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(line[14:])
	}
	return b.String()
}

func TestScreenOptions(t *testing.T) {
	r := small(t)
	r.Memory /= 4
	text := candidates(t, r)
	screen := func(s Screening) []string {
		var out bytes.Buffer
		s.Tests = 4
		if _, err := Screen(t.Context(), &out, bytes.NewReader(text), s, quiet); err != nil {
			t.Fatal(err)
		}
		return strings.Split(withoutTime(out.String()), "\n")
	}
	all := screen(Screening{})
	two, five := screen(Screening{Generator: 2}), screen(Screening{Generator: 5})
	if len(two)+len(five) != len(all)+1 {
		t.Errorf("%d with generator 2, %d with 5, %d together", len(two), len(five), len(all))
	}
	half := uint64(bytes.Count(text, []byte("\n")) / 2)
	var last uint64
	first := screen(Screening{Lines: half, Done: func(n uint64) { last = n }})
	if last != half {
		t.Errorf("%d lines, not %d", last, half)
	}
	second := screen(Screening{Skip: half})
	if strings.Join(first, "\n")+strings.Join(second, "\n") != strings.Join(all, "\n") {
		t.Error("the halves are not the whole")
	}
}

func TestRefusals(t *testing.T) {
	for _, bits := range []int{1, MinBits - 1, MaxBits + 1} {
		if _, err := Generate(t.Context(), new(bytes.Buffer), Range{Bits: bits}, quiet); err == nil {
			t.Errorf("%d bits were taken", bits)
		}
	}
	if _, err := Screen(t.Context(), new(bytes.Buffer), strings.NewReader(""), Screening{Tests: 3}, quiet); err == nil {
		t.Error("three tests were enough")
	}
	if _, err := Screen(t.Context(), new(bytes.Buffer), strings.NewReader(strings.Repeat("1", 1<<20)), Screening{}, quiet); err == nil {
		t.Error("an endless line was read")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Generate(ctx, new(bytes.Buffer), small(t), quiet); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := Screen(ctx, new(bytes.Buffer), strings.NewReader("x\ny\n"), Screening{}, quiet); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzParseLine(f *testing.F) {
	moduli, err := os.ReadFile("/etc/ssh/moduli")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(moduli[:20000]) {
		f.Add(line)
	}
	f.Add([]byte("20260101000000 4 2 167 510 0 C1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, ok := parseLine(text)
		if !ok {
			return
		}
		var out bytes.Buffer
		if err := l.write(&out, time.Now()); err != nil {
			t.Fatal(err)
		}
		again, ok := parseLine(out.Bytes())
		if !ok || again.modulus.Cmp(l.modulus) != 0 || again.generator != l.generator || again.size != l.size {
			t.Errorf("%q", out.String())
		}
	})
}
