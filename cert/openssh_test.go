package cert

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// keyTypes are those that ssh-keygen makes.
func keyTypes() []string {
	return []string{key.TypeEd25519, key.TypeECDSA256, key.TypeECDSA384, key.TypeECDSA521, key.TypeRSA}
}

// Certificates of every type under authorities of every type go both ways.
func TestOpenSSH(t *testing.T) {
	dir := t.TempDir()
	names := map[string][]string{"rsa": {"-t", "rsa", "-b", "2048"}, "ed25519": {"-t", "ed25519"}, "p256": {"-t", "ecdsa", "-b", "256"}, "p384": {"-t", "ecdsa", "-b", "384"}, "p521": {"-t", "ecdsa", "-b", "521"}}
	for name, args := range names {
		keygen(t, dir, append(args, "-q", "-N", "", "-C", "c", "-f", name)...)
	}
	for ca := range names {
		for _, subject := range []string{"rsa", "p256", "p384", "p521", "ed25519"} {
			if ca != subject && ca != "ed25519" && subject != "p256" {
				continue // each authority and each key twice is enough
			}
			keygen(t, dir, "-q", "-s", ca, "-I", "key id", "-n", "alice,bob", "-z", "99", "-V", "20200101Z:20380101Z", "-O", "force-command=echo hi",
				"-O", "source-address=192.0.2.0/24", "-O", "verify-required", "-O", "no-touch-required", "-O", "no-pty", subject+".pub")
			k, comment, err := ParseFile(read(t, dir, subject+"-cert.pub"))
			if err != nil {
				t.Fatalf("%s under %s: %v", subject, ca, err)
			}
			c := k.(*Certificate)
			if comment != "c" || c.Serial != 99 || c.KeyID != "key id" || !slices.Equal(c.Principals, []string{"alice", "bob"}) || len(c.Critical) != 3 {
				t.Fatalf("%s under %s: %q %+v", subject, ca, comment, c.Contents)
			}
			caKey := load(t, dir, ca)
			u := use(caKey.Public())
			u.Now = time.Unix(1700000000, 0)
			g, err := Verify(c, u)
			if err != nil {
				t.Fatalf("%s under %s: %v", subject, ca, err)
			}
			if g.PTY || !g.UserRC || !g.VerifyRequired || !g.NoTouchRequired || g.ForceCommand != "echo hi" {
				t.Fatalf("%s under %s: %+v", subject, ca, g)
			}
			ours := sign(t, caKey, c.Contents)
			if !slices.Equal(ours.Algorithms(), c.Algorithms()) || ours.Type() != c.Type() {
				t.Fatalf("%s: types differ", subject)
			}
			write(t, MarshalLine(ours, "c"), dir, "ours-cert.pub")
			theirs := strings.Split(keygen(t, dir, "-L", "-f", subject+"-cert.pub"), "\n")[1:]
			if got := strings.Split(keygen(t, dir, "-L", "-f", "ours-cert.pub"), "\n")[1:]; !slices.Equal(got, theirs) {
				t.Fatalf("%s under %s: ssh-keygen reads ours as\n%s", subject, ca, strings.Join(got, "\n"))
			}
		}
	}
}

// Keys on security tokens are certified like others, with touch and PIN as
// options; and a token may be an authority.
func TestSecurityKeys(t *testing.T) {
	dir := t.TempDir()
	keygen(t, dir, "-q", "-t", "ed25519", "-N", "", "-f", "ca")
	ca := load(t, dir, "ca")
	point := newKey(t, key.TypeEd25519).Public().Blob()
	b := wire.AppendString(nil, key.TypeSKEd25519)
	b = append(b, point[4+len(key.TypeEd25519):]...)
	ed, err := key.ParsePublic(wire.AppendString(b, "ssh:"))
	if err != nil {
		t.Fatal(err)
	}
	point = newKey(t, key.TypeECDSA256).Public().Blob()
	b = wire.AppendString(nil, key.TypeSKECDSA)
	b = append(b, point[4+len(key.TypeECDSA256):]...)
	ec, err := key.ParsePublic(wire.AppendString(b, "ssh:"))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []key.Public{ed, ec} {
		write(t, MarshalLine(k, "c"), dir, "sk.pub")
		keygen(t, dir, "-q", "-s", "ca", "-I", "id", "-n", "alice", "-O", "no-touch-required", "-O", "verify-required", "sk.pub")
		theirs, _, err := ParseFile(read(t, dir, "sk-cert.pub"))
		if err != nil {
			t.Fatal(err)
		}
		c := theirs.(*Certificate)
		g, err := Verify(c, use(ca.Public()))
		if err != nil || !g.NoTouchRequired || !g.VerifyRequired {
			t.Fatalf("%s: %+v %v", k.Type(), g, err)
		}
		want := strings.Split(keygen(t, dir, "-L", "-f", "sk-cert.pub"), "\n")[1:]
		write(t, MarshalLine(sign(t, ca, c.Contents), "c"), dir, "ours.pub")
		if got := strings.Split(keygen(t, dir, "-L", "-f", "ours.pub"), "\n")[1:]; !slices.Equal(got, want) {
			t.Errorf("%s: ours is read as\n%s", k.Type(), strings.Join(got, "\n"))
		}
		if len(c.Algorithms()) != 1 || Plain(c.Algorithms()[0]) != k.Type() {
			t.Errorf("%s: %q", k.Type(), c.Algorithms())
		}
	}
}
