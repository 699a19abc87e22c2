package keys

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// certify signs certificates (-s).
func (k *keygen) certify(ctx context.Context) int {
	if k.asked('D') {
		return k.noToken(ctx)
	}
	if k.id == "" {
		return k.fatal(fatalf("Must specify key id (-I) when certifying"))
	}
	c, err := k.contents()
	if err != nil {
		return k.fatal(err)
	}
	ca, closeCA, err := k.authority(ctx)
	if err != nil {
		return k.fatal(err)
	}
	defer closeCA()
	algorithm, err := k.authorityAlgorithm(ca.Public())
	if err != nil {
		return k.fatal(err)
	}
	for _, path := range k.operands {
		if err := k.certifyOne(ctx, ca, algorithm, c, tildePath(path)); err != nil {
			return k.fatal(err)
		}
		if k.serialStep {
			c.Serial++
		}
	}
	return 0
}

// contents are what the options say about every certificate of this run.
func (k *keygen) contents() (cert.Contents, error) {
	c := cert.Contents{Serial: k.serial, Kind: cert.User, KeyID: k.id, ValidBefore: cert.Forever}
	if k.host {
		c.Kind = cert.Host
	}
	if k.validity != "" {
		var err error
		if c.ValidAfter, c.ValidBefore, err = cert.ParseValidity(k.validity, time.Now()); err != nil {
			return c, fatalf("%s", door.Capital(err.Error()))
		}
	}
	if k.principals != "" {
		c.Principals = strings.Split(k.principals, ",")
	}
	switch {
	case slices.Contains(c.Principals, ""):
		return c, fatalf("Empty principal name")
	case len(c.Principals) > cert.MaxPrincipals:
		return c, fatalf("Too many certificate principals specified")
	case len(c.Principals) == 0:
		return c, fatalf("A certificate without principals would be anybody's: name users or hosts with -n")
	}
	return c, k.certOptions(&c)
}

// authority is the CA's signer, from a file or the agent, and what ends its use.
func (k *keygen) authority(ctx context.Context) (key.Signer, func(), error) {
	path := tildePath(k.ca)
	if !k.agent {
		private, err := k.openPrivateKey(ctx, path)
		return private, func() {}, err
	}
	public, _, err := loadPublicKey(path)
	if err != nil {
		return nil, nil, fatalf("Cannot load CA public key %s: %s", term.Printable(path), door.Because(err))
	}
	c, err := k.dialAgent(ctx)
	if err != nil {
		return nil, nil, fatalf("Cannot use public key for CA signature: %s", door.Because(err))
	}
	signer, err := agentSigner(ctx, c, public)
	if err != nil {
		c.Close()
		return nil, nil, fatalf("Retrieve agent key list: %s", door.Because(err))
	}
	if signer == nil {
		c.Close()
		return nil, nil, fatalf("CA key %s not found in agent", term.Printable(path))
	}
	return signer, func() { c.Close() }, nil
}

// authorityAlgorithm is -t, which names a signature algorithm here, or the CA's
// best.
func (k *keygen) authorityAlgorithm(ca key.Public) (string, error) {
	names := ca.Algorithms()
	if k.typ == "" || strings.EqualFold(k.typ, key.ShortName(ca.Type())) {
		return names[0], nil
	}
	if slices.Contains(names, k.typ) {
		return k.typ, nil
	}
	return "", fatalf("CA key type %s doesn't match specified %s", ca.Type(), term.Printable(k.typ))
}

func (k *keygen) certifyOne(ctx context.Context, ca key.Signer, algorithm string, c cert.Contents, path string) error {
	public, comment, err := loadPublicKey(path)
	if err != nil {
		return fatalf("load pubkey \"%s\": %s", term.Printable(path), door.Because(err))
	}
	if _, certificate := public.(*cert.Certificate); certificate {
		return fatalf("do_ca_sign: key \"%s\" type %s cannot be certified", term.Printable(path), cert.ShortName(public.Type()))
	}
	c.Key = public
	signed, err := cert.Sign(ctx, ca, algorithm, c)
	if err != nil {
		return fatalf("Couldn't certify key %s: %s", term.Printable(path), door.Because(err))
	}
	out := strings.TrimSuffix(path, ".pub") + "-cert.pub"
	err = keyfile.WriteAside(out, 0o644, func(w io.Writer) error {
		_, err := w.Write(cert.MarshalLine(signed, comment))
		return err
	})
	if err != nil {
		return fatalf("Unable to save public key to %s: %s", term.Printable(out), door.Because(err))
	}
	if !k.quiet {
		k.Errorf("Signed %v key %s: id \"%s\" serial %d for %s valid %s",
			c.Kind, term.Printable(out), term.Printable(c.KeyID), c.Serial, term.Printable(k.principals), c.Validity())
	}
	return nil
}

