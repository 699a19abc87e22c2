package applet

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
)

// sshfpType is the number of the SSHFP record's type (RFC 4255, section 3.1).
const sshfpType = 44

// sshfpAlgorithms are the numbers of key types in SSHFP records (RFC 4255,
// 6594, 7479, 8709).
func sshfpAlgorithm(typ string) int {
	switch typ {
	case key.TypeRSA:
		return 1
	case key.TypeDSA:
		return 2
	case key.TypeECDSA256, key.TypeECDSA384, key.TypeECDSA521:
		return 3
	case key.TypeEd25519:
		return 4
	case key.TypeEd448:
		return 6
	}
	return 0
}

// resourceRecords is -r: the SSHFP records of a key file, or of this machine's
// host keys.
func (k *keygen) resourceRecords(context.Context) int {
	hash, err := k.recordHash()
	if err != nil {
		return k.fatal(err)
	}
	if k.hasFile {
		found, err := k.recordsOf(k.file, hash)
		if err == nil && !found {
			err = fatalf("%s: No such file or directory", k.file)
		}
		if err != nil {
			return k.fatal(err)
		}
		return 0
	}
	any := false
	for _, name := range []string{"rsa", "dsa", "ecdsa", "ed25519"} {
		found, err := k.recordsOf("/etc/ssh/ssh_host_"+name+"_key", hash)
		if err != nil {
			return k.fatal(err)
		}
		any = any || found
	}
	if !any {
		return k.fatal(fatalf("no keys found."))
	}
	return 0
}

// recordHash reads -O hashalg=NAME: the digest type, 0 for all.
func (k *keygen) recordHash() (int, error) {
	hash := 0
	for _, o := range k.options {
		name, ok := strings.CutPrefix(strings.ToLower(o), "hashalg=")
		switch {
		case !ok:
			return 0, fatalf("Invalid option \"%s\"", o)
		case name == "sha1":
			hash = 1
		case name == "sha256":
			hash = 2
		default:
			return 0, fatalf("Unsupported hash algorithm")
		}
	}
	return hash, nil
}

// recordsOf prints the records of one file; false where there is none.
func (k *keygen) recordsOf(path string, hash int) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	public, _, err := shownPublic(path)
	if err != nil {
		return false, fatalf("Failed to read v2 public key from \"%s\": %s", path, reason(err))
	}
	plain := cert.PlainKey(public)
	algorithm := sshfpAlgorithm(plain.Type())
	if algorithm == 0 {
		k.Errorf("export_dns_rr: unsupported algorithm and/or digest_type")
		return true, nil
	}
	one, two := sha1.Sum(plain.Blob()), sha256.Sum256(plain.Blob())
	for i, digest := range [][]byte{one[:], two[:]} {
		if hash == 0 || hash == i+1 {
			k.record(algorithm, i+1, digest)
		}
	}
	return true, nil
}

func (k *keygen) record(algorithm, hash int, digest []byte) {
	if k.generic {
		k.say("%s IN TYPE%d \\# %d %02x %02x %x\n", k.name, sshfpType, 2+len(digest), algorithm, hash, digest)
		return
	}
	k.say("%s IN SSHFP %d %d %x\n", k.name, algorithm, hash, digest)
}
