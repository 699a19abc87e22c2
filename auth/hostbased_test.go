package auth

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

func hostRequest(t testing.TB) HostRequest {
	t.Helper()
	k, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		t.Fatal(err)
	}
	return HostRequest{bytes.Repeat([]byte{7}, 32), "root", key.TypeEd25519, k.Public().Blob(), "host.example.", "me"}
}

func TestParseHostRequest(t *testing.T) {
	good := hostRequest(t)
	q, k, err := ParseHostRequest(good.append(nil))
	if err != nil || q.ClientHost != "host.example." || q.ClientUser != "me" || q.User != "root" || !bytes.Equal(k.Blob(), good.Key) {
		t.Errorf("%+v, %v", q, err)
	}
	for name, change := range map[string]func(q *HostRequest){
		"short session":     func(q *HostRequest) { q.SessionID = q.SessionID[:19] },
		"long session":      func(q *HostRequest) { q.SessionID = make([]byte, 65) },
		"another algorithm": func(q *HostRequest) { q.Algorithm = "rsa-sha2-512" },
		"no key":            func(q *HostRequest) { q.Key = []byte("x") },
	} {
		q := good
		change(&q)
		if _, _, err := ParseHostRequest(q.append(nil)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	// Not another method: a signature for that would be a login.
	other := wire.AppendString(nil, good.SessionID)
	other = appendPublicKeyRequest(other, "root", methodPublicKey, true, key.TypeEd25519, good.Key, nil)
	if _, _, err := ParseHostRequest(other); err == nil {
		t.Error("a request for another method was taken")
	}
	if _, _, err := ParseHostRequest(append(good.append(nil), 0)); err == nil {
		t.Error("a request with something behind it was taken")
	}
}

func FuzzParseHostRequest(f *testing.F) {
	f.Add(hostRequest(f).append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		if q, k, err := ParseHostRequest(data); err == nil && (k == nil || !bytes.Equal(q.append(nil), data)) {
			t.Errorf("%+v is not what was read", q)
		}
	})
}
