package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// makeKRL writes a key revocation list (-k).
func (k *keygen) makeKRL(context.Context) int {
	l, err := k.buildKRL()
	if err != nil {
		return k.fatal(err)
	}
	err = keyfile.WriteAside(k.file, 0o644, func(w io.Writer) error {
		_, err := w.Write(l.Marshal())
		return err
	})
	if err != nil {
		return k.fatal(fatalf("write %s: %s", term.Printable(k.file), door.Because(err)))
	}
	return 0
}

func (k *keygen) buildKRL() (*cert.KRL, error) {
	if !k.hasFile || k.file == "" {
		return nil, fatalf("KRL generation requires an output file")
	}
	l, err := k.oldKRL()
	if err != nil {
		return nil, err
	}
	var spec cert.Spec
	switch {
	case strings.EqualFold(k.ca, "none"):
		spec.Any = true
	case k.ca != "":
		ca, _, err := loadPublicKey(tildePath(k.ca))
		if err != nil {
			return nil, fatalf("Cannot load CA public key %s: %s", term.Printable(k.ca), door.Because(err))
		}
		spec.Authority = cert.PlainKey(ca)
	}
	if k.serial != 0 {
		l.Version = k.serial
	}
	if k.comment != nil {
		l.Comment = *k.comment
	}
	for _, path := range k.operands {
		if err := k.revokeFrom(l, &spec, tildePath(path)); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// oldKRL is the list to add to (-u), or an empty one.
func (k *keygen) oldKRL() (*cert.KRL, error) {
	if k.update {
		if _, err := os.Stat(k.file); errors.Is(err, os.ErrNotExist) {
			return nil, fatalf("KRL \"%s\" does not exist", term.Printable(k.file))
		}
		return k.loadKRL(k.file)
	}
	return &cert.KRL{Generated: uint64(time.Now().Unix())}, nil
}

func (k *keygen) loadKRL(path string) (*cert.KRL, error) {
	text, err := door.ReadUpTo(path, cert.MaxKRL)
	if err != nil {
		return nil, fatalf("Unable to load KRL %s: %s", term.Printable(path), door.Because(err))
	}
	l, err := cert.ParseKRL(text)
	switch {
	case errors.Is(err, cert.ErrNotKRL):
		return nil, fatalf("Invalid KRL file %s: KRL file has invalid magic number", term.Printable(path))
	case err != nil:
		return nil, fatalf("Invalid KRL file %s: %s", term.Printable(path), door.Because(err))
	}
	return l, nil
}

func (k *keygen) revokeFrom(l *cert.KRL, spec *cert.Spec, path string) error {
	in := k.Stdin
	if path == "-" {
		path = "(standard input)"
	} else {
		f, err := os.Open(path)
		if err != nil {
			return fatalf("fopen %s: %s", term.Printable(path), door.Because(err))
		}
		defer f.Close()
		in = f
	}
	if !k.quiet {
		fmt.Fprintf(k.Stdout, "Revoking from %s\n", term.Printable(path))
	}
	err := spec.Read(l, in)
	var line *cert.LineError
	switch {
	case errors.Is(err, cert.ErrSerialAuthority), errors.Is(err, cert.ErrIDAuthority):
		errors.As(err, &line)
		return fatalf("%v", line.Err)
	case errors.As(err, &line):
		text := door.Because(line.Err)
		if text == "invalid key" {
			text += ": " + errInvalidFormat.Error()
		}
		return fatalf("%s:%d: %s", term.Printable(path), line.Line, text)
	}
	return err
}

// checkKRL looks keys up in a revocation list (-Q).
func (k *keygen) checkKRL(context.Context) int {
	if !k.hasFile || k.file == "" {
		return k.fatal(fatalf("KRL checking requires an input file"))
	}
	l, err := k.loadKRL(k.file)
	if err != nil {
		return k.fatal(err)
	}
	if k.list {
		l.Dump(k.Stdout, term.Printable)
	}
	code := 0
	for _, path := range k.operands {
		public, comment, err := loadPublicKey(path)
		if err != nil {
			return k.fatal(fatalf("Cannot load public key %s: %s", term.Printable(path), door.Because(err)))
		}
		if comment != "" {
			comment = " (" + term.Printable(comment) + ")"
		}
		verdict := "ok"
		if l.Check(public) != nil {
			verdict, code = "REVOKED", codeFailed
		}
		fmt.Fprintf(k.Stdout, "%s%s: %s\n", term.Printable(path), comment, verdict)
	}
	return code
}
