package agents

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/keyfile"
)

// Exit codes of ssh-add: 1 where something failed, 2 where there is no agent.
const (
	addOK      = 0
	addFailed  = 1
	addNoAgent = 2
	addFatal   = 255
)

// addRun is one run of ssh-add.
type addRun struct {
	*door.Env
	list     byte // 'l' or 'L'
	lock     byte // 'x' or 'X'
	removal  bool // -d
	all      bool // -D
	query    bool
	test     bool
	resident bool
	keyOnly  bool
	certOnly bool
	noExpiry bool // -N
	quiet    bool
	verbose  int
	confirm  bool
	life     time.Duration
	hash     keyfile.Hash
	token    string
	provider string
	hosts    []string // -H
	wanted   []string // -h

	destinations []agent.Destination
	agent        *agent.Client
	passphrase   []byte // the last that was right
	complaint    string
}

const addUsageText = `usage: ssh-add [-CcDdKkLlqvXx] [-E fingerprint_hash] [-H hostkey_file]
               [-h destination_constraint] [-S provider] [-t life]
               [file ...]
       ssh-add -s pkcs11 [-Cv] [certificate ...]
       ssh-add -e pkcs11
       ssh-add -T pubkey ...
`

// table is the options of ssh-add.
func (r *addRun) table() getopt.Table {
	set := func(into *bool) func(string) error {
		return func(string) error { *into = true; return nil }
	}
	one := func(into *byte, letter byte) func(string) error {
		return func(string) error {
			if *into != 0 {
				return fmt.Errorf("-%c flag already specified", *into)
			}
			*into = letter
			return nil
		}
	}
	text := func(into *string) func(string) error {
		return func(arg string) error { *into = arg; return nil }
	}
	more := func(into *[]string) func(string) error {
		return func(arg string) error { *into = append(*into, arg); return nil }
	}
	return getopt.Table{
		{Letter: 'C', Help: "certificates only", Do: set(&r.certOnly)},
		{Letter: 'c', Help: "the user must confirm each use of the key", Do: set(&r.confirm)},
		{Letter: 'D', Help: "remove all keys", Do: set(&r.all)},
		{Letter: 'd', Help: "remove keys", Do: set(&r.removal)},
		{Letter: 'E', Arg: "fingerprint_hash", Help: "sha256 or md5", Do: r.setHash},
		{Letter: 'e', Arg: "pkcs11", Help: "remove the keys of a token", Do: func(arg string) error { r.removal, r.token = true, arg; return nil }},
		{Letter: 'H', Arg: "hostkey_file", Help: "known hosts, to look up the hosts of -h", Do: more(&r.hosts)},
		{Letter: 'h', Arg: "destination_constraint", Help: "what the key may be used for: [user@]host, or host>[user@]host", Do: more(&r.wanted)},
		{Letter: 'K', Help: "load the keys that live on a security key", Do: set(&r.resident)},
		{Letter: 'k', Help: "keys only, no certificates", Do: set(&r.keyOnly)},
		{Letter: 'L', Help: "list the public keys", Do: one(&r.list, 'L')},
		{Letter: 'l', Help: "list the fingerprints", Do: one(&r.list, 'l')},
		{Letter: 'M', Arg: "n"},
		{Letter: 'm', Arg: "n"},
		{Letter: 'N', Help: "keep a certificate beyond its end", Do: set(&r.noExpiry)},
		{Letter: 'Q', Help: "list the agent's extensions", Do: set(&r.query)},
		{Letter: 'q', Help: "say nothing where all is well", Do: set(&r.quiet)},
		{Letter: 'S', Arg: "provider", Help: "library of a security key", Do: text(&r.provider)},
		{Letter: 's', Arg: "pkcs11", Help: "add the keys of a token", Do: text(&r.token)},
		{Letter: 'T', Help: "test whether the agent can use the keys", Do: set(&r.test)},
		{Letter: 't', Arg: "life", Help: "how long the agent keeps the key", Do: r.lifetime},
		{Letter: 'v', Help: "tell what happens", Do: func(string) error { r.verbose++; return nil }},
		{Letter: 'X', Help: "unlock the agent", Do: one(&r.lock, 'X')},
		{Letter: 'x', Help: "lock the agent with a password", Do: one(&r.lock, 'x')},
	}
}

