package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

const dropbearkeyUsage = `Usage: dropbearkey -t <type> -f <filename> [-s bits]
-t type	Type of key to generate. One of:
		rsa
		ecdsa
		ed25519
-f filename    Use filename for the secret key.
               ~/.ssh/id_dropbear is recommended for client keys.
-s bits	Key size in bits, should be a multiple of 8 (optional)
           ECDSA has sizes 256 384 521 
           Ed25519 has a fixed size of 256 bits
-y		Just print the publickey and fingerprint for the
		private key in <filename>.
-C		Specify the key comment (email).
`

// A dropbearType is a word of -t. Check returns what dropbearkey says about a
// number of bits, or "".
type dropbearType struct {
	name  string
	bits  int // the default
	check func(bits int) string
	typ   func(bits int) string // key's name; "" where there is none of that size
}

var dropbearTypes = [...]dropbearType{
	{"rsa", 2048, checkDropbearRSA, func(int) string { return key.TypeRSA }},
	{"dss", 1024, func(bits int) string { return fixedBits("DSS", bits, 1024) }, nil},
	{"ecdsa", 256, func(int) string { return "" }, ecdsaOfSize},
	{"ed25519", 256, func(bits int) string { return fixedBits("Ed25519", bits, 256) }, func(int) string { return key.TypeEd25519 }},
}

func checkDropbearRSA(bits int) string {
	if bits < 1024 || bits > 4096 || bits%8 != 0 {
		return "Bits must satisfy 1024 <= bits <= 4096, and be a multiple of 8\n"
	}
	return ""
}

func fixedBits(name string, bits, fixed int) string {
	if bits == fixed {
		return ""
	}
	return fmt.Sprintf("%s keys have a fixed size of %d bits\n", name, fixed)
}

func ecdsaOfSize(bits int) string {
	for _, name := range []string{key.TypeECDSA256, key.TypeECDSA384, key.TypeECDSA521} {
		if name == "ecdsa-sha2-nistp"+strconv.Itoa(bits) {
			return name
		}
	}
	return ""
}

// A dropbearkey is one run of dropbearkey.
type dropbearkey struct {
	*door.Env
	file, typ, size, comment, passphrase string
	show, help                           bool
}

// runDropbearkey is the dropbearkey door.
func runDropbearkey(_ context.Context, e *door.Env) int {
	d := &dropbearkey{Env: e}
	set := func(to *string) func(string) error { return func(arg string) error { *to = arg; return nil } }
	_, err := getopt.Table{
		{Letter: 'f', Arg: "filename", Do: set(&d.file)},
		{Letter: 't', Arg: "type", Do: set(&d.typ)},
		{Letter: 's', Arg: "bits", Do: set(&d.size)},
		{Letter: 'C', Arg: "comment", Do: set(&d.comment)},
		{Letter: 'c', Arg: "comment", Do: set(&d.comment)},
		{Letter: 'N', Arg: "passphrase", Do: set(&d.passphrase)},
		{Letter: 'y', Do: func(string) error { d.show = true; return nil }},
		{Letter: 'h', Do: func(string) error { d.help = true; return nil }},
		{Letter: 'q'}, {Letter: 'v'},
	}.Parse(e.Args, -1)
	var wrong *getopt.Error
	switch {
	case errors.As(err, &wrong):
		return d.usage("Unknown argument -" + wrong.Option)
	case d.help:
		fmt.Fprint(e.Stderr, dropbearkeyUsage)
		return 0
	case d.file == "":
		return d.usage("Must specify a key filename")
	case d.show:
		return d.print()
	}
	return d.generate()
}

func (d *dropbearkey) usage(problem string) int {
	d.Errorf("%s", problem)
	fmt.Fprint(d.Stderr, dropbearkeyUsage)
	return 1
}

// exited is what Dropbear's programs say when they give up.
func (d *dropbearkey) exited(reason string) int {
	d.Errorf("Exited: %s", reason)
	return 1
}

// generate makes a key and a file that wasn't there.
func (d *dropbearkey) generate() int {
	i := slices.IndexFunc(dropbearTypes[:], func(t dropbearType) bool { return t.name == d.typ })
	switch {
	case d.typ == "":
		return d.usage("Must specify key type")
	case i < 0:
		return d.usage("Unknown key type '" + term.Printable(d.typ) + "'")
	}
	t := dropbearTypes[i]
	bits := t.bits
	if d.size != "" {
		n, err := strconv.Atoi(d.size)
		if err != nil {
			d.Errorf("Bits must be an integer")
			return 1
		}
		if problem := t.check(n); problem != "" {
			return d.exited(problem)
		}
		bits = n
	}
	if d.passphrase != "" {
		d.Errorf("Only empty passphrase is supported")
		return 1
	}
	d.Errorf("Generating %d bit %s key, this may take a while...", bits, t.name)
	if t.typ == nil {
		return d.exited("DSS keys are weak and not made any more; use -t ed25519")
	}
	typ := t.typ(bits)
	if typ == "" {
		return d.exited(fmt.Sprintf("Key size %d isn't valid. Try 256 384 521 ", bits))
	}
	if t.name == "ecdsa" {
		bits = 0 // the type says it
	}
	k, err := key.Generate(rand.Reader, typ, bits)
	if err != nil {
		return d.exited("Failed to generate key: " + err.Error())
	}
	if !d.create(k) {
		return d.exited("Failed to generate key.\n")
	}
	return d.print()
}

// create writes the key beside and links it into its place, so that it is whole
// and replaces nothing.
func (d *dropbearkey) create(k *key.Private) bool {
	text, err := keyfile.Marshal(keyfile.FormatDropbear, k, "", nil, keyfile.Encryption{})
	if err != nil {
		d.Errorf("%v", err)
		return false
	}
	defer clear(text)
	aside := fmt.Sprintf("%s.tmp%d", d.file, os.Getpid())
	if err := keyfile.WriteAside(aside, 0o600, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		d.Errorf("Couldn't create new file %s: %s", term.Printable(aside), door.Sentence(err))
		return false
	}
	defer os.Remove(aside)
	if err := linkNew(aside, d.file); err != nil {
		d.Errorf("Failed moving key file to %s: %s", term.Printable(d.file), door.Sentence(err))
		return false
	}
	return true
}

// linkNew gives a file a second name, which must be free. Where the file system
// has no links, the free name is looked for and then taken.
func linkNew(file, name string) error {
	err := os.Link(file, name)
	if err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	if _, err := os.Lstat(name); err == nil {
		return os.ErrExist
	}
	return os.Rename(file, name)
}

// print shows the public half of the file's key.
func (d *dropbearkey) print() int {
	text, err := readFile(d.file, keyfile.MaxFile)
	if err != nil {
		d.Errorf("Failed reading '%s'", term.Printable(d.file))
		return 255
	}
	defer clear(text)
	k, _, err := keyfile.ParsePrivate(text, nil)
	if err != nil {
		d.Errorf("Bad key in '%s'", term.Printable(d.file))
		return 255
	}
	comment := d.comment
	if comment == "" {
		comment = userAtHost()
	}
	line := keyfile.MarshalAuthorizedKey(keyfile.AuthorizedKey{Key: k.Public(), Comment: comment})
	fmt.Fprintf(d.Stdout, "Public key portion is:\n%sFingerprint: %s\n", line, keyfile.FingerprintSHA256(k.Public()))
	return 0
}

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLimited(f, limit)
}

func readLimited(r io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(text)) > limit {
		return nil, fmt.Errorf("it is longer than %d bytes", limit)
	}
	return text, err
}
