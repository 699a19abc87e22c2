package term

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParseModes(t *testing.T) {
	long := bytes.Repeat([]byte{1, 0, 0, 0, 3}, 1000)
	for _, test := range []struct {
		name string
		in   []byte
		want Modes
		bad  bool
	}{
		{"nothing", nil, nil, false},
		{"the end alone", []byte{0}, nil, false},
		{"two modes", []byte{53, 0, 0, 0, 1, 129, 0, 0, 0x96, 0, 0}, Modes{{53, 1}, {129, 38400}}, false},
		{"no end", []byte{53, 0, 0, 0, 1}, Modes{{53, 1}}, false},
		{"an unknown opcode is kept", []byte{159, 1, 2, 3, 4, 1, 0, 0, 0, 3, 0}, Modes{{159, 0x01020304}, {1, 3}}, false},
		{"an undefined opcode stops", []byte{1, 0, 0, 0, 3, 160, 1}, Modes{{1, 3}}, false},
		{"what follows the end", []byte{0, 1, 2}, nil, false},
		{"cut short", []byte{53, 0, 0, 1}, nil, true},
		{"too long", long, nil, true},
	} {
		got, err := ParseModes(test.in)
		if !reflect.DeepEqual(got, test.want) || errors.Is(err, ErrModes) != test.bad {
			t.Errorf("%s: %v, %v", test.name, got, err)
		}
	}
}

func TestModesRoundTrip(t *testing.T) {
	modes := Modes{{128, 9600}, {53, 0}, {53, 1}}
	got, err := ParseModes(modes.Append([]byte("x"))[1:])
	if err != nil || !reflect.DeepEqual(got, modes) {
		t.Errorf("%v, %v", got, err)
	}
	if v, ok := got.Get(53); !ok || v != 1 {
		t.Errorf("the last value counts: %d", v)
	}
	if _, ok := got.Get(1); ok {
		t.Error("a mode out of nowhere")
	}
}

func FuzzParseModes(f *testing.F) {
	f.Add([]byte{129, 0, 0, 0x96, 0, 128, 0, 0, 0x96, 0, 1, 0, 0, 0, 3, 42, 0, 0, 0, 1, 0})
	f.Add([]byte{160})
	f.Fuzz(func(t *testing.T, b []byte) {
		modes, err := ParseModes(b)
		if err != nil {
			return
		}
		again, err := ParseModes(modes.Append(nil))
		if err != nil || !reflect.DeepEqual(again, modes) {
			t.Errorf("%x: %v became %v, %v", b, modes, again, err)
		}
	})
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain\r\nüñí\t✓": "plain\nüñí\t✓",
		"\x1b[31mred\a":   `\x1b[31mred\x07`,
		"\xff\x00":        `\xff\x00`,
		"over\rwrite":     `over\x0dwrite`,
		"a\u009bb\u202ec": `a\u009bb\u202ec`,
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestReadLine(t *testing.T) {
	r := strings.NewReader("one\ntwo\rthree")
	for _, want := range []string{"one", "two", "three"} {
		if line, err := readLine(r); err != nil || string(line) != want {
			t.Errorf("%q, %v", line, err)
		}
	}
	if _, err := readLine(r); err == nil {
		t.Error("a line after the end")
	}
	if _, err := readLine(strings.NewReader(strings.Repeat("x", maxAnswer+1))); err == nil {
		t.Error("an answer without end")
	}
}

func TestWatchSizeOfNoTerminal(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	WatchSize(ctx, nil, func(Size) { t.Error("nothing has a size") })
	cancel()
	if IsTerminal(nil) {
		t.Error("nothing is a terminal")
	}
}
