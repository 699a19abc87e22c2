package keys

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

const dropbearconvertUsage = `Usage: dropbearconvert <inputtype> <outputtype> <inputfile> <outputfile>

All parameters must be specified in order.

The input and output types are one of:
openssh
dropbear

Example:
dropbearconvert openssh dropbear /etc/ssh/ssh_host_rsa_key /etc/dropbear_rsa_host_key
`

// A dropbearForm is one of the two kinds of files, which the command line needs
// the first letter of only.
type dropbearForm struct {
	letter byte
	reads  []keyfile.Format
	write  func(k *key.Private) ([]byte, error)
}

var dropbearForms = [...]dropbearForm{
	{'d', []keyfile.Format{keyfile.FormatDropbear}, func(k *key.Private) ([]byte, error) {
		return keyfile.Marshal(keyfile.FormatDropbear, k, "", nil, keyfile.Encryption{})
	}},
	{'o', []keyfile.Format{keyfile.FormatOpenSSH, keyfile.FormatPEM, keyfile.FormatPKCS8}, keyfile.MarshalAsDropbear},
}

func lookupDropbearForm(word string) *dropbearForm {
	for i := range dropbearForms {
		if word != "" && word[0] == dropbearForms[i].letter {
			return &dropbearForms[i]
		}
	}
	return nil
}

// runDropbearconvert is the dropbearconvert door.
func runDropbearconvert(_ context.Context, e *door.Env) int {
	args := e.Args
	if len(args) > 0 && args[0] == "-t" {
		args = args[1:]
	}
	usage := func(problem string) int {
		e.Errorf("%s", problem)
		fmt.Fprint(e.Stderr, dropbearconvertUsage)
		return 1
	}
	if len(args) != 4 {
		return usage("All arguments must be specified")
	}
	from, to := lookupDropbearForm(args[0]), lookupDropbearForm(args[1])
	switch {
	case from == nil:
		return usage("Invalid input key type")
	case to == nil:
		return usage("Invalid output key type")
	}
	k, err := from.read(args[2])
	if err != nil {
		e.Errorf("Error: %v\nError reading key from '%s'", err, term.Printable(args[2]))
		return 1
	}
	e.Errorf("Key is a %s key", k.Public().Type())
	if err := writePrivateFile(args[3], func() ([]byte, error) { return to.write(k) }); err != nil {
		e.Errorf("Error: %s\nError writing key to '%s'", door.Sentence(err), term.Printable(args[3]))
		return 1
	}
	e.Errorf("Wrote key to '%s'", term.Printable(args[3]))
	return 0
}

var (
	//lint:ignore ST1005 this is what dropbearconvert prints, to the letter
	errNotOpened = errors.New("Unable to open key file")
	//lint:ignore ST1005 and so is this
	errEncrypted = errors.New("Encrypted keys are not supported. Please convert with ssh-keygen first")
)

func (f *dropbearForm) read(path string) (*key.Private, error) {
	text, err := readFile(path, keyfile.MaxFile)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", errNotOpened, door.Sentence(err))
	}
	defer clear(text)
	found, _ := keyfile.FormatOf(text)
	for _, format := range f.reads {
		if format != found {
			continue
		}
		k, _, err := keyfile.ParsePrivate(text, nil)
		var encrypted *keyfile.PassphraseError
		if errors.As(err, &encrypted) {
			return nil, errEncrypted
		}
		return k, err
	}
	if found == "" {
		return nil, errors.New("it is not a private key file")
	}
	return nil, fmt.Errorf("it is a private key file, but in the format %s", found)
}

// writePrivateFile puts a private key where it replaces what was there in one
// step.
func writePrivateFile(path string, make func() ([]byte, error)) error {
	text, err := make()
	if err != nil {
		return err
	}
	defer clear(text)
	return keyfile.WriteAside(path, 0o600, func(w io.Writer) error { _, err := w.Write(text); return err })
}
