package keys

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/putty"
	"github.com/nacre-ssh/nacre/term"
)

const puttygenUsage = `Usage: puttygen ( keyfile | -t type [ -b bits ] )
                [ -C comment ] [ -P ] [ -q ]
                [ -o output-keyfile ] [ -O type | -l | -L | -p ]
`

// A puttyType is a word of -t.
type puttyType struct {
	word    string
	comment string // what the default comment begins with
	bits    int    // fixed by the word, or 0
	usual   int    // without -b
	// typ returns key's name for a number of bits, or "".
	typ func(bits int) string
}

// puttyTypes are the types that are made. SSH-1's and DSA's are known, to say
// that they aren't.
var puttyTypes = [...]puttyType{
	{"rsa", "rsa-key-", 0, 2048, func(int) string { return key.TypeRSA }},
	{"rsa2", "rsa-key-", 0, 2048, func(int) string { return key.TypeRSA }},
	{"ecdsa", "ecdsa-key-", 0, 384, ecdsaOfSize},
	{"eddsa", "ed25519-key-", 0, 255, eddsaOfSize},
	{"ed25519", "ed25519-key-", 255, 255, eddsaOfSize},
	{"ed448", "eddsa-key-", 448, 448, eddsaOfSize},
	{"dsa", "", 0, 2048, nil},
	{"dss", "", 0, 2048, nil},
	{"rsa1", "", 0, 2048, nil},
}

func eddsaOfSize(bits int) string {
	switch bits {
	case 255, 256: // PuTTY counts the field's bits, and takes both
		return key.TypeEd25519
	case 448:
		return key.TypeEd448
	}
	return ""
}

// wrong reports an option that can't be and goes on: PuTTY names them all.
func (g *puttygen) wrong(format string, args ...any) error {
	g.Errorf("puttygen: "+format, args...)
	g.failed = true
	return nil
}

// parse reads the command line and reports whether the run goes on.
func (g *puttygen) parse() bool {
	operands, err := g.table().Parse(g.Args, -1)
	var bad *getopt.Error
	switch {
	case errors.As(err, &bad):
		g.badOption(bad)
	case err != nil:
		g.wrong("%v", err)
	case len(operands) > 1:
		g.wrong("cannot handle more than one input file")
	case len(operands) == 1:
		g.in = operands[0]
	}
	if !g.failed || g.typ != nil {
		g.checkBits()
	}
	return !g.failed
}

// badOption says in PuTTY's words what getopt found.
func (g *puttygen) badOption(bad *getopt.Error) {
	dash := "-"
	if len(bad.Option) != 1 {
		dash = "--"
	}
	switch {
	case strings.HasPrefix(bad.Reason, "unknown"):
		g.wrong("no such option `%s%s'", dash, bad.Option)
	case strings.HasPrefix(bad.Reason, "option requires") && dash == "-":
		g.wrong("option `-%s' expects a parameter", bad.Option)
	case strings.HasPrefix(bad.Reason, "option requires"):
		g.wrong("option `--%s' expects an argument", bad.Option)
	default:
		g.wrong("option `%s%s' expects no argument", dash, bad.Option)
	}
}

