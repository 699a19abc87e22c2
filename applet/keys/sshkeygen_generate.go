package keys

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
)

// A keygenKind is what -t can name.
type keygenKind struct {
	name    string   // as ssh-keygen calls it
	types   []string // key types, by size; the first is the default
	file    string   // in ~/.ssh
	refused string   // why none is made; "" where one is
}

func keygenKinds() []keygenKind {
	const token = "keys of security keys are not made here: make the key with OpenSSH's ssh-keygen -t "
	return []keygenKind{
		{"ed25519", []string{key.TypeEd25519}, "id_ed25519", ""},
		{"ecdsa", []string{key.TypeECDSA256, key.TypeECDSA384, key.TypeECDSA521}, "id_ecdsa", ""},
		{"rsa", []string{key.TypeRSA}, "id_rsa", ""},
		{"ed448", []string{key.TypeEd448}, "id_ed448", ""},
		{"ecdsa-sk", []string{key.TypeSKECDSA}, "id_ecdsa_sk", token + "ecdsa-sk"},
		{"ed25519-sk", []string{key.TypeSKEd25519}, "id_ed25519_sk", token + "ed25519-sk"},
		{"dsa", []string{key.TypeDSA}, "id_dsa", "DSA keys are not made any more, they are too weak: use -t ed25519"},
	}
}

// keygenKindOf finds a kind by its name or by a key type's; "" is the default.
func keygenKindOf(name string) *keygenKind {
	kinds := keygenKinds()
	if name == "" {
		return &kinds[0]
	}
	for i := range kinds {
		if strings.EqualFold(kinds[i].name, name) || slices.Contains(kinds[i].types, name) {
			return &kinds[i]
		}
	}
	return nil
}

// choose returns the key type and size that -t and -b ask for.
func (kind *keygenKind) choose(name string, bits int) (typ string, size int, err error) {
	switch kind.name {
	case "rsa":
		switch {
		case bits == 0:
			bits = key.DefaultRSABits
		case bits < key.MinRSABits:
			return "", 0, fatalf("Invalid RSA key length: minimum is %d bits", key.MinRSABits)
		case bits > key.MaxRSABits:
			return "", 0, fatalf("Invalid RSA key length: maximum is %d bits", key.MaxRSABits)
		}
		return key.TypeRSA, bits, nil
	case "ecdsa":
		if bits == 0 && slices.Contains(kind.types, name) {
			return name, 0, nil
		}
		switch bits {
		case 0, 256:
			return key.TypeECDSA256, 0, nil
		case 384:
			return key.TypeECDSA384, 0, nil
		case 521:
			return key.TypeECDSA521, 0, nil
		}
		return "", 0, fatalf("Invalid ECDSA key length: valid lengths are 256, 384 or 521 bits")
	}
	return kind.types[0], 0, nil
}

// generate makes a key pair and saves it.
func (k *keygen) generate(ctx context.Context) int {
	kind := keygenKindOf(k.typ)
	if kind == nil {
		return k.fatal(fatalf("unknown key type %s", k.typ))
	}
	if kind.refused != "" {
		return k.fail("%s", kind.refused)
	}
	typ, bits, err := kind.choose(k.typ, k.bits)
	if err != nil {
		return k.fatal(err)
	}
	if k.typ == "" {
		k.typ = kind.name
	}
	if !k.quiet {
		k.say("Generating public/private %s key pair.\n", k.typ)
	}
	private, err := key.Generate(rand.Reader, typ, bits)
	if err != nil {
		return k.fatal(err)
	}
	if !k.needFile("Enter file in which to save the key") {
		return codeFailed
	}
	k.makeSSHDir()
	if !k.mayOverwrite(k.file) {
		return codeFailed
	}
	passphrase, err := k.choosePassphrase(ctx)
	if err != nil {
		return k.fatal(err)
	}
	defer clear(passphrase)
	return k.store(private, passphrase)
}

// store saves a new key pair and shows it.
func (k *keygen) store(private *key.Private, passphrase []byte) int {
	comment := userAtHost()
	if k.comment != nil {
		comment = *k.comment
	}
	if err := k.save(k.file, private, comment, passphrase, 0o600); err != nil {
		return k.fail("Saving key \"%s\" failed: %s", k.file, reason(err))
	}
	if !k.quiet {
		k.say("Your identification has been saved in %s\n", k.file)
	}
	path := k.file + ".pub"
	if err := savePublic(path, private.Public(), comment); err != nil {
		return k.fatal(fatalf("Unable to save public key to %s: %s", path, reason(err)))
	}
	if k.quiet {
		return 0
	}
	hash := keyfile.Hash(k.hash)
	k.say("Your public key has been saved in %s\n", path)
	k.say("The key fingerprint is:\n%s %s\n", keyfile.Fingerprint(private.Public(), hash), comment)
	k.say("The key's randomart image is:\n%s\n", keyfile.Randomart(private.Public(), hash))
	return 0
}

// makeSSHDir makes ~/.ssh where the key is to be saved in it.
func (k *keygen) makeSSHDir() {
	dir := filepath.Join(home(), ".ssh")
	if !strings.HasPrefix(k.file, dir+string(filepath.Separator)) {
		return
	}
	if _, err := os.Stat(dir); err == nil {
		return
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		k.Errorf("Could not create directory '%s' (%s).", dir, reason(err))
	} else if !k.quiet {
		k.Errorf("Created directory '%s'.", dir)
	}
}

// mayOverwrite asks before a file is replaced.
func (k *keygen) mayOverwrite(path string) bool {
	if _, err := os.Stat(path); err != nil {
		return true
	}
	k.say("%s already exists.\nOverwrite (y/n)? ", path)
	answer, _ := k.readLine(1024)
	return strings.HasPrefix(answer, "y") || strings.HasPrefix(answer, "Y")
}

// choosePassphrase is the new key's: of an option, or asked for.
func (k *keygen) choosePassphrase(ctx context.Context) ([]byte, error) {
	for _, given := range []*string{k.oldPass, k.newPass} {
		if given != nil {
			return []byte(*given), nil
		}
	}
	return k.newPassphrase(ctx, "Enter passphrase for \""+k.file+"\" (empty for no passphrase): ")
}

// allHostKeys makes the host keys that are missing below -f (-A).
func (k *keygen) allHostKeys(context.Context) int {
	begun := false
	for _, name := range []string{"rsa", "ecdsa", "ed25519"} {
		path := k.file + "/etc/ssh/ssh_host_" + name + "_key"
		info, err := os.Stat(path)
		switch {
		case err == nil && info.Size() > 0:
			continue
		case err != nil && !os.IsNotExist(err):
			k.Errorf("Could not stat %s: %s", path, reason(err))
			continue
		}
		if !begun {
			k.say("%s: generating new host keys: ", k.Name)
		}
		begun = true
		k.say("%s ", strings.ToUpper(name))
		if err := k.hostKey(name, path); err != nil {
			k.Errorf("Could not save your private key in %s: %s", path, reason(err))
			begun = false
		}
	}
	if begun {
		k.say("\n")
	}
	return 0
}

func (k *keygen) hostKey(name, path string) error {
	typ, bits, err := keygenKindOf(name).choose(name, 0)
	if err != nil {
		return err
	}
	private, err := key.Generate(rand.Reader, typ, bits)
	if err != nil {
		return err
	}
	comment := userAtHost()
	// The public half first: whoever finds a private key finds both.
	if err := savePublic(path+".pub", private.Public(), comment); err != nil {
		return err
	}
	return k.save(path, private, comment, nil, 0o600)
}
