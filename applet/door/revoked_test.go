package door

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
)

// A file of revoked keys is a list or a KRL, counts as soon as it is changed,
// and refuses everybody when it can't be read.
func TestRevokedKeys(t *testing.T) {
	newKey := func() key.Public {
		k, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
		if err != nil {
			t.Fatal(err)
		}
		return k.Public()
	}
	good, bad := newKey(), newKey()
	krl := new(cert.KRL)
	krl.RevokeKey(bad)
	path := filepath.Join(t.TempDir(), "revoked")
	r := new(RevokedKeys)
	if err := r.Check(path, good); err == nil || errors.Is(err, cert.ErrRevoked) {
		t.Errorf("no file: %v", err)
	}
	for i, test := range []struct {
		text         string
		good, usable bool
	}{
		{"", true, true},
		{string(krl.Marshal()), true, true},
		{"# list\n\n" + string(cert.MarshalLine(bad, "bad")), true, true},
		{string(cert.MarshalLine(bad, "")) + string(cert.MarshalLine(good, "")), false, true},
		{"ssh-unheard-of AAAADnNzaC11bmhlYXJkLW9m\n" + string(cert.MarshalLine(bad, "")), true, true},
		{"nonsense\n", false, false},
		{string(krl.Marshal()[:40]), false, false},
	} {
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Unix(1000+int64(i), 0) // a file system's clock may be coarse
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			err := r.Check(path, good)
			if (err == nil) != test.good || errors.Is(err, cert.ErrRevoked) != (!test.good && test.usable) {
				t.Errorf("%.40q: the good key: %v", test.text, err)
			}
			if err := r.Check(path, bad); test.text != "" && (err == nil || errors.Is(err, cert.ErrRevoked) != test.usable) {
				t.Errorf("%.40q: the bad key: %v", test.text, err)
			}
		}
	}
}
