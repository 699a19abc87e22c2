package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/putty"
	"github.com/nacre-ssh/nacre/term"
)

// A puttygen is one run of puttygen: what the options said, and the world.
type puttygen struct {
	*door.Env
	in   string // the input file; "" where a key is made
	out  string // -o; "" for standard output, or the input where its format stays
	kind *puttyOutput
	typ  *puttyType // -t; nil where a key is read
	bits int        // -b; -1: not given

	comment    *string // -C
	changePass bool    // -P
	reencrypt  bool
	certFile   string // --certificate
	removeCert bool
	oldPass    *string // --old-passphrase's file's first line
	newPass    *string
	params     keyfile.PPKParams
	hash       putty.Hash
	primes     string // --primes: "" for probable ones
	strong     bool   // --strong-rsa
	random     string // --random-device

	failed  bool // an option was wrong
	nothing bool // -h, -V: shown, and nothing else is to be done
}

// A puttyKey is what was read or made.
type puttyKey struct {
	private *key.Private // nil where only the public half was read
	public  []byte       // a key's blob, or a certificate's
	comment *string      // nil: the file has none
}

// text is the comment where there must be one.
func (k *puttyKey) text() string {
	if k.comment == nil {
		return ""
	}
	return *k.comment
}

// runPuttygen is the puttygen door.
func runPuttygen(ctx context.Context, e *door.Env) int {
	g := &puttygen{Env: e, kind: &puttyOutputs()[0], bits: -1, hash: putty.Hash{Hash: keyfile.SHA256}}
	if len(e.Args) == 0 {
		fmt.Fprint(e.Stderr, puttygenUsage+"Use \"puttygen --help\" for more detail.\n")
		return 0
	}
	if !g.parse() {
		return 1
	}
	if g.nothing {
		return 0
	}
	if err := g.run(ctx); err != nil {
		e.Errorf("puttygen: %v", err)
		return 1
	}
	return 0
}

func (g *puttygen) run(ctx context.Context) error {
	if err := g.check(); err != nil {
		return err
	}
	var file *puttyFile
	if g.in != "" {
		var err error
		if file, err = g.read(); err != nil {
			return err
		}
		defer clear(file.text)
		if err := g.checkFile(file); err != nil {
			return err
		}
	}
	k, err := g.key(ctx, file)
	if err != nil {
		return err
	}
	if g.comment != nil {
		k.comment = g.comment
	}
	if err := g.changeCertificate(k); err != nil {
		return err
	}
	if err := g.choosePassphrase(ctx); err != nil {
		return err
	}
	return g.write(k)
}

// key makes the key, or takes it from the file.
func (g *puttygen) key(ctx context.Context, file *puttyFile) (*puttyKey, error) {
	if file == nil {
		return g.generate()
	}
	k, err := g.load(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("error loading `%s': %w", term.Printable(g.in), err)
	}
	return k, nil
}

// check looks at the options alone, in PuTTY's order.
func (g *puttygen) check() error {
	switch {
	case g.in == "" && g.typ == nil:
		return errors.New("expected an input key file name, or -t for a type of key to generate")
	case g.in != "" && g.typ != nil:
		return errors.New("cannot both load and generate a key")
	case g.typ != nil && !g.kind.keeps:
		return errors.New("this would generate a new key but discard the private part")
	}
	return nil
}

// checkFile looks at the options in the light of what the input is.
func (g *puttygen) checkFile(f *puttyFile) error {
	switch {
	case g.kind.inPlace(f):
		if g.out == "" && g.in != "-" {
			g.out = g.in
		}
		if !g.changePass && g.comment == nil && !g.reencrypt && g.certFile == "" && !g.removeCert {
			return errors.New("this command would perform no useful action")
		}
		if g.out == "" {
			return errNoOutput
		}
	case g.out == "" && g.kind.private:
		return errNoOutput
	}
	private := f.format != ""
	switch {
	case g.kind.private && !private:
		return errors.New("cannot perform this action on a public-key-only input file")
	case g.certFile != "" && !(private && g.kind.private):
		return errors.New("certificates can only be added to existing SSH-2 private key files")
	case g.certFile != "" && g.removeCert:
		return errors.New("cannot both add and remove a certificate")
	}
	return nil
}

var errNoOutput = errors.New("need to specify an output file")

