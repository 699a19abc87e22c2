package keys

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/keyfile"
)

// keygen is one run of ssh-keygen: what the options said, and the world.
type keygen struct {
	*door.Env
	verbose  int
	quiet    bool            // -q
	modes    map[byte]string // the modes that were asked for by letter, with their argument
	operands []string        // what follows the options

	file    string         // -f, or the default that the mode sets
	hasFile bool           // -f was given
	typ     string         // -t
	bits    int            // -b; 0: not given
	comment *string        // -C; nil: not given
	oldPass *string        // -P
	newPass *string        // -N
	rounds  int            // -a; 0: not given
	cipher  string         // -Z; "": the default
	hash    string         // -E, "sha256" or "md5"
	form    string         // -m, "RFC4716", "PKCS8" or "PEM"; "": not given
	foreign keyfile.Format // what the file is that is changed, where that isn't OpenSSH's
	generic bool           // -g
	list    bool           // -l, which is a mode of its own and a modifier of -F and -Q
	options []string       // -O, in order
	sk      string         // -w

	host       bool   // -h: a host certificate
	agent      bool   // -U: the CA's key is in the agent
	update     bool   // -u: add to a KRL
	ca         string // -s: CA key, or the signature's file
	id         string // -I
	principals string // -n: principals, or a signature's namespace
	validity   string // -V
	serial     uint64 // -z
	serialStep bool   // -z +N: one more for each certificate
	name       string // the argument of -r, -R or -F
}

// A keygenMode is one thing that ssh-keygen can do. Letter is the option that
// asks for it.
type keygenMode struct {
	letter byte
	run    func(k *keygen, ctx context.Context) int
}

// keygenModes are all modes but making a key. When several are asked for, the
// first in this order is done, as in OpenSSH's main.
func keygenModes() []keygenMode {
	return []keygenMode{
		{'Y', (*keygen).signatures},
		{'k', (*keygen).makeKRL},
		{'Q', (*keygen).checkKRL},
		{'s', (*keygen).certify},
		{'L', (*keygen).showCertificate},
		{'R', (*keygen).knownHosts},
		{'H', (*keygen).knownHosts},
		{'F', (*keygen).knownHosts},
		{'D', (*keygen).noToken},
		{'K', (*keygen).noSecurityKey},
		{'l', (*keygen).fingerprints},
		{'B', (*keygen).fingerprints},
		{'p', (*keygen).changePassphrase},
		{'c', (*keygen).changeComment},
		{'e', (*keygen).export},
		{'i', (*keygen).imports},
		{'y', (*keygen).printPublic},
		{'r', (*keygen).resourceRecords},
		{'M', (*keygen).moduli},
		{'A', (*keygen).allHostKeys},
	}
}

// A keygenError ends a run with exit code 255, as OpenSSH's fatal does; every
// other failure is 1.
type keygenError struct{ text string }

func (e *keygenError) Error() string { return e.text }

func fatalf(format string, args ...any) error {
	return &keygenError{fmt.Sprintf(format, args...)}
}

const (
	codeFailed = 1   // an operation failed, or the command line is wrong
	codeFatal  = 255 // OpenSSH's fatal()
)

// runKeygen is the ssh-keygen door.
func runKeygen(ctx context.Context, e *door.Env) int {
	k := &keygen{Env: e, hash: string(keyfile.SHA256), modes: map[byte]string{}}
	var err error
	k.operands, err = k.table().Parse(e.Args, 0)
	if err != nil {
		return k.badOptions(err)
	}
	if err := k.check(); err != "" {
		k.Errorf("%s", err)
		return k.usage()
	}
	for _, m := range keygenModes() {
		if k.asked(m.letter) {
			return m.run(k, ctx)
		}
	}
	return k.generate(ctx)
}

// asked reports whether the mode of a letter was asked for.
func (k *keygen) asked(letter byte) bool { _, ok := k.modes[letter]; return ok }

func (k *keygen) badOptions(err error) int {
	var fatal *keygenError
	if errors.As(err, &fatal) {
		return k.fatal(err)
	}
	k.Errorf("%s: %v", k.Name, err)
	return k.usage()
}

// fatal says what ended the run.
func (k *keygen) fatal(err error) int {
	k.Errorf("%v", err)
	return codeFatal
}

