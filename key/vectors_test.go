package key

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudflare/circl/sign/ed448"

	"github.com/nacre-ssh/nacre/wire"
)

func readVectors(t testing.TB, name string, to any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatal(err)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRFC8032(t *testing.T) {
	var vectors []struct{ Name, Type, Seed, Public, Msg, Sig string }
	readVectors(t, "rfc8032.json", &vectors)
	if len(vectors) != 12 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for _, v := range vectors {
		var k *Private
		var err error
		if seed := unhex(t, v.Seed); v.Type == TypeEd25519 {
			k, err = NewPrivate(ed25519.NewKeyFromSeed(seed))
		} else {
			k, err = NewPrivate(ed448.NewKeyFromSeed(seed))
		}
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		want := wire.AppendString(wire.AppendString(nil, v.Type), unhex(t, v.Public))
		if !bytes.Equal(k.Public().Blob(), want) {
			t.Errorf("%s: another public key: %x", v.Name, k.Public().Blob())
		}
		sig := wire.AppendString(wire.AppendString(nil, v.Type), unhex(t, v.Sig))
		got, err := k.Sign(context.Background(), v.Type, unhex(t, v.Msg))
		if err != nil || !bytes.Equal(got, sig) {
			t.Errorf("%s: another signature: %x %v", v.Name, got, err)
		}
		if err := k.Public().Verify(v.Type, unhex(t, v.Msg), sig); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}

// wycheproofKey builds the blob of a group's key.
func wycheproofKey(t *testing.T, algorithm string, parts map[string]string) Public {
	t.Helper()
	typ := TypeOf(algorithm)
	blob := wire.AppendString(nil, typ)
	switch {
	case parts["n"] != "":
		blob = wire.AppendMpintBytes(blob, unhex(t, parts["e"]))
		blob = wire.AppendMpintBytes(blob, unhex(t, parts["n"]))
	case parts["point"] != "":
		blob = wire.AppendString(blob, strings.TrimPrefix(typ, "ecdsa-sha2-"))
		blob = wire.AppendString(blob, unhex(t, parts["point"]))
	default:
		blob = wire.AppendString(blob, unhex(t, parts["pk"]))
	}
	k, err := ParsePublic(blob)
	if err != nil {
		t.Fatalf("%s: %v", algorithm, err)
	}
	return k
}

// wycheproofSignature puts a vector's signature into SSH's encoding.
func wycheproofSignature(algorithm string, sig []byte) []byte {
	if strings.HasPrefix(algorithm, "ecdsa-") {
		half := len(sig) / 2
		sig = wire.AppendMpint(wire.AppendMpint(nil, new(big.Int).SetBytes(sig[:half])), new(big.Int).SetBytes(sig[half:]))
	}
	return wire.AppendString(wire.AppendString(nil, algorithm), sig)
}

func TestWycheproof(t *testing.T) {
	var groups []struct {
		Source, Algorithm string
		Key               map[string]string
		Tests             []struct {
			ID                int
			Comment, Msg, Sig string
			Valid             bool
		}
	}
	readVectors(t, "wycheproof.json", &groups)
	ran := 0
	for _, g := range groups {
		k := wycheproofKey(t, g.Algorithm, g.Key)
		curve := curveOfType(k)
		for _, v := range g.Tests {
			sig := unhex(t, v.Sig)
			if curve != nil && (len(sig) == 0 || len(sig) != 2*((curve.bits+7)/8)) {
				continue // lengths are P1363's own matter: here each half has its length
			}
			ran++
			err := k.Verify(g.Algorithm, unhex(t, v.Msg), wycheproofSignature(g.Algorithm, sig))
			if (err == nil) != v.Valid {
				t.Errorf("%s %d (%s): %v", g.Source, v.ID, v.Comment, err)
			}
		}
	}
	if ran < 300 {
		t.Errorf("%d vectors were tried", ran)
	}
}

func curveOfType(k Public) *curve {
	if e, ok := k.(*ecdsaPublic); ok {
		return e.curve
	}
	return nil
}

// sshsig reads a signature of OpenSSH's over signed-data: key, signature blob,
// what was signed (PROTOCOL.sshsig).
func sshsig(t testing.TB, name string) (k Public, signature, signed []byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/openssh", name+".sig"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s: no signature", name)
	}
	r := wire.NewReader(block.Bytes)
	r.Take(6 + 4)
	blob, namespace, reserved, hash := r.Bytes(), r.Bytes(), r.Bytes(), r.Bytes()
	signature = r.Bytes()
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	if k, err = ParsePublic(blob); err != nil {
		t.Fatal(err)
	}
	message, err := os.ReadFile("testdata/openssh/signed-data")
	if err != nil {
		t.Fatal(err)
	}
	digest := sha512.Sum512(message)
	sum := digest[:]
	if string(hash) == "sha256" {
		d := sha256.Sum256(message)
		sum = d[:]
	}
	signed = append([]byte("SSHSIG"), wire.AppendString(nil, namespace)...)
	signed = wire.AppendString(wire.AppendString(signed, reserved), hash)
	return k, signature, wire.AppendString(signed, sum)
}

// TestOpenSSHSignatures verifies what OpenSSH made, and no change of it.
func TestOpenSSHSignatures(t *testing.T) {
	for name, algorithm := range map[string]string{
		"ecdsa_sk": TypeSKECDSA, "ed25519_sk": TypeSKEd25519, "ecdsa_sk_webauthn": AlgWebauthnSKECDSA, "dsa": TypeDSA,
	} {
		k, signature, signed := sshsig(t, name)
		if err := k.Verify(algorithm, signed, signature); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i := range signature {
			b := bytes.Clone(signature)
			b[i] ^= 1
			if k.Verify(algorithm, signed, b) == nil {
				t.Fatalf("%s: byte %d was changed and it was taken", name, i)
			}
			if k.Verify(algorithm, signed, signature[:i]) == nil {
				t.Fatalf("%s: cut after %d bytes it was taken", name, i)
			}
		}
		if k.Verify(algorithm, append(signed, 0), signature) == nil {
			t.Errorf("%s: other data was taken", name)
		}
	}
}