func (r *addRun) setHash(name string) error {
	h, ok := hashNamed(name)
	if !ok {
		return fmt.Errorf("Invalid hash algorithm \"%s\"", name) //lint:ignore ST1005 as ssh-add says it
	}
	r.hash = h
	return nil
}

func (r *addRun) lifetime(text string) (err error) {
	if r.life, err = config.ParseTime(text); err != nil {
		r.complaint = "Invalid lifetime"
		return door.ErrUsage
	}
	return nil
}

// runSSHAdd is the ssh-add program.
func runSSHAdd(ctx context.Context, e *door.Env) int {
	r := &addRun{Env: e, hash: keyfile.SHA256, provider: e.Getenv("SSH_SK_PROVIDER")}
	operands, err := r.table().Parse(e.Args, 0)
	if err != nil {
		return r.usage(err)
	}
	if count(r.lock != 0, r.list != 0, r.all, r.query) > 1 {
		return r.fatal("Invalid combination of actions")
	}
	if code := r.connect(ctx); code != addOK {
		return code
	}
	defer r.agent.Close()
	defer func() { clear(r.passphrase) }()
	return r.run(ctx, operands)
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

func (r *addRun) usage(err error) int {
	var bad *getopt.Error
	switch {
	case errors.As(err, &bad):
		r.Errorf("%v", err)
	case r.complaint != "":
		r.Errorf("%s", r.complaint)
		return addFailed
	case !errors.Is(err, door.ErrUsage):
		return r.fatal("%v", err)
	}
	fmt.Fprint(r.Stderr, addUsageText)
	return addFailed
}

// say prints a line as OpenSSH's log does.
func (r *addRun) say(format string, args ...any) { r.Errorf(format+"\r", args...) }

func (r *addRun) fatal(format string, args ...any) int {
	r.say(format, args...)
	return addFatal
}

func (r *addRun) connect(ctx context.Context) int {
	socket := r.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		socket = agent.DefaultSocket()
	}
	if socket == "" {
		r.Errorf("Could not open a connection to your authentication agent.")
		return addNoAgent
	}
	c, err := agent.Dial(ctx, socket)
	if err != nil {
		r.Errorf("Error connecting to agent: %s", door.Sentence(err))
		return addNoAgent
	}
	r.agent = c
	return addOK
}

func (r *addRun) run(ctx context.Context, operands []string) int {
	switch {
	case r.lock != 0:
		return r.code(r.lockAgent(ctx))
	case r.list != 0:
		return r.code(r.listKeys(ctx))
	case r.all:
		return r.code(r.removeAll(ctx))
	case r.query:
		return r.listExtensions(ctx)
	}
	for _, text := range r.wanted {
		d, err := r.destination(text)
		if err != nil {
			return r.fatal("%v", err)
		}
		r.destinations = append(r.destinations, d)
	}
	switch {
	case r.test:
		return r.testKeys(ctx, operands)
	case r.token != "":
		return r.code(r.useToken(ctx, operands))
	case r.resident:
		return r.fatal("Cannot download keys without provider")
	case len(operands) == 0:
		return r.defaults(ctx)
	}
	ok := true
	for _, path := range operands {
		ok = r.file(ctx, path) && ok
	}
	return r.code(ok)
}

func (r *addRun) code(ok bool) int {
	if ok {
		return addOK
	}
	return addFailed
}

func (r *addRun) file(ctx context.Context, path string) bool {
	if r.removal {
		return r.remove(ctx, path)
	}
	return r.add(ctx, path)
}

// defaultKeys are the files in ~/.ssh that are taken where none is named.
var defaultKeys = [...]string{"id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"}

func (r *addRun) defaults(ctx context.Context) int {
	home, err := os.UserHomeDir()
	if err != nil {
		r.Errorf("No home directory: %v", err)
		return addFailed
	}
	done, ok := 0, true
	for _, name := range defaultKeys {
		path := filepath.Join(home, ".ssh", name)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if r.file(ctx, path) {
			done++
		} else {
			ok = false
		}
	}
	return r.code(ok && done > 0)
}