// fail says what went wrong.
func (k *keygen) fail(format string, args ...any) int {
	k.Errorf(format, args...)
	return codeFailed
}

// check holds what OpenSSH says about options that don't fit together, before
// it does anything.
func (k *keygen) check() string {
	switch {
	case k.asked('Y'):
		return ""
	case k.ca != "" && len(k.operands) == 0 && !k.asked('k'):
		return "Too few arguments."
	case k.ca == "" && len(k.operands) > 0 && !k.asked('k') && !k.asked('Q') && !k.asked('M'):
		return "Too many arguments."
	case k.asked('p') && k.asked('c'):
		return "Can only have one of -p and -c."
	case k.list && (k.asked('R') || k.asked('H')):
		return "Cannot use -l with -H or -R."
	}
	return ""
}

// table is every option, in the order of the manual. What a mode's options mean
// beyond being read is for the mode.
func (k *keygen) table() getopt.Table {
	return getopt.Table{
		k.mode('A', "", "make the host keys that are missing"),
		{Letter: 'a', Arg: "rounds", Help: "rounds of key derivation", Do: k.setRounds},
		k.mode('B', "", "show the bubblebabble digest"),
		{Letter: 'b', Arg: "bits", Help: "size of the key to make", Do: k.setBits},
		{Letter: 'C', Arg: "comment", Help: "comment", Do: setText(&k.comment)},
		k.mode('c', "", "change the comment"),
		k.mode('D', "pkcs11", "show the public keys of a token"),
		{Letter: 'E', Arg: "fingerprint_hash", Help: "sha256 or md5", Do: k.setHash},
		k.mode('e', "", "print a key in another public format (-m)"),
		k.named('F', "hostname", "find a host in known_hosts"),
		{Letter: 'f', Arg: "filename", Help: "file to read or write", Do: k.setFile},
		{Letter: 'g', Help: "generic format of DNS records", Do: getopt.Flag(&k.generic)},
		k.mode('H', "", "hash a known_hosts file"),
		{Letter: 'h', Help: "a host certificate", Do: getopt.Flag(&k.host)},
		{Letter: 'I', Arg: "certificate_identity", Help: "key id of a certificate, or a signer's name", Do: setString(&k.id)},
		k.mode('i', "", "read a key in another format (-m) and print it"),
		k.mode('K', "", "download resident keys of a security key"),
		k.mode('k', "", "make a key revocation list"),
		k.mode('L', "", "show certificates"),
		k.modeAnd('l', "show fingerprints", &k.list),
		{Letter: 'M', Arg: "generate | screen", Help: "make or test groups for Diffie-Hellman", Do: k.setModuli},
		{Letter: 'm', Arg: "key_format", Help: "RFC4716, PKCS8 or PEM", Do: k.setForm},
		{Letter: 'N', Arg: "new_passphrase", Help: "new passphrase", Do: setText(&k.newPass)},
		{Letter: 'n', Arg: "principals", Help: "principals, or a signature's namespace", Do: setString(&k.principals)},
		{Letter: 'O', Arg: "option", Help: "an option of the mode; may be repeated", Do: k.addOption},
		{Letter: 'o'}, // once chose what is now the default format
		{Letter: 'P', Arg: "passphrase", Help: "old passphrase", Do: setText(&k.oldPass)},
		k.mode('p', "", "change the passphrase"),
		k.mode('Q', "", "test whether keys are in a revocation list"),
		{Letter: 'q', Help: "say nothing", Do: getopt.Flag(&k.quiet)},
		k.named('R', "hostname", "remove a host from known_hosts"),
		k.named('r', "hostname", "print the DNS records of a key"),
		{Letter: 's', Arg: "ca_key", Help: "CA key that certifies, or a signature's file", Do: k.setCA},
		{Letter: 't', Arg: "ecdsa | ed25519 | rsa", Help: "type of the key to make", Do: setString(&k.typ)},
		{Letter: 'U', Help: "the CA's key is in the agent", Do: getopt.Flag(&k.agent)},
		{Letter: 'u', Help: "add to a revocation list", Do: getopt.Flag(&k.update)},
		{Letter: 'V', Arg: "validity_interval", Help: "when a certificate is valid", Do: setString(&k.validity)},
		{Letter: 'v', Help: "say more; with -l draw the key's picture", Do: func(string) error { k.verbose++; return nil }},
		{Letter: 'w', Arg: "provider", Help: "library of a security key", Do: setString(&k.sk)},
		k.mode('X', "", ""), // an old name of -i
		k.mode('Y', "operation", "sign and verify files"),
		k.mode('y', "", "print the public key"),
		{Letter: 'Z', Arg: "cipher", Help: "cipher of the private key file", Do: k.setCipher},
		{Letter: 'z', Arg: "serial_number", Help: "serial number of a certificate", Do: k.setSerial},
	}
}

