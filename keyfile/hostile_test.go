package keyfile

import (
	"bytes"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/key"
)

// TestHostile gives each reader what must cost nothing: huge fields, endless
// derivations, numbers beyond every key.
func TestHostile(t *testing.T) {
	huge := []byte("\xff\xff\xff\xff")
	for name, text := range map[string][]byte{
		"2^31 field":     armor(opensshBlock, append([]byte(opensshMagic), "\x7f\xff\xff\xffnone"...)),
		"2^32 field":     armor(opensshBlock, append([]byte(opensshMagic), huge...)),
		"2^32 rounds":    armor(opensshBlock, roundsFile(t, huge)),
		"huge DER":       armor("RSA PRIVATE KEY", make([]byte, maxDER+1)),
		"DER length":     armor("RSA PRIVATE KEY", []byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}),
		"PKCS#8 length":  armor(pkcs8Block, []byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}),
		"huge PKCS#8":    armor(pkcs8Block, make([]byte, maxDER+1)),
		"PBKDF2 rounds":  armor(encryptedBlock, manyRounds(t)),
		"huge encrypted": armor(encryptedBlock, make([]byte, maxDER+1)),
		"empty":          armor(opensshBlock, nil),
		"empty PEM":      armor("EC PRIVATE KEY", nil),
		"many blocks":    bytes.Repeat(armor("CERTIFICATE", []byte("x")), 5000),
		"legacy header":  []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"),
	} {
		if _, _, err := ParsePrivate(text, passphrase("x")); err == nil || strings.Contains(err.Error(), "\n") || len(err.Error()) > 300 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// roundsFile is an encrypted file that asks for other rounds.
func roundsFile(t *testing.T, rounds []byte) []byte {
	t.Helper()
	f, err := openSSHFile(read(t, "ed25519.enc"))
	if err != nil {
		t.Fatal(err)
	}
	whole := f.encode()
	at := bytes.Index(whole, []byte("bcrypt")) + len("bcrypt") + 4 + 4 + len(f.salt)
	copy(whole[at:], rounds)
	return whole
}

// manyRounds is an encrypted PKCS#8 key that asks for 2^23-1 iterations.
func manyRounds(t *testing.T) []byte {
	t.Helper()
	der, err := sealPBES2([]byte("x"), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(der, []byte{2, 3, writtenPBKDF2Rounds >> 16, writtenPBKDF2Rounds >> 8 & 0xff, writtenPBKDF2Rounds & 0xff})
	if at < 0 {
		t.Fatal("the iterations were not found")
	}
	copy(der[at+2:], "\x7f\xff\xff")
	return der
}

func FuzzParsePublic(f *testing.F) {
	for _, name := range append(testNames, "dsa") {
		for _, form := range []PublicFormat{PublicOpenSSH, PublicRFC4716, PublicPKCS8, PublicPEM} {
			text, err := MarshalPublic(form, public(f, name).Key, "a comment")
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Add([]byte(rfc4716Begin + "\nComment: a\\\nb\n\nAAAA\n" + rfc4716End))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, comment, form, err := ParsePublic(text)
		if err != nil {
			return
		}
		out, err := MarshalPublic(form, k, comment)
		if err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		if again, _, _, err := ParsePublic(out); err != nil || !key.Equal(again, k) {
			t.Errorf("%s: written and read: %v", form, err)
		}
	})
}

// FuzzOpenEncrypted opens PEM with a passphrase, as long as the derivation is
// cheap.
func FuzzOpenEncrypted(f *testing.F) {
	for _, name := range []string{"rsa.pem.enc", "rsa.pkcs8.enc", "rsa.scrypt", "rsa.pbes1"} {
		f.Add(read(f, name))
	}
	for _, format := range []Format{FormatPEM, FormatPKCS8} {
		k, _, err := ParsePrivate(read(f, "ecdsa256"), nil)
		if err != nil {
			f.Fatal(err)
		}
		text, err := Marshal(format, k, "", []byte(testPassphrase), Encryption{})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if block := findBlock(text, pkcs8Block, encryptedBlock); block != nil && len(block.Bytes) <= maxDER {
			if e, err := parsePBES2(block.Bytes); err == nil && e.rounds > 4096 {
				return
			}
		}
		if form, ok := FormatOf(text); !ok || form != FormatPEM && form != FormatPKCS8 {
			return
		}
		k, _, err := ParsePrivate(text, passphrase(testPassphrase))
		if err != nil {
			return
		}
		if _, err := key.ParsePublic(k.Public().Blob()); err != nil {
			t.Error(err)
		}
	})
}
