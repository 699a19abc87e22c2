package agents

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/putty"
)

// A pageantRun is one run of pageant: what the options said, in their order.
type pageantRun struct {
	*door.Env
	actions []pageantAction
	life    byte // 'X', 'T', 'p'ermanent, 'd'ebug, 'f'oreground, 'e'xec; 0: a client
	command []string
	prompt  string // --askpass
	symlink string
	shell   byte // 's' or 'c'
	hash    putty.Hash
	flags   uint32 // of --test-sign
	verbose bool
	tty     byte // 't'ty or 'g'ui: where passphrases are asked for

	current byte // what a bare argument is for
	agent   *agent.Client
	failed  bool
}

// A pageantAction is one thing to do. The letters are the options': 'k' and 'K'
// load a key into a new agent, 'K' and 'A' leave it encrypted.
type pageantAction struct {
	what byte
	arg  string
}

const pageantUsage = `Usage: pageant <lifetime> [[--encrypted] key files]
       pageant [[--encrypted] key files] --exec <command> [args]
       pageant -a [--encrypted] [key files]
       pageant -d [key identifiers]
       pageant -D
       pageant -r [key identifiers]
       pageant -R
       pageant --public [key identifiers]
       pageant ( --public-openssh | -L ) [key identifiers]
       pageant -l [-E fptype]
Lifetime options, for running Pageant as an agent:
  -X           run with the lifetime of the X server
  -T           run with the lifetime of the controlling tty
  --permanent  run permanently
  --debug      run in debugging mode, without forking
  --foreground run permanently, without forking
  --exec <command>   run with the lifetime of that command
Client options, for talking to an existing agent:
  -a           add key(s) to the existing agent
  -l           list currently loaded key fingerprints and comments
  --public     print public keys in RFC 4716 format
  --public-openssh, -L   print public keys in OpenSSH format
  -d           delete key(s) from the agent
  -D           delete all keys from the agent
  -r           re-encrypt keys in the agent (forget cleartext)
  -R           re-encrypt all possible keys in the agent
Other options:
  -v           verbose mode (in agent mode)
  -s -c        force POSIX or C shell syntax (in agent mode)
  --symlink path   create symlink to socket (in agent mode)
  --encrypted  when adding keys, don't decrypt
  -E alg, --fptype alg   fingerprint type for -l (sha256, md5)
  --tty-prompt force tty-based passphrase prompt
  --gui-prompt force GUI-based passphrase prompt
  --askpass <prompt>   behave like a standalone askpass program
`

// A pageantOption is one word of the command line; PuTTY's grammar has no
// letters that are joined.
type pageantOption struct {
	words []string
	// missing ends "expected a … after"; "" for an option that takes nothing.
	missing string
	do      func(r *pageantRun, arg string) error
}

func pageantOptions() []pageantOption {
	life := func(c byte) func(*pageantRun, string) error {
		return func(r *pageantRun, _ string) error { r.life = c; return nil }
	}
	each := func(c byte) func(*pageantRun, string) error {
		return func(r *pageantRun, _ string) error { r.current = c; return nil }
	}
	now := func(c byte) func(*pageantRun, string) error {
		return func(r *pageantRun, _ string) error {
			r.actions = append(r.actions, pageantAction{c, ""})
			return nil
		}
	}
	return []pageantOption{
		{[]string{"-v"}, "", func(r *pageantRun, _ string) error { r.verbose = true; return nil }},
		{[]string{"-a"}, "", each('a')}, {[]string{"-d"}, "", each('d')}, {[]string{"-r"}, "", each('r')},
		{[]string{"--public"}, "", each('p')}, {[]string{"--public-openssh", "-L"}, "", each('L')},
		{[]string{"-D"}, "", now('D')}, {[]string{"-R"}, "", now('R')}, {[]string{"-l"}, "", now('l')},
		{[]string{"-s"}, "", func(r *pageantRun, _ string) error { r.shell = 's'; return nil }},
		{[]string{"-c"}, "", func(r *pageantRun, _ string) error { r.shell = 'c'; return nil }},
		{[]string{"-X"}, "", life('X')}, {[]string{"-T"}, "", life('T')}, {[]string{"--permanent"}, "", life('p')},
		{[]string{"--debug"}, "", life('d')}, {[]string{"--foreground"}, "", life('f')},
		{[]string{"--encrypted", "-encrypted", "--no-decrypt", "-no-decrypt", "--no_decrypt", "-no_decrypt", "--nodecrypt", "-nodecrypt"}, "", (*pageantRun).encrypted},
		{[]string{"--test-sign"}, "", func(r *pageantRun, _ string) error { r.current, r.flags = 's', 0; return nil }},
		{[]string{"--tty-prompt"}, "", func(r *pageantRun, _ string) error { r.tty = 't'; return nil }},
		{[]string{"--gui-prompt"}, "", func(r *pageantRun, _ string) error { r.tty = 'g'; return nil }},
		{[]string{"--askpass"}, "prompt message", func(r *pageantRun, arg string) error { r.prompt = arg; return nil }},
		{[]string{"--symlink"}, "pathname", func(r *pageantRun, arg string) error { r.symlink = arg; return nil }},
		{[]string{"-E", "--fptype"}, "type string", (*pageantRun).setHash},
	}
}

