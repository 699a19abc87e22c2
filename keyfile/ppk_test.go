package keyfile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/key"
)

// The vector that PuTTY 0.78 gave for the key "t" and the passphrase "pw": every
// value on the way, and the file.
func TestPPKVector(t *testing.T) {
	text := read(t, "ppk/vector.ppk")
	p, err := ParsePPK(text)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := p.derive([]byte("pw"))
	if err != nil {
		t.Fatal(err)
	}
	plain := bytes.Clone(p.private)
	keys.decrypt(plain)
	for _, part := range []struct {
		name string
		got  []byte
		want string
	}{
		{"cipher key", keys.cipher, "0c8d65649198e8d3a6a476fa5017e800843e18f178cedcda6ded57421ee114bc"},
		{"IV", keys.iv, "9010f03349156e8b07adac4ee6cd5a27"},
		{"MAC key", keys.mac, "c65ba9022c76ef529b0e60d3269913dad495d1f4962313b7d18c260978ca878f"},
		{"plain", plain, "0000002035617fd39c67a183be5fa306a6efb2319ae123157735cbcd67727d4e57f9ac47268982b9fe770f3836463628"},
	} {
		if got := hex.EncodeToString(part.got); got != part.want {
			t.Errorf("%s is %s", part.name, got)
		}
	}
	k, err := p.Open([]byte("pw"))
	if err != nil {
		t.Fatal(err)
	}
	if again := sealed3(t, k, p, "pw"); again != string(text) {
		t.Errorf("written again it is\n%s", again)
	}
	for _, test := range []struct{ passphrase, private, mac string }{
		{"", "AAAAIDVhf9OcZ6GDvl+jBqbvsjGa4SMVdzXLzWdyfU5X+axH", "a394c8b106028018d24d68c9b77be0279c2263d8"},
		{"pw", "Tha8xBilKvnPTkG7O9wV85ElvnRmZK6nh5C3y23hq1Z2HyftK5dH29a0SR9O7+1Y", "29501f256f5fb815fe670cbd04ce2aa976d7eb9c"},
	} {
		text, err := MarshalPPK(k, nil, "t", []byte(test.passphrase), PPKParams{Version: 2})
		want := "Private-Lines: 1\n" + test.private + "\nPrivate-MAC: " + test.mac + "\n"
		if err != nil || !strings.HasSuffix(string(text), want) {
			t.Errorf("version 2 with %q: %s, %v", test.passphrase, text, err)
		}
	}
}

// sealed3 writes k again with the same salt and parameters as p has.
func sealed3(t *testing.T, k *key.Private, p *PPK, passphrase string) string {
	t.Helper()
	again, err := newPPK(k, nil)
	if err != nil {
		t.Fatal(err)
	}
	again.Version, again.Comment, again.kdf, again.salt, again.encrypted = p.Version, p.Comment, p.kdf, p.salt, p.encrypted
	if err := again.seal([]byte(passphrase)); err != nil {
		t.Fatal(err)
	}
	return string(again.encode())
}

