package keys

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/knownhosts/sshfp"
)

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
func (k *keygen) recordHash() (byte, error) {
	hash := byte(0)
	for _, o := range k.options {
		name, ok := strings.CutPrefix(strings.ToLower(o), "hashalg=")
		switch {
		case !ok:
			return 0, fatalf("Invalid option \"%s\"", o)
		case name == "sha1":
			hash = sshfp.SHA1
		case name == "sha256":
			hash = sshfp.SHA256
		default:
			return 0, fatalf("Unsupported hash algorithm")
		}
	}
	return hash, nil
}

// recordsOf prints the records of one file; false where there is none.
func (k *keygen) recordsOf(path string, hash byte) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	public, _, err := shownPublic(path)
	if err != nil {
		return false, fatalf("Failed to read v2 public key from \"%s\": %s", path, reason(err))
	}
	plain := cert.PlainKey(public)
	algorithm := sshfp.Algorithm(plain.Type())
	if algorithm == 0 {
		k.Errorf("export_dns_rr: unsupported algorithm and/or digest_type")
		return true, nil
	}
	for _, digest := range []byte{sshfp.SHA1, sshfp.SHA256} {
		if hash == 0 || hash == digest {
			k.record(algorithm, digest, sshfp.Digest(digest, plain.Blob()))
		}
	}
	return true, nil
}

func (k *keygen) record(algorithm, hash byte, digest []byte) {
	if k.generic {
		k.say("%s IN TYPE%d \\# %d %02x %02x %x\n", k.name, sshfp.Type, 2+len(digest), algorithm, hash, digest)
		return
	}
	k.say("%s IN SSHFP %d %d %x\n", k.name, algorithm, hash, digest)
}
