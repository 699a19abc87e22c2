package argon2d

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
)

// The reference vector of RFC 9106, section 5.1.
func TestRFC9106(t *testing.T) {
	in := input{
		password: bytes.Repeat([]byte{1}, 32),
		salt:     bytes.Repeat([]byte{2}, 16),
		secret:   bytes.Repeat([]byte{3}, 8),
		data:     bytes.Repeat([]byte{4}, 12),
	}
	got, err := derive(in, 3, 32, 4, 32)
	const want = "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb"
	if err != nil || hex.EncodeToString(got) != want {
		t.Errorf("got %x, %v", got, err)
	}
}

func TestVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.Lines(string(data)) {
		if line[0] == '#' {
			continue
		}
		var passes, memory, lanes uint32
		var want string
		if _, err := fmt.Sscan(line, &passes, &memory, &lanes, &want); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got, err := Key([]byte("password"), []byte("somesalt"), passes, memory, lanes, len(want)/2)
		if err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%q: got %x, %v", line, got, err)
		}
		count++
	}
	if count < 8 {
		t.Errorf("only %d vectors", count)
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		passes, memory, lanes uint32
		size                  int
	}{
		{0, 64, 1, 32}, {1, 64, 0, 32}, {1, 7, 1, 32}, {1, 15, 2, 32}, {1, 64, 1, 3},
		{1, 1<<32 - 1, 1 << 24, 32}, {1, 64, 1<<32 - 1, 32},
	} {
		if got, err := Key(nil, nil, test.passes, test.memory, test.lanes, test.size); err == nil {
			t.Errorf("%v: %x", test, got)
		}
	}
}

// Memory that doesn't divide into equal segments counts in the hash, and is not
// used.
func TestOddMemory(t *testing.T) {
	a, err := Key([]byte("p"), []byte("saltsalt"), 1, 64, 1, 80)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Key([]byte("p"), []byte("saltsalt"), 1, 67, 1, 80)
	if err != nil || len(b) != 80 || bytes.Equal(a, b) {
		t.Errorf("%x, %x, %v", a, b, err)
	}
}

func BenchmarkKey(b *testing.B) {
	b.SetBytes(8 << 20)
	for b.Loop() {
		if _, err := Key([]byte("password"), []byte("somesalt"), 1, 8192, 1, 80); err != nil {
			b.Fatal(err)
		}
	}
}
