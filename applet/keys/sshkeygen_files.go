package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// An identity is a private key with what its file said beside it.
type identity struct {
	*key.Private
	comment    string
	commented  bool   // the file's format has a place for a comment
	passphrase []byte // what opened it, empty if it was not encrypted
}

// say prints to standard output.
func (k *keygen) say(format string, args ...any) { fmt.Fprintf(k.Stdout, format, args...) }

// home is the directory of the user's own files.
func home() string {
	if dir, err := os.UserHomeDir(); err == nil {
		return dir
	}
	return "."
}

// userAtHost names who makes a key: user@host.
func userAtHost() string {
	name, host := "user", "localhost"
	if u, err := user.Current(); err == nil {
		name = u.Username[strings.LastIndexByte(u.Username, '\\')+1:]
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

// reason is the system's word for why a file can't be used.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "No such file or directory"
	case errors.Is(err, fs.ErrPermission):
		return "Permission denied"
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return door.Capital(path.Err.Error())
	}
	return err.Error()
}

// readLine reads a line of standard input, at most limit bytes, without its
// end; false at the end of the input. It takes a byte at a time: what follows
// belongs to the next question.
func (k *keygen) readLine(limit int) (string, bool) {
	var line []byte
	var c [1]byte
	for {
		if n, err := k.Stdin.Read(c[:]); n == 0 || err != nil {
			return string(line), len(line) > 0
		}
		if c[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), true
		}
		if len(line) < limit {
			line = append(line, c[0])
		}
	}
}

// needFile asks for the file's name unless -f gave it. It reports false where
// there was no answer.
func (k *keygen) needFile(prompt string) bool {
	if k.hasFile {
		return true
	}
	kind := keygenKindOf(k.typ)
	if kind == nil {
		k.Errorf("bad key type")
		return false
	}
	k.file = filepath.Join(home(), ".ssh", kind.file)
	k.say("%s (%s): ", prompt, k.file)
	answer, ok := k.readLine(1024)
	if !ok {
		return false
	}
	if answer != "" {
		k.file = answer
	}
	k.hasFile = true
	return true
}

// existing asks for a file's name and checks that there is one.
func (k *keygen) existing(prefix string) (code int, ok bool) {
	if !k.needFile("Enter file in which the key is") {
		return codeFailed, false
	}
	if _, err := os.Stat(k.file); err != nil {
		return k.fatal(fatalf("%s%s: %s", prefix, k.file, reason(err))), false
	}
	return 0, true
}

// passphrase asks for a secret; no answer is an empty one.
func (k *keygen) passphrase(ctx context.Context, prompt string) ([]byte, error) {
	secret, err := k.ReadSecret(ctx, door.AskInput, prompt)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return secret, err
}

// newPassphrase asks twice, until both answers are the same.
func (k *keygen) newPassphrase(ctx context.Context, prompt string) ([]byte, error) {
	for range 10 {
		first, err := k.passphrase(ctx, prompt)
		if err != nil {
			return nil, err
		}
		again, err := k.passphrase(ctx, "Enter same passphrase again: ")
		if err != nil {
			return nil, err
		}
		if string(first) == string(again) {
			return first, nil
		}
		k.say("Passphrases do not match.  Try again.\n")
	}
	return nil, errors.New("no passphrase was given twice")
}