// changeCertificate puts a certificate in the place of the public key, or the
// key in the place of its certificate.
func (g *puttygen) changeCertificate(k *puttyKey) (err error) {
	if g.removeCert {
		k.public, err = keyfile.CertifiedKey(k.public)
		return err
	}
	if g.certFile == "" {
		return nil
	}
	name := term.Printable(g.certFile)
	text, err := g.open(g.certFile)
	if err != nil {
		return fmt.Errorf("unable to load certificate file `%s': %s", name, door.Sentence(err))
	}
	certificate, _, err := parsePublicText(text)
	if err != nil {
		return fmt.Errorf("unable to load certificate file `%s': %w", name, err)
	}
	certified, err := keyfile.CertifiedKey(certificate)
	if err != nil {
		return fmt.Errorf("unable to load certificate file `%s': %w", name, err)
	}
	if string(certified) != string(k.private.Public().Blob()) {
		return fmt.Errorf("certificate in `%s' does not match public key in `%s'", name, term.Printable(g.in))
	}
	k.public = certificate
	return nil
}

// choosePassphrase settles what the output is encrypted with: the old
// passphrase stays unless another is asked for.
func (g *puttygen) choosePassphrase(ctx context.Context) error {
	if !g.changePass && g.oldPass != nil && g.newPass == nil {
		g.newPass = g.oldPass
	}
	if g.newPass != nil || !g.changePass && (g.typ == nil || !g.kind.private) {
		return nil
	}
	first, err := g.ask(ctx, "Enter passphrase to save key: ")
	if err != nil {
		return err
	}
	second, err := g.ask(ctx, "Re-enter passphrase to verify: ")
	if err != nil {
		return err
	}
	if first != second {
		return errors.New("passphrases do not match")
	}
	g.newPass = &first
	return nil
}

// ask reads a passphrase from the terminal, or where there is none, as PuTTY
// does it, from standard input.
func (g *puttygen) ask(ctx context.Context, prompt string) (string, error) {
	secret, err := term.ReadPassword(ctx, prompt)
	if errors.Is(err, term.ErrNoTerminal) {
		fmt.Fprint(g.Stderr, prompt)
		var line string
		line, err = readPlainLine(g.Stdin)
		fmt.Fprintln(g.Stderr)
		secret = []byte(line)
	}
	if err != nil {
		return "", fmt.Errorf("unable to read passphrase: %w", err)
	}
	defer clear(secret)
	return string(secret), nil
}

// maxPassphrase caps a passphrase in a file, in bytes.
const maxPassphrase = 64 * 1024

// readPlainLine reads up to a line end and no byte more: what follows is the
// next answer.
func readPlainLine(r io.Reader) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) < maxPassphrase {
		n, err := r.Read(one)
		if n == 1 && one[0] != '\n' {
			line = append(line, one[0])
			continue
		}
		if n == 0 && err == io.EOF && len(line) == 0 {
			return "", io.ErrUnexpectedEOF
		}
		if n == 0 && err == nil {
			continue
		}
		if err != nil && err != io.EOF {
			return "", err
		}
		return strings.TrimSuffix(string(line), "\r"), nil
	}
	return "", fmt.Errorf("it is longer than %d bytes", maxPassphrase)
}

// passphrase is what the output is encrypted with; nil leaves it plain.
func (g *puttygen) passphrase() []byte {
	if g.newPass == nil || *g.newPass == "" {
		return nil
	}
	return []byte(*g.newPass)
}

// open reads an input file; "-" is standard input.
func (g *puttygen) open(path string) ([]byte, error) {
	if path == "-" {
		return readLimited(g.Stdin, keyfile.MaxFile)
	}
	return readFile(path, keyfile.MaxFile)
}

// write makes the output and puts it where it belongs.
func (g *puttygen) write(k *puttyKey) error {
	text, err := g.kind.render(g, k)
	if err != nil || text == nil {
		return err
	}
	defer clear(text)
	if g.out == "" {
		_, err = g.Stdout.Write(text)
		return err
	}
	if err := g.writeTo(g.out, text); err != nil {
		return fmt.Errorf("unable to open output file `%s': %s", term.Printable(g.out), door.Sentence(err))
	}
	return nil
}

// writeTo replaces a file in one step; what is no file, as /dev/stdout, is
// written to.
func (g *puttygen) writeTo(path string, text []byte) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		return errors.Join(err, f.Close())
	}
	mode := os.FileMode(0o600)
	switch {
	case g.kind.keeps && path == g.in:
		mode = 0 // the file's own
	case g.kind.keeps:
	case err == nil:
		mode = info.Mode().Perm()
	default:
		mode = 0o644
	}
	return keyfile.WriteAside(path, mode, func(w io.Writer) error { _, err := w.Write(text); return err })
}