func (g *puttygen) table() getopt.Table {
	kind := func(name string) func(string) error { return func(string) error { return g.setKind(name) } }
	set := func(to *bool) func(string) error { return func(string) error { *to = true; return nil } }
	text := func(to *string) func(string) error { return func(arg string) error { *to = arg; return nil } }
	return getopt.Table{
		{Letter: 't', Arg: "type", Help: "specify key type when generating: eddsa, ecdsa, rsa (with -b), ed25519, ed448", Do: g.setType},
		{Letter: 'b', Arg: "bits", Help: "specify number of bits when generating key", Do: g.setBits},
		{Letter: 'C', Arg: "comment", Help: "change or specify key comment", Do: g.setComment},
		{Letter: 'P', Help: "change key passphrase", Do: set(&g.changePass)},
		{Letter: 'q', Help: "quiet: do not display progress bar"},
		{Letter: 'O', Arg: "type", Help: "specify output type: " + strings.Join(puttyOutputNames(), ", "), Do: g.setKind},
		{Letter: 'o', Arg: "file", Help: "specify output file", Do: text(&g.out)},
		{Letter: 'l', Help: "equivalent to `-O fingerprint'", Do: kind("fingerprint")},
		{Letter: 'L', Help: "equivalent to `-O public-openssh'", Do: kind("public-openssh")},
		{Letter: 'p', Help: "equivalent to `-O public'", Do: kind("public")},
		{Long: "cert-info", Help: "equivalent to `-O cert-info'", Do: kind("cert-info")},
		{Long: "certinfo", Do: kind("cert-info")},
		{Long: "cert_info", Do: kind("cert-info")},
		{Long: "dump", Help: "equivalent to `-O text'", Do: kind("text")},
		{Letter: 'E', Arg: "fptype", Help: "specify fingerprint output type: sha256, md5, sha256-cert, md5-cert", Do: g.setHash},
		{Long: "certificate", Arg: "file", Help: "incorporate a certificate into the key", Do: text(&g.certFile)},
		{Long: "remove-certificate", Help: "remove any certificate from the key", Do: set(&g.removeCert)},
		{Long: "reencrypt", Help: "load a key and save it with fresh encryption", Do: set(&g.reencrypt)},
		{Long: "old-passphrase", Arg: "file", Help: "specify file containing old key passphrase", Do: g.passphraseFile(&g.oldPass)},
		{Long: "new-passphrase", Arg: "file", Help: "specify file containing new key passphrase", Do: g.passphraseFile(&g.newPass)},
		{Long: "random-device", Arg: "device", Help: "specify device to read more entropy from", Do: text(&g.random)},
		{Long: "primes", Arg: "type", Help: "select prime-generation method: probable, proven, proven-even", Do: g.setPrimes},
		{Long: "strong-rsa", Help: "use \"strong\" primes as RSA key factors", Do: set(&g.strong)},
		{Long: "ppk-param", Arg: "key=value,...", Help: "how PuTTY's files are written: version (2, 3), kdf (argon2id, argon2i, argon2d), memory (KiB), time (ms), passes, parallelism", Do: g.setParams},
		{Long: "ppk-params", Arg: "key=value,...", Do: g.setParams},
		{Letter: 'h', Long: "help", Help: "show this", Do: g.showHelp},
		{Letter: 'V', Long: "version", Help: "show which nacre this is", Do: g.showVersion},
		{Long: "pgpfp", Do: g.showPGP},
	}
}

func (g *puttygen) showHelp(string) error {
	g.nothing = true
	fmt.Fprintf(g.Stdout, "PuTTYgen: key generator and converter for the PuTTY tools\n%s\n%s%s", door.Version(), puttygenUsage, g.table().Help())
	return nil
}

func (g *puttygen) showVersion(string) error {
	g.nothing = true
	fmt.Fprintf(g.Stdout, "puttygen: %s\n", door.Version())
	return nil
}

func (g *puttygen) showPGP(string) error {
	g.nothing = true
	fmt.Fprintln(g.Stdout, "This puttygen is part of nacre; the PuTTY PGP Master Keys say nothing about it.")
	return nil
}

func (g *puttygen) setKind(name string) error {
	outputs := puttyOutputs()
	for i := range outputs {
		if outputs[i].name == name {
			g.kind = &outputs[i]
			return nil
		}
	}
	return g.wrong("unknown output type `%s'", term.Printable(name))
}

func (g *puttygen) setComment(arg string) error {
	if strings.ContainsAny(arg, "\r\n\x00") {
		return g.wrong("a comment can't hold a line break")
	}
	g.comment = &arg
	return nil
}

func (g *puttygen) setType(word string) error {
	for i := range puttyTypes {
		if puttyTypes[i].word == word {
			g.typ = &puttyTypes[i]
			if g.typ.bits > 0 {
				g.bits = g.typ.bits
			}
			return nil
		}
	}
	return g.wrong("unknown key type `%s'", term.Printable(word))
}

func (g *puttygen) setBits(arg string) error {
	n, err := strconv.Atoi(arg)
	if err != nil {
		return g.wrong("`%s' is no number of bits", term.Printable(arg))
	}
	g.bits = n
	return nil
}