// showCertificate prints certificates (-L).
func (k *keygen) showCertificate(context.Context) int {
	path, in := k.file, k.Stdin
	switch {
	case !k.hasFile:
		return k.fail("ssh-keygen -L: name the certificate's file with -f (or - for the standard input)")
	case path == "-":
		path = "(stdin)"
	default:
		f, err := os.Open(path)
		if err != nil {
			return k.fatal(fatalf("%s: %s: %s", k.Name, term.Printable(path), door.Because(err)))
		}
		defer f.Close()
		in = f
	}
	found := false
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, cert.MaxLine)
	for n := 1; lines.Scan(); n++ {
		c, err := certificateOf(lines.Bytes())
		where := fmt.Sprintf("%s:%d", term.Printable(path), n)
		switch {
		case errors.Is(err, keyfile.ErrNoKey):
			continue
		case err != nil:
			k.Errorf("%s: invalid key: %s", where, door.Because(err))
			continue
		case c == nil:
			k.Errorf("%s is not a certificate", where)
			continue
		}
		if k.file != "-" && n == 1 {
			where = term.Printable(path)
		}
		found = true
		fmt.Fprintf(k.Stdout, "%s:\n%s", where, k.describe(c))
	}
	if !found {
		return codeFailed
	}
	return 0
}

// certificateOf reads a line; nil without an error is a plain key.
func certificateOf(line []byte) (*cert.Certificate, error) {
	public, _, err := cert.ParseLine(line)
	var unsupported *key.UnsupportedError
	switch {
	case errors.Is(err, keyfile.ErrNoKey), errors.As(err, &unsupported):
		return nil, err
	case err != nil:
		return nil, errInvalidFormat
	}
	c, _ := public.(*cert.Certificate)
	return c, nil
}

// describe is a certificate as ssh-keygen -L shows it.
func (k *keygen) describe(c *cert.Certificate) string {
	var b strings.Builder
	field := func(format string, args ...any) { fmt.Fprintf(&b, "        "+format+"\n", args...) }
	field("Type: %s %v certificate", c.Type(), c.Kind)
	field("Public key: %s %s", cert.ShortName(c.Type()), keyfile.Fingerprint(c.Key, keyfile.Hash(k.hash)))
	field("Signing CA: %s %s (using %s)", key.ShortName(c.Authority.Type()), keyfile.Fingerprint(c.Authority, keyfile.Hash(k.hash)), term.Printable(c.SignatureAlgorithm))
	field("Key ID: \"%s\"", term.Printable(c.KeyID))
	field("Serial: %d", c.Serial)
	field("Valid: %s", c.Validity())
	list(&b, "Principals: ", c.Principals)
	list(&b, "Critical Options: ", describeOptions(c.Critical, true))
	list(&b, "Extensions: ", describeOptions(c.Extensions, false))
	return b.String()
}

func list(b *strings.Builder, title string, entries []string) {
	b.WriteString("        " + title)
	if len(entries) == 0 {
		b.WriteString("(none)\n")
		return
	}
	b.WriteString("\n")
	for _, entry := range entries {
		b.WriteString("                " + term.Printable(entry) + "\n")
	}
}

// describeOptions shows what isn't known in hexadecimal.
func describeOptions(options []cert.Option, critical bool) []string {
	var shown []string
	for _, o := range options {
		text, err := o.Text()
		switch {
		case critical && (o.Name == cert.ForceCommand || o.Name == cert.SourceAddress) && err == nil:
			shown = append(shown, o.Name+" "+text)
		case o.Data == "" && (critical && o.Name == cert.VerifyRequired || !critical && cert.KnownExtension(o.Name)):
			shown = append(shown, o.Name)
		case o.Data != "":
			shown = append(shown, fmt.Sprintf("%s UNKNOWN OPTION: %x (len %d)", o.Name, o.Data, len(o.Data)))
		default:
			shown = append(shown, o.Name+" UNKNOWN FLAG OPTION")
		}
	}
	return shown
}
