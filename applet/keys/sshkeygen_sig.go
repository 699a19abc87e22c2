package keys

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// What -Y match-principals ends with: OpenSSH's numbers of its errors, as a
// process can return them.
const (
	codeNoPrincipal = 210 // SSH_ERR_KEY_NOT_FOUND
	codeBadSigners  = 252 // SSH_ERR_INVALID_FORMAT
)

// A sigOperation is one operation of -Y; what it needs of the options is named
// by their letters.
type sigOperation struct {
	name  string // a prefix of the word suffices to be longer
	needs []sigNeed
	run   func(k *keygen, ctx context.Context) int
}

// A sigNeed is an option without which an operation says what is missing.
type sigNeed struct {
	given func(k *keygen) bool
	text  string
}

func sigOperations() []sigOperation {
	signature := func(k *keygen) bool { return k.ca != "" }
	file := func(k *keygen) bool { return k.hasFile }
	name := func(k *keygen) bool { return k.id != "" }
	namespace := func(k *keygen) bool { return k.principals != "" }
	return []sigOperation{
		{"find-principals", []sigNeed{
			{signature, "find-principals:missing signature file"}, {file, "find-principals:missing allowed keys file"},
		}, (*keygen).findPrincipals},
		{"match-principals", []sigNeed{
			{file, "match-principals:missing allowed keys file"}, {name, "match-principals: missing principal ID"},
		}, (*keygen).matchPrincipals},
		{"sign", []sigNeed{
			{namespace, "sign: missing namespace"}, {file, "sign: missing key"},
		}, (*keygen).signFiles},
		{"check-novalidate", []sigNeed{
			{namespace, "check-novalidate: missing namespace"}, {signature, "check-novalidate: missing signature file"},
		}, func(k *keygen, ctx context.Context) int { return k.verifySignature(false) }},
		{"verify", []sigNeed{
			{namespace, "verify: missing namespace"}, {signature, "verify: missing signature file"},
			{file, "sign: missing allowed keys file"}, {name, "verify: missing principal identity"},
		}, func(k *keygen, ctx context.Context) int { return k.verifySignature(true) }},
	}
}

// signatures makes and checks signatures over files (-Y).
func (k *keygen) signatures(ctx context.Context) int {
	word := k.modes['Y']
	for _, op := range sigOperations() {
		if !strings.HasPrefix(word, op.name) {
			continue
		}
		for _, need := range op.needs {
			if !need.given(k) {
				return k.fail("Too few arguments for %s", need.text)
			}
		}
		return op.run(k, ctx)
	}
	k.Errorf("Unsupported operation for -Y: \"%s\"", term.Printable(word))
	return k.usage()
}

// sigOptions is -O for -Y.
type sigOptions struct {
	hash        string
	at          time.Time
	printPublic bool
}

// sigOptions reads those options that an operation has, by their names.
func (k *keygen) sigOptions(has ...string) (sigOptions, error) {
	o := sigOptions{at: time.Now()}
	for _, word := range k.options {
		name, value, _ := strings.Cut(word, "=")
		name = strings.ToLower(name)
		if !slices.Contains(has, name) {
			return o, fatalf("Invalid option \"%s\"", term.Printable(word))
		}
		switch name {
		case "hashalg":
			o.hash = value
		case "print-pubkey":
			o.printPublic = true
		case "verify-time":
			t, err := cert.ParseTime(value)
			if err != nil || t == 0 {
				return o, fatalf("Invalid \"verify-time\" option")
			}
			o.at = time.Unix(int64(t), 0)
		}
	}
	return o, nil
}

// signFiles signs the operands, or the standard input (-Y sign).
func (k *keygen) signFiles(ctx context.Context) int {
	if len(k.operands) > 1 && slices.Contains(k.operands, "-") {
		return k.fatal(fatalf("Cannot sign mix of paths and standard input"))
	}
	o, err := k.sigOptions("hashalg")
	if err != nil {
		return k.fatal(err)
	}
	signer, done, err := k.fileSigner(ctx)
	if err != nil {
		return k.fatal(err)
	}
	defer done()
	files := k.operands
	if len(files) == 0 {
		files = []string{"-"}
	}
	for _, path := range files {
		if err := k.signFile(ctx, signer, o.hash, path); err != nil {
			return k.fatal(err)
		}
	}
	return 0
}

// fileSigner is the key of -f: in the agent if that has it, else in the file, or
// the private key's file that a public key's name tells.
func (k *keygen) fileSigner(ctx context.Context) (key.Signer, func(), error) {
	public, _, err := loadPublicKey(k.file)
	if err != nil {
		return nil, nil, fatalf("Couldn't load public key %s: %s", term.Printable(k.file), door.Because(err))
	}
	c, err := k.dialAgent(ctx)
	if err == nil {
		if signer, err := agentSigner(ctx, c, public); err == nil && signer != nil {
			return signer, func() { c.Close() }, nil
		}
		c.Close()
	}
	if k.agent {
		return nil, nil, noAgentKey(c)
	}
	path := strings.TrimSuffix(strings.TrimSuffix(k.file, ".pub"), "-cert")
	if _, err := os.Stat(path); err != nil {
		return nil, nil, fatalf("No private key found for public key \"%s\"", term.Printable(k.file))
	}
	private, err := k.openPrivateKey(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	if !key.Equal(private.Public(), cert.PlainKey(public)) {
		return nil, nil, fatalf("Public key %s doesn't match private %s", term.Printable(k.file), term.Printable(path))
	}
	signer, err := certified(private, public)
	return signer, func() {}, err
}

func noAgentKey(c *agent.Client) error {
	if c == nil {
		return fatalf("Couldn't get agent socket")
	}
	return fatalf("Couldn't find key in agent")
}

func (k *keygen) signFile(ctx context.Context, signer key.Signer, hash, path string) error {
	in, title := k.Stdin, "data on standard input"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return fatalf("Cannot open %s for signing: %s", term.Printable(path), door.Because(err))
		}
		defer f.Close()
		in, title = f, "file "+term.Printable(path)
	}
	if !k.quiet {
		k.Errorf("Signing %s", title)
	}
	s, err := cert.SignMessage(ctx, signer, k.principals, hash, in)
	if err != nil {
		return fatalf("Signing %s failed: %s", term.Printable(path), door.Because(err))
	}
	if path == "-" {
		_, err := k.Stdout.Write(s.Armor())
		return err
	}
	return k.writeSignature(path+".sig", s.Armor())
}

