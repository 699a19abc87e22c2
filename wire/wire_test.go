package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// The examples of RFC 4251, section 5, as far as they are not negative.
var mpints = []struct{ value, encoded string }{
	{"0", "00000000"},
	{"9a378f9b2e332a7", "0000000809a378f9b2e332a7"},
	{"80", "000000020080"},
}

func TestMpint(t *testing.T) {
	for _, v := range mpints {
		n, _ := new(big.Int).SetString(v.value, 16)
		if got := hex.EncodeToString(AppendMpint(nil, n)); got != v.encoded {
			t.Errorf("%s is encoded as %s, want %s", v.value, got, v.encoded)
		}
		padded := append([]byte{0, 0}, n.Bytes()...)
		if got := hex.EncodeToString(AppendMpintBytes(nil, padded)); got != v.encoded {
			t.Errorf("the magnitude of %s is encoded as %s, want %s", v.value, got, v.encoded)
		}
		b, _ := hex.DecodeString(v.encoded)
		r := NewReader(b)
		if got := r.Mpint(); got.Cmp(n) != 0 || r.End() != nil {
			t.Errorf("%s is read as %x, %v", v.encoded, got, r.End())
		}
	}
}

func TestMpintRefused(t *testing.T) {
	for name, b := range map[string][]byte{
		"negative":     {0, 0, 0, 2, 0xed, 0xcc},
		"padded":       {0, 0, 0, 2, 0, 0x7f},
		"zero padded":  {0, 0, 0, 1, 0},
		"truncated":    {0, 0, 0, 9, 1},
		"beyond 2^31":  {0xff, 0xff, 0xff, 0xff, 1},
		"over the cap": AppendMpintBytes(nil, bytes.Repeat([]byte{1}, MaxMpintBits/8+2)),
	} {
		r := NewReader(b)
		if n := r.Mpint(); r.Err() == nil || n.Sign() != 0 {
			t.Errorf("%s: read as %x", name, n)
		}
	}
}

func TestNameList(t *testing.T) {
	for _, names := range [][]string{nil, {"zlib"}, {"zlib", "none"}} {
		r := NewReader(AppendNameList(nil, names))
		if got := r.NameList(); !slices.Equal(got, names) || r.End() != nil {
			t.Errorf("%q comes back as %q, %v", names, got, r.End())
		}
	}
	many := strings.TrimSuffix(strings.Repeat("x,", MaxNames+1), ",")
	for _, bad := range []string{",", "a,", ",a", "a,,b", "a b", "a\x00", "é", "a\n", many} {
		r := NewReader(AppendString(nil, bad))
		if got := r.NameList(); r.Err() == nil {
			t.Errorf("%.20q is taken as %d names", bad, len(got))
		}
	}
}

// The first error sticks, and nothing is returned after it.
func TestErrorsStick(t *testing.T) {
	r := NewReader([]byte{0, 0, 0, 5, 'a', 'b'})
	if b := r.Bytes(); b != nil || !errors.Is(r.Err(), ErrShort) {
		t.Fatalf("%q, %v", b, r.Err())
	}
	if r.Byte() != 0 || r.Uint32() != 0 || r.Uint64() != 0 || r.Bool() || r.String() != "" || r.NameList() != nil || r.Len() != 0 || len(r.Rest()) != 0 {
		t.Fatal("a reader goes on after an error")
	}
	if !errors.Is(r.End(), ErrShort) {
		t.Fatalf("the first error was replaced by %v", r.End())
	}
}

func TestTrailing(t *testing.T) {
	r := NewReader([]byte{1, 2})
	if !r.Bool() || !errors.Is(r.End(), ErrTrailing) {
		t.Fatal(r.End())
	}
}

// What is read is a part of what was given, and can't be appended to over it.
func TestAliasing(t *testing.T) {
	b := AppendString(AppendString(nil, "one"), "two")
	r := NewReader(b)
	one := r.Bytes()
	if &one[0] != &b[4] {
		t.Error("Bytes copies")
	}
	_ = append(one, "XXXXXXXX"...)
	if two := r.String(); two != "two" {
		t.Errorf("appending to one value changed the next to %q", two)
	}
}

func ExampleReader() {
	b := AppendUint32([]byte{MsgChannelData}, 7)
	b = AppendString(b, "hello")

	r := NewReader(b[1:])
	channel, data := r.Uint32(), r.Bytes()
	fmt.Println(channel, string(data), r.End())
	// Output: 7 hello <nil>
}

// Whatever the bytes are, a reader neither panics nor reads past them, and what
// it does read is encoded to the same bytes again.
func FuzzReader(f *testing.F) {
	f.Add([]byte("sbn"), AppendNameList(AppendString(nil, "x"), []string{"a", "b"}))
	f.Add([]byte("m4"), AppendUint32(AppendMpint(nil, big.NewInt(200)), 7))
	f.Fuzz(func(t *testing.T, program, b []byte) {
		r := NewReader(b)
		var again []byte
		for _, op := range program {
			if r.Err() != nil {
				break
			}
			switch op {
			case 's':
				again = AppendString(again, r.Bytes())
			case 'm':
				again = AppendMpint(again, r.Mpint())
			case 'n':
				again = AppendNameList(again, r.NameList())
			case '4':
				again = AppendUint32(again, r.Uint32())
			case '8':
				again = AppendUint64(again, r.Uint64())
			case '1':
				again = append(again, r.Byte())
			}
		}
		if r.Err() == nil && !bytes.Equal(again, b[:len(b)-r.Len()]) {
			t.Fatalf("%x was read and is encoded as %x", b, again)
		}
	})
}
