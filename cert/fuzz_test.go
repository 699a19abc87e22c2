package cert

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/key"
)

func FuzzParse(f *testing.F) {
	dir := f.TempDir()
	keygen(f, dir, "-q", "-t", "ed25519", "-N", "", "-f", "ca")
	keygen(f, dir, "-q", "-t", "ecdsa", "-N", "", "-f", "k")
	keygen(f, dir, "-q", "-s", "ca", "-I", "id", "-n", "a,b", "-O", "force-command=x", "-O", "source-address=::1", "k.pub")
	k, _, err := ParseFile(read(f, dir, "k-cert.pub"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(k.Blob())
	for _, typ := range keyTypes() {
		k := newKey(f, typ)
		f.Add(sign(f, k, contents(k.Public())).Blob())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Blob(), b) {
			t.Fatal("the blob changed")
		}
		u := use(c.Authority)
		if g, err := Verify(c, u); err == nil && (g == nil || len(c.Principals) == 0) {
			t.Fatal("accepted without principals")
		}
	})
}

func FuzzKRL(f *testing.F) {
	dir := f.TempDir()
	keygen(f, dir, "-q", "-t", "ed25519", "-N", "", "-f", "ca")
	write(f, []byte("serial: 1-100\nserial: 200\nserial: 202\nserial: 205\nid: x\nkey: "+string(read(f, dir, "ca.pub"))), dir, "spec")
	keygen(f, dir, "-q", "-k", "-f", "krl", "-s", "ca.pub", "spec")
	f.Add(read(f, dir, "krl"))
	f.Add((&KRL{Comment: "x"}).Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ParseKRL(b)
		if err != nil {
			return
		}
		again, err := ParseKRL(l.Marshal())
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		if dump(l) != dump(again) {
			t.Fatalf("the list changed:\n%s\n%s", dump(l), dump(again))
		}
	})
}

func FuzzSpec(f *testing.F) {
	f.Add("serial: 1-3\nid: x\nhash: SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n# c\n")
	f.Add("sha1: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJavbHmYxDmClAgzt2tCEutj4PK1RXl+ESgKVhlahtnf root@vm")
	f.Fuzz(func(t *testing.T, text string) {
		l := new(KRL)
		if (&Spec{Any: true}).Read(l, strings.NewReader(text)) == nil {
			if _, err := ParseKRL(l.Marshal()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzSSHSig(f *testing.F) {
	for _, typ := range keyTypes() {
		s, err := SignMessage(context.Background(), newKey(f, typ), "file", "", strings.NewReader("x"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.Armor())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Dearmor(b)
		if err != nil {
			return
		}
		again, err := Dearmor(s.Armor())
		if err != nil || !bytes.Equal(again.Marshal(), s.Marshal()) {
			t.Fatalf("the signature changed: %v", err)
		}
		s.Verify("file", strings.NewReader("x"))
	})
}

func FuzzAllowedSigners(f *testing.F) {
	k := newKey(f, key.TypeEd25519).Public()
	line := string(MarshalLine(k, "c"))
	f.Add("a,*@b,!c " + line + "x cert-authority,namespaces=\"a,b\",valid-after=\"20200101\" " + line)
	f.Fuzz(func(t *testing.T, text string) {
		for _, principal := range []string{"a", "x"} {
			a := &AllowedSigners{Name: "f", File: strings.NewReader(text), Report: func(string) {}}
			a.Check(k, principal, "file", time.Unix(1700000000, 0))
			a.File = strings.NewReader(text)
			a.FindPrincipals(k, time.Unix(1700000000, 0))
		}
	})
}