// Every file of puttygen's is read, with any line end, and written again byte
// for byte.
func TestPPKFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/ppk/*.ppk")
	if err != nil || len(files) < 9 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, end := range []string{"\n", "\r\n", "\r"} {
			p, err := ParsePPK(bytes.ReplaceAll(text, []byte("\n"), []byte(end)))
			if err != nil {
				t.Errorf("%s with %q: %v", name, end, err)
				continue
			}
			k, err := p.Open([]byte("pw"))
			if err != nil {
				t.Errorf("%s with %q: %v", name, end, err)
				continue
			}
			if again := sealed3(t, k, p, "pw"); again != string(text) {
				t.Errorf("%s written again is\n%s", name, again)
			}
		}
	}
}

func TestPPKWrongPassphrase(t *testing.T) {
	for _, name := range []string{"ppk/vector.ppk", "ppk/ed25519.v2.ppk", "ppk/ed25519.Argon2d.ppk"} {
		for _, secret := range []string{"", "pW", "pw "} {
			_, _, err := ParsePrivate(read(t, name), passphrase(secret))
			var wrong *PassphraseError
			if !errors.As(err, &wrong) || !wrong.Wrong || wrong.Public == nil || wrong.Public.Type() != key.TypeEd25519 {
				t.Errorf("%s with %q: %v", name, secret, err)
			}
		}
	}
}

// What was changed in an unencrypted file is not a matter of the passphrase.
func TestPPKTampered(t *testing.T) {
	for _, change := range [][2]string{
		{"Comment: c", "Comment: d"}, {"Private-MAC: ", "Private-MAC: 0"}, {"none", "none "},
		{"User-Key-File-3", "User-Key-File-2"}, {"\nPrivate-Lines: 1\nAAAA", "\nPrivate-Lines: 1\nAAAB"},
	} {
		text := strings.Replace(string(read(t, "ppk/ed25519.ppk")), change[0], change[1], 1)
		_, _, err := ParsePrivate([]byte(text), never(t))
		var format *FormatError
		if !errors.As(err, &format) {
			t.Errorf("%q: %v", change, err)
		}
	}
	text := strings.Replace(string(read(t, "ppk/ed25519.ppk")), "Comment: c", "Comment: d", 1)
	if _, _, err := ParsePrivate([]byte(text), never(t)); err == nil || !strings.Contains(err.Error(), "MAC failed") {
		t.Errorf("%v", err)
	}
}

// What a file asks for is refused before a passphrase is asked for, and costs
// nothing.
func TestPPKDemands(t *testing.T) {
	text := string(read(t, "ppk/vector.ppk"))
	for change, want := range map[[2]string]string{
		{"Memory: 256", "Memory: 67108864"}:                      "65536 MiB of memory",
		{"Memory: 256", "Memory: 4294967295"}:                    "of memory",
		{"Memory: 256", "Memory: 68719476736"}:                   "Argon2-Memory",
		{"Memory: 256", "Memory: 7"}:                             "Argon2 needs 8",
		{"Memory: 256", "Memory: 1048576"}:                       "", // 1 GiB and 3 passes are within the caps
		{"Passes: 3", "Passes: 4294967295"}:                      "too much work",
		{"Passes: 3", "Passes: 0"}:                               "no passes",
		{"Parallelism: 1", "Parallelism: 0"}:                     "no lanes",
		{"Parallelism: 1", "Parallelism: 257"}:                   "257 lanes",
		{"Parallelism: 1", "Parallelism: -1"}:                    "Argon2-Parallelism",
		{"Argon2id", "Argon3"}:                                   `"Argon3"`,
		{"Public-Lines: 2", "Public-Lines: 99999999"}:            "Public-Lines",
		{"Public-Lines: 2", "Public-Lines: 4000"}:                "too long",
		{"Private-Lines: 1", "Private-Lines: 3"}:                 "too long",
		{"Salt: 1a", "Salt: 1"}:                                  "Argon2-Salt",
		{"Salt: 1a", "Salt: " + strings.Repeat("00", maxSalt+1)}: "Argon2-Salt",
		{"aes256-cbc", "aes128-cbc"}:                             "aes128-cbc",
		{"ssh-ed25519\n", "ssh-rsa\n"}:                           "another type",
		{"File-3", "File-1"}:                                     "version 1",
		{"File-3", "File-4"}:                                     "above 3",
		{"fn/Q", "fn/"}:                                          "base64",
		{"Private-MAC", "Private-Hash"}:                          "Private-MAC",
		{"Comment: t\n", ""}:                                     "Comment",
	} {
		changed := strings.Replace(text, change[0], change[1], 1)
		if changed == text {
			t.Fatalf("%q is not in the vector", change[0])
		}
		_, err := ParsePPK([]byte(changed))
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", change, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %s", change, err, want)
		}
	}
}

func TestPPKParams(t *testing.T) {
	k := opened(t, "ppk/ed25519.ppk", "")
	text, err := MarshalPPK(k, nil, "c", []byte("pw"), PPKParams{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePPK(text)
	if err != nil || p.kdf.KDF != Argon2id || p.kdf.Memory != 8192 || p.kdf.Passes < 13 || p.kdf.Parallelism != 1 || len(p.salt) != 16 {
		t.Errorf("%+v, %v", p, err)
	}
	for _, params := range []PPKParams{{Version: 1}, {Version: 4}, {KDF: "scrypt"}, {Memory: 1 << 21}, {Memory: 4}, {Parallelism: 1000}} {
		if _, err := MarshalPPK(k, nil, "c", []byte("pw"), params); err == nil {
			t.Errorf("%+v was written", params)
		}
	}
	if _, err := MarshalPPK(k, nil, "a\nb", nil, PPKParams{}); err == nil {
		t.Error("a comment with a line break was written")
	}
	if _, err := MarshalPPK(k, opened(t, "ppk/rsa.ppk", "").Public().Blob(), "c", nil, PPKParams{}); err == nil {
		t.Error("another key's public part was written")
	}
}

// The coordinates that the host key cache of PuTTY 0.78 has for the vector's key,
// and those that puttygen --dump shows.
func TestAffine(t *testing.T) {
	p, err := ParsePPK(read(t, "ppk/vector.ppk"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := p.Key()
	if err != nil {
		t.Fatal(err)
	}
	x, y, err := Affine(k)
	const want = "2ad5fae6c8497558b3a5253acf3961e2497053aefd849338d1120d16c4b98580 25660af4db56f8e783c00a8a1baded871e60a43fea1e23b6c045f2c9b579f0fc"
	if got := fmt.Sprintf("%x %x", x, y); err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
	for name, k := range foreignKeys(t) {
		x, y, err := Affine(k.Public())
		if name == "rsa" || name == "dsa" {
			if err == nil {
				t.Errorf("%s has a point", name)
			}
			continue
		}
		dir := t.TempDir()
		text, err2 := MarshalPPK(k, nil, "", nil, PPKParams{})
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		put(t, dir, "key.ppk", text)
		want := fmt.Sprintf("public_affine_x=0x%x\npublic_affine_y=0x%x\n", x, y)
		if out := run(t, dir, "puttygen", "--dump", "key.ppk"); !strings.Contains(out, want) {
			t.Errorf("%s: %s is not in %s", name, want, out)
		}
	}
}

func FuzzParsePPK(f *testing.F) {
	files, err := filepath.Glob("testdata/ppk/*.ppk")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePPK(text)
		if err != nil {
			return
		}
		p.Key()
		if p.encrypted && uint64(p.kdf.Memory)*uint64(p.kdf.Passes) > 4096 {
			return // costs time as it says
		}
		p.Open([]byte("pw"))
	})
}
