package kex

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"
)

// fixedModuli chooses its one prime whatever is asked for.
type fixedModuli struct{ prime string }

func (f fixedModuli) Choose(_, _, _ int) (p, g *big.Int, err error) {
	d := fixedGroup(f).group()
	return d.p, d.g, nil
}

func moduliLine(kind, tests, size int, g, p string) string {
	return fmt.Sprintf("20260101000000 %d %d 100 %d %s %s\n", kind, tests, size, g, p)
}

func TestParseModuli(t *testing.T) {
	good14, good16 := moduliLine(2, 6, 2047, "2", group14), moduliLine(2, 6, 4095, "5", strings.ToLower(group16))
	m, err := ParseModuli(strings.NewReader("# $OpenBSD$\n\n" + good14 + good16 + "not a line\n" + good14))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(m.(groups)); n != 3 {
		t.Fatalf("%d groups", n)
	}
	for _, v := range []struct{ least, prefer, most, bits int }{
		{2048, 2048, 8192, 2048},
		{2048, 3072, 8192, 4096},
		{2048, 8192, 8192, 4096}, // the largest of the file
		{8192, 8192, 8192, 8192}, // built in
	} {
		p, g, err := m.Choose(v.least, v.prefer, v.most)
		if err != nil || p.BitLen() != v.bits || g.Sign() <= 0 {
			t.Errorf("%v: %v, %v", v, p, err)
		}
	}
	if _, _, err := m.Choose(5000, 5000, 5001); !errors.Is(err, ErrGroup) {
		t.Errorf("no group: %v", err)
	}
}

func TestParseModuliPassesOver(t *testing.T) {
	small := strings.Repeat("F", 256)
	for what, line := range map[string]string{
		"empty":            "",
		"comment":          "#" + moduliLine(2, 6, 2047, "2", group14),
		"unsafe prime":     moduliLine(4, 6, 2047, "2", group14),
		"untested":         moduliLine(2, 0, 2047, "2", group14),
		"composite":        moduliLine(2, 7, 2047, "2", group14),
		"unknown test":     moduliLine(2, 38, 2047, "2", group14),
		"negative test":    moduliLine(2, -6, 2047, "2", group14),
		"wrong size":       moduliLine(2, 6, 2048, "2", group14),
		"too small":        moduliLine(2, 6, 1023, "2", small),
		"even":             moduliLine(2, 6, 2047, "2", group14[:len(group14)-1]+"E"),
		"too large":        moduliLine(2, 6, 8195, "2", "F"+group18),
		"trivial g":        moduliLine(2, 6, 2047, "1", group14),
		"negative g":       moduliLine(2, 6, 2047, "-2", group14),
		"g not hex":        moduliLine(2, 6, 2047, "0x2", group14),
		"p signed":         moduliLine(2, 6, 2047, "2", "+"+group14),
		"field too many":   strings.TrimSpace(moduliLine(2, 6, 2047, "2", group14)) + " 1\n",
		"field too few":    moduliLine(2, 6, 2047, "2", ""),
		"type no number":   "20260101000000 x 6 100 2047 2 " + group14,
		"divisible by 3":   moduliLine(2, 6, 2047, "2", fmt.Sprintf("%x", threefold(primeOf("group14")))),
		"underscores in p": moduliLine(2, 6, 2047, "2", group14[:8]+"_"+group14[8:]),
	} {
		if _, err := ParseModuli(strings.NewReader(line)); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
}

func TestParseModuliLimits(t *testing.T) {
	good := moduliLine(2, 6, 2047, "2", group14)
	for what, file := range map[string]io.Reader{
		"long line":   strings.NewReader(good + strings.Repeat("x", maxModuliLine+1)),
		"many lines":  strings.NewReader(good + strings.Repeat("#\n", maxModuliLines)),
		"read failed": io.MultiReader(strings.NewReader(good), brokenRandom{}),
	} {
		if _, err := ParseModuli(file); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
	exact := good + strings.Repeat("#\n", maxModuliLines-1)
	if _, err := ParseModuli(strings.NewReader(exact)); err != nil {
		t.Errorf("largest file: %v", err)
	}
}

func FuzzParseModuli(f *testing.F) {
	f.Add([]byte("# comment\n" + moduliLine(2, 6, 2047, "2", group14)))
	f.Add([]byte(moduliLine(2, 6, 4095, "5", group16) + moduliLine(4, 0, 1, "f", "f")))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := ParseModuli(bytes.NewReader(file))
		if err != nil {
			return
		}
		p, g, err := m.Choose(MinGroupBits, MinGroupBits, MaxGroupBits)
		if err != nil {
			t.Fatal(err)
		}
		if err := (&group{p: p, g: g}).check(MinGroupBits, MaxGroupBits); err != nil {
			t.Fatal(err)
		}
	})
}
