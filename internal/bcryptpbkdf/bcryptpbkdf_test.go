package bcryptpbkdf

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
)

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
		var rounds int
		var password, salt, want []byte
		if _, err := fmt.Sscanf(line, "%d %x %x %x", &rounds, &password, &salt, &want); err != nil {
			t.Fatal(err)
		}
		count++
		before := bytes.Clone(salt)
		got, err := Key(password, salt, rounds, len(want))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q, %d rounds: %x, %v, want %x", password, rounds, got, err, want)
		}
		if !bytes.Equal(salt, before) {
			t.Errorf("the salt has changed to %x", salt)
		}
	}
	if count != 7 {
		t.Errorf("%d vectors, want 7", count)
	}
}

func TestLengths(t *testing.T) {
	for _, n := range []int{1, 31, 32, 33, 63, 65, 100, MaxKeyLen} {
		key, err := Key([]byte("p"), []byte("s"), 1, n)
		if err != nil || len(key) != n {
			t.Errorf("%d bytes wanted: %d, %v", n, len(key), err)
		}
		if n >= 31 && bytes.Contains(key, make([]byte, 8)) {
			t.Errorf("a key of %d bytes has a gap: %s", n, hex.EncodeToString(key))
		}
	}
}

// The salt must not be written to beyond its end.
func TestSaltCapacity(t *testing.T) {
	buf := []byte("salt and more")
	if _, err := Key([]byte("p"), buf[:4], 1, 32); err != nil || string(buf) != "salt and more" {
		t.Errorf("%v, the salt's neighbours are %q", err, buf)
	}
}

func TestRefused(t *testing.T) {
	pass, salt := []byte("password"), []byte("salt")
	tests := []struct {
		name       string
		pass, salt []byte
		rounds, n  int
	}{
		{"no passphrase", nil, salt, 16, 32},
		{"no salt", pass, nil, 16, 32},
		{"long salt", pass, make([]byte, MaxSaltLen+1), 16, 32},
		{"no rounds", pass, salt, 0, 32},
		{"negative rounds", pass, salt, -1, 32},
		{"too many rounds", pass, salt, MaxRounds + 1, 32},
		{"no key", pass, salt, 16, 0},
		{"negative key", pass, salt, 16, -1},
		{"long key", pass, salt, 16, MaxKeyLen + 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if key, err := Key(test.pass, test.salt, test.rounds, test.n); err == nil {
				t.Errorf("a key of %d bytes", len(key))
			}
		})
	}
}

// A key file of ssh-keygen: 24 rounds, 48 bytes for aes256-ctr.
func BenchmarkKeyFile(b *testing.B) {
	for b.Loop() {
		if _, err := Key([]byte("passphrase"), []byte("0123456789abcdef"), 24, 48); err != nil {
			b.Fatal(err)
		}
	}
}
