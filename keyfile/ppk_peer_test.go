package keyfile

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nacre-ssh/nacre/key"
)

// opened reads a private key file of the test data.
func opened(t testing.TB, name, secret string) *key.Private {
	t.Helper()
	k, _, err := ParsePrivate(read(t, name), passphrase(secret))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return k
}

// foreignKeys are keys of every type that PuTTY has.
func foreignKeys(t *testing.T) map[string]*key.Private {
	return map[string]*key.Private{
		"rsa": opened(t, "rsa", ""), "dsa": opened(t, "ppk/dsa.ppk", ""), "ed25519": opened(t, "ed25519", ""),
		"ecdsa256": opened(t, "ecdsa256", ""), "ecdsa384": opened(t, "ecdsa384", ""), "ecdsa521": opened(t, "ecdsa521", ""),
		"ed448": opened(t, "ppk/ed448.ppk", ""),
	}
}

// run runs a peer's program in a directory of the test's.
func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}

func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Each type, version and password hash: puttygen reads ours, and we read what
// puttygen makes of it. What isn't encrypted is the same to the byte.
func TestPuttygen(t *testing.T) {
	for name, k := range foreignKeys(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := emptyAndPassphrase(t)
			for _, params := range []PPKParams{{Version: 2}, {KDF: Argon2id}, {KDF: Argon2i}, {KDF: Argon2d, Parallelism: 3}} {
				for _, secret := range []string{"", "a passphrase"} {
					if secret == "" && params.KDF != Argon2id && params.KDF != "" {
						continue // nothing is derived
					}
					params.Memory, params.Passes = 64, 2
					puttygenBothWays(t, dir, k, params, secret)
				}
			}
		})
	}
}

// PuTTY puts the larger prime first, whoever made the key, and a seed has all
// its bytes, whatever they are.
func TestPuttygenOddKeys(t *testing.T) {
	from, ok := opened(t, "rsa", "").Crypto().(*rsa.PrivateKey)
	if !ok || len(from.Primes) != 2 {
		t.Fatal("no RSA key")
	}
	small, large := from.Primes[0], from.Primes[1]
	if small.Cmp(large) > 0 {
		small, large = large, small
	}
	signers := []crypto.Signer{
		&rsa.PrivateKey{PublicKey: from.PublicKey, D: from.D, Primes: []*big.Int{small, large}},
		ed25519.NewKeyFromSeed(bytes.Repeat([]byte{0xff}, ed25519.SeedSize)),
		ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), 1)),
		ed25519.NewKeyFromSeed(append([]byte{1}, make([]byte, ed25519.SeedSize-1)...)),
	}
	for _, signer := range signers {
		k, err := key.NewPrivate(signer)
		if err != nil {
			t.Fatal(err)
		}
		for _, params := range []PPKParams{{Version: 2}, {KDF: Argon2id, Memory: 64, Passes: 1}} {
			puttygenBothWays(t, emptyAndPassphrase(t), k, params, "")
		}
	}
}

// emptyAndPassphrase is a directory with a passphrase's file and an empty one.
func emptyAndPassphrase(t *testing.T) string {
	dir := t.TempDir()
	put(t, dir, "pw", []byte("a passphrase"))
	put(t, dir, "none", nil)
	return dir
}

func puttygenBothWays(t *testing.T, dir string, k *key.Private, params PPKParams, secret string) {
	t.Helper()
	ours, err := MarshalPPK(k, nil, "a comment: with ä", []byte(secret), params)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "ours.ppk", ours)
	file := "none"
	if secret != "" {
		file = "pw"
	}
	option := "version=2"
	if params.Version == 0 {
		option = fmt.Sprintf("kdf=%s,memory=%d,passes=%d,parallelism=%d", params.KDF, params.Memory, params.Passes, max(params.Parallelism, 1))
	}
	run(t, dir, "puttygen", "ours.ppk", "--reencrypt", "--old-passphrase", file, "--ppk-param", option, "-o", "theirs.ppk")
	theirs := get(t, dir, "theirs.ppk")
	if secret == "" && !bytes.Equal(ours, theirs) {
		t.Errorf("%+v: ours\n%s\ntheirs\n%s", params, ours, theirs)
	}
	p, err := ParsePPK(theirs)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Open([]byte(secret))
	if err != nil || !key.Equal(again.Public(), k.Public()) || p.Comment != "a comment: with ä" || p.Encrypted() != (secret != "") {
		t.Fatalf("%+v with %q: %v, %q", params, secret, err, p.Comment)
	}
	if got := sealed3(t, again, p, secret); got != string(theirs) {
		t.Errorf("%+v: ours\n%s\ntheirs\n%s", params, got, theirs)
	}
}

// A certificate stands in the public part and is kept.
func TestPPKCertificate(t *testing.T) {
	for _, name := range []string{"ed25519", "rsa", "ecdsa256", "ecdsa384", "ecdsa521"} {
		dir := t.TempDir()
		k := opened(t, name, "")
		put(t, dir, "key.pub", read(t, name+".pub"))
		put(t, dir, "ca", read(t, "ed25519"))
		run(t, dir, "ssh-keygen", "-q", "-s", "ca", "-I", "id", "-n", "someone", "key.pub")
		certificate, err := certificateBlob(get(t, dir, "key-cert.pub"))
		if err != nil {
			t.Fatal(err)
		}
		ours, err := MarshalPPK(k, certificate, "c", nil, PPKParams{})
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, "ours.ppk", ours)
		run(t, dir, "puttygen", "ours.ppk", "--reencrypt", "-o", "theirs.ppk")
		theirs := get(t, dir, "theirs.ppk")
		if !bytes.Equal(ours, theirs) {
			t.Errorf("ours\n%s\ntheirs\n%s", ours, theirs)
		}
		p, err := ParsePPK(theirs)
		if err != nil || !bytes.Equal(p.Public, certificate) || !IsCertificate(p.Public) {
			t.Fatalf("%v", err)
		}
		again, err := p.Open(nil)
		if err != nil || !key.Equal(again.Public(), k.Public()) {
			t.Errorf("%v", err)
		}
		if certified, err := p.Key(); err != nil || !key.Equal(certified, k.Public()) {
			t.Errorf("%v", err)
		}
	}
}

// certificateBlob takes the blob out of a line "type base64 comment".
func certificateBlob(line []byte) ([]byte, error) {
	f := bytes.Fields(line)
	if len(f) < 2 {
		return nil, errors.New("no certificate")
	}
	return base64.StdEncoding.DecodeString(string(f[1]))
}