// checkBits is what PuTTY says about -b, whether or not other options are
// wrong.
func (g *puttygen) checkBits() {
	if g.typ == nil {
		return
	}
	if g.bits == -1 {
		g.bits = g.typ.usual
	}
	switch {
	case g.typ.word == "rsa1":
		g.wrong("SSH-1 keys are not supported; nothing takes them any more")
	case g.typ.typ == nil:
		g.wrong("DSA keys are weak and not made any more; use -t ed25519")
	case g.typ.word == "ecdsa" && g.typ.typ(g.bits) == "":
		g.wrong("invalid bits for ECDSA, choose 256, 384 or 521")
	case g.typ.typ(g.bits) == "":
		g.wrong("invalid bits for EdDSA, choose 255 or 448")
	case g.typ.typ(g.bits) != key.TypeRSA:
	case g.bits < key.MinRSABits:
		g.wrong("cannot generate RSA keys shorter than %d bits", key.MinRSABits)
	case g.bits > key.MaxRSABits:
		g.wrong("cannot generate RSA keys longer than %d bits", key.MaxRSABits)
	case g.bits < g.typ.usual:
		g.Errorf("puttygen: warning: RSA keys shorter than %d bits are probably not secure", g.typ.usual)
	}
}

func (g *puttygen) setHash(word string) error {
	name, certificate := strings.CutSuffix(word, "-cert")
	if name != string(keyfile.SHA256) && name != string(keyfile.MD5) {
		return g.wrong("unknown fingerprint type `%s'", term.Printable(word))
	}
	g.hash = putty.Hash{Hash: keyfile.Hash(name), Certificate: certificate}
	return nil
}

// puttyPrimes are the words of --primes and what each stands for. PuTTY has two
// ways to prove; ours serves for both.
var puttyPrimes = [...]struct{ word, mode string }{
	{"probable", ""}, {"probabilistic", ""},
	{"provable", "proven"}, {"proven", "proven"}, {"simple", "proven"}, {"maurer-simple", "proven"},
	{"provable-even", "proven"}, {"proven-even", "proven"}, {"even", "proven"}, {"complex", "proven"}, {"maurer-complex", "proven"},
}

func (g *puttygen) setPrimes(word string) error {
	for _, p := range puttyPrimes {
		if p.word == word {
			g.primes = p.mode
			return nil
		}
	}
	return g.wrong("unrecognised prime-generation mode `%s'", term.Printable(word))
}

// passphraseFile reads the first line of a file, without its line end.
func (g *puttygen) passphraseFile(to **string) func(string) error {
	return func(path string) error {
		text, err := readFile(path, maxPassphrase)
		if err != nil {
			return g.wrong("cannot open %s: %s", term.Printable(path), door.Sentence(err))
		}
		defer clear(text)
		line := string(text)
		if i := strings.IndexAny(line, "\r\n"); i >= 0 {
			line = line[:i]
		}
		*to = &line
		return nil
	}
}

// setParams reads --ppk-param's list.
func (g *puttygen) setParams(list string) error {
	for _, entry := range strings.Split(list, ",") {
		name, value, ok := strings.Cut(entry, "=")
		switch {
		case !ok:
			g.wrong("PPK parameter '%s' expected a value", term.Printable(name))
		case name == "kdf":
			g.setKDF(value)
		default:
			g.setNumber(name, value)
		}
	}
	return nil
}

func (g *puttygen) setKDF(value string) {
	for _, h := range []keyfile.PPKHash{keyfile.Argon2id, keyfile.Argon2i, keyfile.Argon2d} {
		if value == string(h) || value == strings.ToLower(string(h)) {
			g.params.KDF = h
			return
		}
	}
	g.wrong("unrecognised kdf '%s'", term.Printable(value))
}

// setNumber takes numbers as C does: 0x10 and 020 are 16, too.
func (g *puttygen) setNumber(name, value string) {
	n, err := strconv.ParseUint(value, 0, 32)
	if err != nil {
		g.wrong("value '%s' for PPK parameter '%s': expected a number", term.Printable(value), term.Printable(name))
		return
	}
	p := &g.params
	fields := map[string]*uint32{
		"memory": &p.Memory, "mem": &p.Memory, "time": &p.Milliseconds, "passes": &p.Passes,
		"parallelism": &p.Parallelism, "parallel": &p.Parallelism,
	}
	switch to := fields[name]; {
	case name == "version" && (n == 2 || n == 3):
		p.Version = int(n)
	case name == "version":
		g.wrong("PPK version %d is not written, only 2 and 3", n)
	case to == nil:
		g.wrong("unrecognised PPK parameter '%s'", term.Printable(name))
	case n == 0:
		g.wrong("PPK parameter '%s' must be more than 0", name)
	default:
		*to = uint32(n)
		if name == "time" {
			p.Passes = 0 // what comes later counts
		}
	}
}