func (r *pageantRun) encrypted(string) error {
	switch r.current {
	case 'k':
		r.current = 'K'
	case 'a':
		r.current = 'A'
	case 'K', 'A':
	default:
		return fmt.Errorf("unexpected --encrypted while not adding keys")
	}
	return nil
}

func (r *pageantRun) setHash(word string) error {
	name, certificate := strings.CutSuffix(word, "-cert")
	if name != string(keyfile.SHA256) && name != string(keyfile.MD5) {
		return fmt.Errorf("unknown fingerprint type `%s'", word)
	}
	r.hash = putty.Hash{Hash: keyfile.Hash(name), Certificate: certificate}
	return nil
}

// parse reads the command line.
func (r *pageantRun) parse() error {
	options := pageantOptions()
	args := r.Args
	bare := false
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		flags, signs := strings.CutPrefix(word, "--test-sign-with-flags=")
		switch {
		case bare || !strings.HasPrefix(word, "-"):
			r.actions = append(r.actions, pageantAction{r.current, word})
		case word == "--":
			bare = true
		case word == "--exec" && len(args) == 0:
			return fmt.Errorf("expected a command after --exec")
		case word == "--exec":
			r.life, r.command = 'e', args
			return nil
		case signs:
			n, _ := strconv.ParseUint(flags, 10, 32)
			r.current, r.flags = 's', uint32(n)
		default:
			var err error
			if args, err = r.option(options, word, args); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *pageantRun) option(options []pageantOption, word string, args []string) ([]string, error) {
	for i := range options {
		o := &options[i]
		if !slices.Contains(o.words, word) {
			continue
		}
		if o.missing == "" {
			return args, o.do(r, "")
		}
		if len(args) == 0 {
			return nil, fmt.Errorf("expected a %s after %s", o.missing, word)
		}
		return args[1:], o.do(r, args[0])
	}
	return nil, fmt.Errorf("unrecognised option '%s'", word)
}

// check refuses options that don't go together.
func (r *pageantRun) check() error {
	loads, asks := false, false
	for _, a := range r.actions {
		if a.what == 'k' || a.what == 'K' {
			loads = true
		} else {
			asks = true
		}
	}
	switch {
	case r.life != 0 && asks:
		return fmt.Errorf("client key actions (-a, -d, -D, -r, -R, -l, -L) do not go with an agent lifetime option")
	case r.life == 0 && loads:
		return fmt.Errorf("expected an agent lifetime option with bare key file arguments")
	case r.life == 0 && !asks:
		return fmt.Errorf("expected an agent lifetime option or a client key action")
	}
	return nil
}

// runPageant is the pageant program.
func runPageant(ctx context.Context, e *door.Env) int {
	if len(e.Args) == 1 && (e.Args[0] == "-V" || e.Args[0] == "--version") {
		fmt.Fprintf(e.Stdout, "pageant: %s\n", door.Version())
		return 0
	}
	if slices.Contains(e.Args, "--help") {
		fmt.Fprintf(e.Stdout, "Pageant: SSH agent\n%s\n%s", door.Version(), pageantUsage)
		return 0
	}
	r := &pageantRun{Env: e, hash: putty.Hash{Hash: keyfile.SHA256}, current: 'k'}
	err := r.parse()
	if err == nil && r.prompt != "" {
		return r.askAlone(ctx)
	}
	if err == nil {
		err = r.start()
	}
	if err == nil {
		err = r.check()
	}
	if err != nil {
		e.Errorf("pageant: %v", err)
		return 1
	}
	if r.life != 0 {
		return r.serve(ctx)
	}
	return r.client(ctx)
}

// askAlone is --askpass.
func (r *pageantRun) askAlone(ctx context.Context) int {
	secret, err := r.ask(ctx, r.prompt)
	if err != nil {
		r.Errorf("no way to read a passphrase without tty or X display")
		return 1
	}
	defer clear(secret)
	fmt.Fprintf(r.Stdout, "%s\n", secret)
	return 0
}

// ask asks for a passphrase, at the terminal or in a window.
func (r *pageantRun) ask(ctx context.Context, prompt string) ([]byte, error) {
	how := door.AskTerminal
	if r.tty == 'g' {
		how = door.AskProgram
	}
	return r.ReadSecret(ctx, how, prompt+": ")
}