// mode is the row of an option that asks for a mode.
func (k *keygen) mode(letter byte, arg, help string) getopt.Row {
	as := letter
	if letter == 'X' {
		as = 'i'
	}
	return getopt.Row{Letter: letter, Arg: arg, Help: help, Do: func(value string) error {
		k.modes[as] = value
		return nil
	}}
}

// modeAnd is a mode whose letter means something for other modes, too.
func (k *keygen) modeAnd(letter byte, help string, flag *bool) getopt.Row {
	row := k.mode(letter, "", help)
	ask := row.Do
	row.Do = func(value string) error { *flag = true; return ask(value) }
	return row
}

// named is a mode that is about one host.
func (k *keygen) named(letter byte, arg, help string) getopt.Row {
	row := k.mode(letter, arg, help)
	ask := row.Do
	row.Do = func(value string) error { k.name = value; return ask(value) }
	return row
}

func setString(to *string) func(string) error { return func(s string) error { *to = s; return nil } }

func setText(to **string) func(string) error { return func(s string) error { *to = &s; return nil } }

func (k *keygen) setFile(name string) error {
	if len(name) >= 1024 {
		return fatalf("Identity filename too long")
	}
	k.file, k.hasFile = name, true
	return nil
}

func (k *keygen) setCA(name string) error {
	k.ca, k.modes['s'] = name, name
	return nil
}

func (k *keygen) addOption(o string) error {
	k.options = append(k.options, o)
	return nil
}

// number reads what strtonum reads, and says what it says.
func number(text string, low, high int64) (int, string) {
	n, err := strconv.ParseInt(strings.TrimLeft(text, " \t"), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		return 0, "invalid"
	case n < low:
		return 0, "too small"
	case n > high:
		return 0, "too large"
	}
	return int(n), ""
}

func (k *keygen) setBits(text string) error {
	n, wrong := number(text, 1, math.MaxUint32)
	if wrong != "" {
		return fatalf("Bits has bad value %s (%s)", text, wrong)
	}
	k.bits = n
	return nil
}

func (k *keygen) setRounds(text string) error {
	n, wrong := number(text, 1, math.MaxInt32)
	if wrong != "" {
		return fatalf("Invalid number: %s (%s)", text, wrong)
	}
	k.rounds = n
	return nil
}

func (k *keygen) setHash(name string) error {
	switch h := strings.ToLower(name); h {
	case string(keyfile.SHA256), string(keyfile.MD5):
		k.hash = h
		return nil
	}
	return fatalf("Invalid hash algorithm \"%s\"", name)
}

func (k *keygen) setForm(name string) error {
	for _, form := range []string{"RFC4716", "PKCS8", "PEM"} {
		if strings.EqualFold(form, name) {
			k.form = form
			return nil
		}
	}
	return fatalf("Unsupported conversion format \"%s\"", name)
}

func (k *keygen) setCipher(name string) error {
	if !slices.Contains(keyfile.Ciphers(), name) {
		return fatalf("Invalid OpenSSH-format cipher '%s'", name)
	}
	k.cipher = name
	return nil
}

func (k *keygen) setModuli(what string) error {
	if what != "generate" && what != "screen" {
		return fatalf("Unsupported moduli option %s", what)
	}
	k.modes['M'] = what
	return nil
}

func (k *keygen) setSerial(text string) error {
	digits, step := strings.CutPrefix(text, "+")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return fatalf("Invalid serial number \"%s\"", digits)
	}
	k.serial, k.serialStep = n, step
	return nil
}
