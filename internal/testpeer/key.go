package testpeer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Key types, as RFC 4253 and its successors name the format.
const (
	Ed25519  = "ssh-ed25519"
	ECDSA256 = "ecdsa-sha2-nistp256"
	ECDSA384 = "ecdsa-sha2-nistp384"
	ECDSA521 = "ecdsa-sha2-nistp521"
	RSA      = "ssh-rsa"
)

// keygen are the arguments with which ssh-keygen makes a key of each type.
var keygen = map[string][]string{
	Ed25519:  {"-t", "ed25519"},
	ECDSA256: {"-t", "ecdsa", "-b", "256"},
	ECDSA384: {"-t", "ecdsa", "-b", "384"},
	ECDSA521: {"-t", "ecdsa", "-b", "521"},
	RSA:      {"-t", "rsa", "-b", "2048"},
}

// KeyTypes are all types that NewKey makes.
func KeyTypes() []string { return []string{Ed25519, ECDSA256, ECDSA384, ECDSA521, RSA} }

// Key is a key pair without a passphrase, in OpenSSH's file format at Path and
// Path + ".pub", and in other formats on demand. It is immutable and safe for
// concurrent use.
type Key struct {
	Type   string
	Path   string
	Signer ssh.Signer

	ppk, dropbear func() (string, error)
}

// NewKey makes a key in a temporary directory with ssh-keygen.
func NewKey(t TB, typ string) *Key {
	t.Helper()
	args, ok := keygen[typ]
	if !ok {
		t.Fatalf("no key type %q", typ)
	}
	path := filepath.Join(t.TempDir(), "id")
	args = append([]string{"-q", "-N", "", "-C", "test", "-f", path}, args...)
	if err := tool("ssh-keygen", args...); err != nil {
		t.Fatalf("%v", err)
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read the new key: %v", err)
	}
	signer, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		t.Fatalf("parse the new key: %v", err)
	}
	return &Key{
		Type: typ, Path: path, Signer: signer,
		ppk:      converted(path+".ppk", "puttygen", path, "-O", "private", "-o", path+".ppk"),
		dropbear: converted(path+".dropbear", "dropbearconvert", "openssh", "dropbear", path, path+".dropbear"),
	}
}

// NewHostKeys makes one key of each type.
func NewHostKeys(t TB) []*Key {
	t.Helper()
	var keys []*Key
	for _, typ := range KeyTypes() {
		keys = append(keys, NewKey(t, typ))
	}
	return keys
}

// PPK is the path of the private key in PuTTY's format.
func (k *Key) PPK() (string, error) { return k.ppk() }

// Dropbear is the path of the private key in Dropbear's format.
func (k *Key) Dropbear() (string, error) { return k.dropbear() }

// Fingerprint is "SHA256:...".
func (k *Key) Fingerprint() string { return ssh.FingerprintSHA256(k.Signer.PublicKey()) }

// line is the public key as authorized_keys and known_hosts have it.
func (k *Key) line() string {
	text := ssh.MarshalAuthorizedKey(k.Signer.PublicKey())
	return string(text[:len(text)-1])
}

// converted returns a function that makes a file once, by a program.
func converted(path, program string, args ...string) func() (string, error) {
	return sync.OnceValues(func() (string, error) { return path, tool(program, args...) })
}

// tool runs a program that should succeed.
func tool(name string, args ...string) error {
	path, err := program(name)
	if err != nil {
		return err
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// program finds a peer's program. Daemons live in directories that are not on
// everyone's PATH.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: run scripts/peers.sh", name)
}

// mustProgram is program for a constructor.
func mustProgram(t TB, name string) string {
	t.Helper()
	path, err := program(name)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return path
}