func (k *keygen) writeSignature(path string, text []byte) error {
	if !k.confirmOverwrite(path) {
		return nil
	}
	if err := os.WriteFile(path, text, 0o666); err != nil {
		return fatalf("Cannot open %s: %s", term.Printable(path), door.Because(err))
	}
	if !k.quiet {
		k.Errorf("Write signature to %s", term.Printable(path))
	}
	return nil
}

func (k *keygen) readSignature() (*cert.Signature, error) {
	text, err := door.ReadUpTo(k.ca, cert.MaxSignature)
	if err != nil {
		return nil, fatalf("Couldn't read signature file: %s", door.Because(err))
	}
	s, err := cert.Dearmor(text)
	if err != nil {
		return nil, fatalf("%s", door.Capital(err.Error()))
	}
	return s, nil
}

// verifySignature checks a signature over the standard input, and, unless
// nobody is asked for, who made it (-Y verify, -Y check-novalidate).
func (k *keygen) verifySignature(signers bool) int {
	o, err := k.sigOptions("verify-time", "print-pubkey")
	var s *cert.Signature
	if err == nil {
		s, err = k.goodSignature(o, signers)
	}
	if err != nil {
		if err.Error() != "" {
			k.Errorf("%v", err)
		}
		if !k.quiet {
			fmt.Fprintln(k.Stdout, "Could not verify signature.")
		}
		return codeFatal
	}
	if !k.quiet {
		who := ""
		if signers {
			who = " for " + term.Printable(k.id)
		}
		fmt.Fprintf(k.Stdout, "Good \"%s\" signature%s with %s key %s\n", term.Printable(k.principals), who,
			cert.ShortName(s.Key.Type()), keyfile.Fingerprint(cert.PlainKey(s.Key), keyfile.Hash(k.hash)))
	}
	if o.printPublic {
		k.Stdout.Write(cert.MarshalLine(s.Key, ""))
	}
	return 0
}

func (k *keygen) goodSignature(o sigOptions, signers bool) (*cert.Signature, error) {
	s, err := k.readSignature()
	if err != nil {
		return nil, err
	}
	if err := s.Verify(k.principals, k.Stdin); errors.Is(err, key.ErrSignature) {
		return nil, fatalf("Signature verification failed: incorrect signature")
	} else if err != nil {
		return nil, fatalf("%s", door.Capital(err.Error()))
	}
	if !signers {
		return s, nil
	}
	if k.asked('r') {
		if err := door.CheckRevoked(k.name, s.Key); err != nil {
			return nil, fatalf("%s", door.Capital(err.Error()))
		}
	}
	a, done, err := k.allowedSigners()
	if err != nil {
		return nil, err
	}
	defer done()
	if err := a.Check(s.Key, k.id, k.principals, o.at); err != nil {
		return nil, fatalf("") // what there is to say was reported
	}
	return s, nil
}

func (k *keygen) allowedSigners() (*cert.AllowedSigners, func(), error) {
	f, err := os.Open(k.file)
	if err != nil {
		return nil, nil, fatalf("Unable to open allowed keys file \"%s\": %s", term.Printable(k.file), door.Because(err))
	}
	report := func(text string) { k.Errorf("%s", term.Printable(text)) }
	return &cert.AllowedSigners{Name: k.file, File: f, Report: report}, func() { f.Close() }, nil
}

// findPrincipals tells who may have made a signature (-Y find-principals).
func (k *keygen) findPrincipals(context.Context) int {
	names, err := k.principalsOf()
	if err != nil {
		var fatal *keygenError
		if errors.As(err, &fatal) {
			k.Errorf("%v", err)
		}
		k.Errorf("No principal matched.")
		return codeFatal
	}
	for _, name := range names {
		fmt.Fprintln(k.Stdout, term.Printable(name))
	}
	return 0
}

func (k *keygen) principalsOf() ([]string, error) {
	o, err := k.sigOptions("verify-time")
	if err != nil {
		return nil, err
	}
	s, err := k.readSignature()
	if err != nil {
		return nil, err
	}
	a, done, err := k.allowedSigners()
	if err != nil {
		return nil, err
	}
	defer done()
	return a.FindPrincipals(s.Key, o.at)
}

// matchPrincipals tells the lines' principals that a name matches
// (-Y match-principals).
func (k *keygen) matchPrincipals(context.Context) int {
	if _, err := k.sigOptions(); err != nil {
		return k.fatal(err)
	}
	a, done, err := k.allowedSigners()
	if err != nil {
		return k.fatal(err)
	}
	defer done()
	fields, err := a.MatchPrincipals(k.id)
	if err != nil {
		k.Errorf("No principal matched.")
		if !errors.Is(err, cert.ErrNotAllowed) {
			return codeBadSigners
		}
		return codeNoPrincipal
	}
	for _, field := range fields {
		fmt.Fprintln(k.Stdout, term.Printable(field))
	}
	return 0
}