// load reads a private key file. Where it is encrypted its passphrase is one of
// given, the first that isn't nil, or what ask is answered.
func (k *keygen) load(ctx context.Context, path, ask string, given ...*string) (*identity, error) {
	text, err := keyfile.ReadPrivate(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	id := &identity{}
	id.Private, id.comment, err = keyfile.ParsePrivate(text, func() ([]byte, error) {
		for _, pass := range given {
			if pass != nil {
				id.passphrase = []byte(*pass)
				return id.passphrase, nil
			}
		}
		var err error
		id.passphrase, err = k.passphrase(ctx, ask)
		return id.passphrase, err
	})
	format, _ := keyfile.FormatOf(text)
	id.commented = holdsComment(format)
	if format != keyfile.FormatOpenSSH && format != keyfile.FormatPEM && format != keyfile.FormatPKCS8 {
		k.foreign = format
	}
	return id, err
}

func holdsComment(f keyfile.Format) bool {
	return f != keyfile.FormatPEM && f != keyfile.FormatPKCS8 && f != keyfile.FormatDropbear
}

// cantLoad says why a private key file was not read, after what was tried.
func (k *keygen) cantLoad(doing string, err error) int {
	var open *keyfile.PermissionsError
	if errors.As(err, &open) {
		fmt.Fprint(k.Stderr, open.Warning())
		return k.fatal(fatalf("%s: bad permissions", doing))
	}
	var load *keyfile.LoadError
	if errors.As(err, &load) {
		err = load.Err
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return k.fatal(fatalf("%s: %s", doing, reason(err)))
	}
	return k.fatal(fatalf("%s: %s", doing, term.Printable(err.Error())))
}

// loadIdentity is load for what needs the private key only to show its public
// half.
func (k *keygen) loadIdentity(ctx context.Context) (*identity, error) {
	return k.load(ctx, k.file, fmt.Sprintf("Enter passphrase for \"%s\": ", k.file), k.oldPass)
}

// shownPublic reads a public key: of the file itself, of the .pub beside it, or
// of a private key file that shows it.
func shownPublic(path string) (key.Public, string, error) {
	text, err := door.ReadCapped(path)
	if err != nil {
		return nil, "", err
	}
	defer clear(text)
	if public, comment, err := cert.ParseFile(text); err == nil {
		return public, comment, nil
	}
	if beside, err := door.ReadCapped(path + ".pub"); err == nil {
		if public, comment, err := cert.ParseFile(beside); err == nil {
			return public, comment, nil
		}
	}
	public, comment, _, err := keyfile.Shown(text)
	if err == nil {
		return public, comment, nil
	}
	if public, comment, _, other := keyfile.ParsePublic(text); other == nil {
		return public, comment, nil
	}
	return nil, "", err
}

// save writes a private key file in the format that -m chose. Mode 0 keeps the
// mode of the file that is there.
func (k *keygen) save(path string, private *key.Private, comment string, passphrase []byte, mode fs.FileMode) error {
	format := k.privateFormat(private.Public().Type())
	if (format == keyfile.FormatPEM || format == keyfile.FormatPKCS8) && len(passphrase) > 0 && len(passphrase) < 5 {
		return errors.New("passphrase is too short (minimum five characters)")
	}
	text, err := keyfile.Marshal(format, private, comment, passphrase, keyfile.Encryption{Cipher: k.cipher, Rounds: k.rounds})
	if err != nil {
		return err
	}
	defer clear(text)
	return keyfile.WriteAside(path, mode, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// privateFormat is the format of -m for a type; what a format can't hold is
// written in OpenSSH's own, as ssh-keygen does it. A file of another program
// stays what it is: that program will read it again.
func (k *keygen) privateFormat(typ string) keyfile.Format {
	if k.foreign != "" {
		return k.foreign
	}
	switch typ {
	case key.TypeRSA, key.TypeECDSA256, key.TypeECDSA384, key.TypeECDSA521, key.TypeDSA:
		switch k.form {
		case "PEM":
			return keyfile.FormatPEM
		case "PKCS8":
			return keyfile.FormatPKCS8
		}
	case key.TypeEd25519, key.TypeEd448:
		if k.form == "PKCS8" {
			return keyfile.FormatPKCS8
		}
	}
	return keyfile.FormatOpenSSH
}

// savePublic writes a .pub file.
func savePublic(path string, public key.Public, comment string) error {
	line := keyfile.MarshalAuthorizedKey(keyfile.AuthorizedKey{Key: public, Comment: comment})
	return keyfile.WriteAside(path, 0o644, func(w io.Writer) error {
		_, err := w.Write(line)
		return err
	})
}
