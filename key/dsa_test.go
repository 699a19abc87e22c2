package key

//lint:file-ignore SA1019 DSA is under test

import (
	"bytes"
	"context"
	"crypto/dsa"
	"crypto/rand"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/wire"
)

// testDSA is a key in the group of the signature in testdata.
func testDSA(t testing.TB) *Private {
	t.Helper()
	public, _, _ := sshsig(t, "dsa")
	group := public.Crypto().(*dsa.PublicKey)
	k, err := NewDSA(group.P, group.Q, group.G, nil, new(big.Int).SetBytes(bytes.Repeat([]byte{0x5a}, 19)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestDSA(t *testing.T) {
	k, data := testDSA(t), []byte("data")
	s := sign(t, k, TypeDSA, data)
	if err := k.Public().Verify(TypeDSA, data, s); err != nil {
		t.Error(err)
	}
	if err := k.Public().Verify(TypeDSA, []byte("Data"), s); !errors.Is(err, ErrSignature) {
		t.Errorf("other data: %v", err)
	}
	peer, err := ssh.ParsePublicKey(k.Public().Blob())
	if err != nil {
		t.Fatal(err)
	}
	var theirs ssh.Signature
	if err := ssh.Unmarshal(s, &theirs); err != nil {
		t.Fatal(err)
	}
	if err := peer.Verify(data, &theirs); err != nil {
		t.Errorf("x/crypto: %v", err)
	}
	if k.Public().Bits() != 1024 || ShortName(k.Public().Type()) != "DSA" {
		t.Errorf("%d bits", k.Public().Bits())
	}
	if _, err := Generate(rand.Reader, TypeDSA, 1024); err == nil {
		t.Error("a DSA key was made")
	}
}

func TestDSARoundTrip(t *testing.T) {
	k := testDSA(t)
	b, err := AppendPrivate(nil, k)
	if err != nil {
		t.Fatal(err)
	}
	r := wire.NewReader(b)
	again, err := ReadPrivate(&r)
	if err != nil || !Equal(again.Public(), k.Public()) || r.Len() != 0 {
		t.Errorf("%v", err)
	}
	for i := range b {
		r := wire.NewReader(b[:i])
		if _, err := ReadPrivate(&r); err == nil {
			t.Fatalf("cut after %d bytes it was still taken", i)
		}
	}
}

func TestDSARefuses(t *testing.T) {
	k := testDSA(t).Crypto().(*DSAPrivate).Key
	one := big.NewInt(1)
	big8193 := new(big.Int).Lsh(one, 8192)
	big8193.SetBit(big8193, 0, 1)
	small := new(big.Int).SetBit(new(big.Int).Lsh(one, 767), 0, 1)
	for name, n := range map[string][]*big.Int{
		"even p":     {new(big.Int).Add(k.P, one), k.Q, k.G, k.Y, k.X},
		"small p":    {small, k.Q, k.G, k.Y, k.X},
		"huge p":     {big8193, k.Q, k.G, k.Y, k.X},
		"long q":     {k.P, new(big.Int).Lsh(k.Q, 96), k.G, k.Y, k.X},
		"no q":       {k.P, new(big.Int), k.G, k.Y, k.X},
		"g 1":        {k.P, k.Q, one, k.Y, k.X},
		"g p":        {k.P, k.Q, k.P, k.Y, k.X},
		"y 0":        {k.P, k.Q, k.G, new(big.Int), k.X},
		"other y":    {k.P, k.Q, k.G, k.G, k.X},
		"x 0":        {k.P, k.Q, k.G, k.Y, new(big.Int)},
		"x q":        {k.P, k.Q, k.G, k.Y, k.Q},
		"missing q":  {k.P, nil, k.G, k.Y, k.X},
		"missing x":  {k.P, k.Q, k.G, k.Y, nil},
		"missing p":  {nil, k.Q, k.G, k.Y, k.X},
		"missing g":  {k.P, k.Q, nil, nil, k.X},
		"negative g": {k.P, k.Q, big.NewInt(-2), k.Y, k.X},
	} {
		if _, err := NewDSA(n[0], n[1], n[2], n[3], n[4]); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// TestDSAKeygen reads a key that ssh-keygen made.
func TestDSAKeygen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "id")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "dsa", "-N", "", "-f", path).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v %s", err, out)
	}
	line, err := os.ReadFile(path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	peer, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	if k, err := ParsePublic(peer.Marshal()); err != nil || k.Type() != TypeDSA {
		t.Fatal(err)
	}
}

func TestSKPrivate(t *testing.T) {
	for _, typ := range []string{TypeSKEd25519, TypeSKECDSA} {
		public, _ := newSK(t, typ)
		k, err := NewPrivate(&SKPrivate{Key: public.(*SK), Flags: SKUserPresent, Handle: []byte("handle"), Reserved: []byte{}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := AppendPrivate(nil, k)
		if err != nil {
			t.Fatal(err)
		}
		r := wire.NewReader(append(bytes.Clone(b), "rest"...))
		again, err := ReadPrivate(&r)
		if err != nil || string(r.Rest()) != "rest" || !Equal(again.Public(), public) {
			t.Fatalf("%s: %v", typ, err)
		}
		token := again.Crypto().(*SKPrivate)
		if token.Flags != SKUserPresent || string(token.Handle) != "handle" {
			t.Errorf("%s: %+v", typ, token)
		}
		if _, err := again.Sign(context.Background(), typ, nil); !errors.Is(err, ErrNeedsToken) {
			t.Errorf("%s: signed: %v", typ, err)
		}
		for i := range b {
			r := wire.NewReader(b[:i])
			if _, err := ReadPrivate(&r); err == nil {
				t.Fatalf("%s: cut after %d bytes it was still taken", typ, i)
			}
		}
	}
}

// TestWebauthnRefuses changes one thing at a time of what a browser wraps.
func TestWebauthnRefuses(t *testing.T) {
	data := []byte("challenge")
	const good = `{"type":"webauthn.get","challenge":"Y2hhbGxlbmdl","origin":"https://a.example"`
	for client, want := range map[string]bool{
		good + `}`:                                true,
		good + `,"crossOrigin":false}`:            true,
		strings.Replace(good, "get", "create", 1): false,
		strings.Replace(good, "Y2", "Y3", 1):      false,
		strings.Replace(good, "a.e", "b.e", 1):    false,
		" " + good:                                false, good[:len(good)-1]: false, "": false,
	} {
		if wraps([]byte(client), "https://a.example", data) != want {
			t.Errorf("%s: not %v", client, want)
		}
	}
	if wraps([]byte(`{"type":"webauthn.get","challenge":"Y2hhbGxlbmdl","origin":"x","y":"z"`), `x","y":"z`, data) {
		t.Error("an origin with quotes was taken")
	}
}
