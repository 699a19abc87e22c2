package applet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
)

// copyID is one run of ssh-copy-id. Unlike the original it logs in once, and
// looks into the file there to find out which keys it holds, instead of trying
// each key.
type copyID struct {
	*door.Env
	identity string // -i
	sought   bool   // -i was there
	forced   bool
	dryRun   bool
	sftp     bool
	target   string   // -t
	ssh      []string // what ssh gets before the destination
	said     []string // the same for people to copy: with quotes
	remote   string   // [user@]host
}

const copyIDUsage = `Usage: %[1]s [-h|-?|-f|-n|-s|-x] [-i [identity_file]] [-t target_path] [-p port] [-F alternative ssh_config file] [[-o <ssh -o options>] ...] [user@]hostname
	-f: force mode -- copy keys without trying to check if they are already installed
	-n: dry run    -- no keys are actually copied
	-s: use sftp   -- use sftp instead of executing remote-commands. Can be useful if the remote only allows sftp
	-t: target     -- path of the file on the remote machine, in place of .ssh/authorized_keys
	-x: debug      -- tell what happens on the connection
	-h|-?: print this help
`

func (c *copyID) table() getopt.Table {
	pass := func(letter string) func(string) error {
		return func(arg string) error {
			c.ssh, c.said = append(c.ssh, letter, arg), append(c.said, letter, shellQuote(arg))
			return nil
		}
	}
	return getopt.Table{
		{Letter: 'i', Arg: "identity_file", Help: "the key to copy", Do: c.source},
		{Letter: 'f', Help: "don't look whether it is there", Do: getopt.Flag(&c.forced)},
		{Letter: 'n', Help: "copy nothing, tell what would be", Do: getopt.Flag(&c.dryRun)},
		{Letter: 's', Help: "use sftp", Do: getopt.Flag(&c.sftp)},
		{Letter: 't', Arg: "target_path", Help: "the file there", Do: func(arg string) error { c.target = arg; return nil }},
		{Letter: 'p', Arg: "port", Help: "as ssh has it", Do: pass("-p")},
		{Letter: 'F', Arg: "configfile", Help: "as ssh has it", Do: pass("-F")},
		{Letter: 'o', Arg: "option", Help: "as ssh has it", Do: pass("-o")},
		{Letter: 'x', Help: "tell what happens", Do: func(string) error { c.ssh = append(c.ssh, "-v"); return nil }},
		{Letter: 'h', Help: "help", Do: func(string) error { return door.ErrUsage }},
		{Letter: '?', Help: "help", Do: func(string) error { return door.ErrUsage }},
	}
}

func (c *copyID) source(path string) error {
	if c.sought {
		return errors.New("-i option must not be specified more than once")
	}
	c.identity, c.sought = path, true
	return nil
}

func copyDoors() []door.Door {
	return []door.Door{
		{Name: "ssh-copy-id", Group: "keys", Help: "put a public key into authorized_keys on another machine", Link: true, Run: runSSHCopyID},
	}
}

// runSSHCopyID is the ssh-copy-id program.
func runSSHCopyID(ctx context.Context, e *door.Env) int {
	c := &copyID{Env: e}
	operands, err := c.table().Parse(e.Args, len(e.Args))
	if err == nil && len(operands) > 1 {
		err = fmt.Errorf("too many arguments.  Expecting a target hostname, got: %s", strings.Join(operands, " "))
	}
	if err != nil || len(operands) == 0 {
		if err != nil && !errors.Is(err, door.ErrUsage) {
			c.fail("%v\n", err)
		}
		fmt.Fprintf(e.Stderr, copyIDUsage, e.Name)
		return 1
	}
	c.remote = operands[0]
	keys, err := c.keys(ctx)
	if err == nil {
		err = c.copy(ctx, keys)
	}
	if err != nil {
		c.fail("%v", err)
		return 1
	}
	return 0
}

func (c *copyID) fail(format string, args ...any) { c.Errorf(c.Name+": ERROR: "+format, args...) }
func (c *copyID) info(format string, args ...any) { c.Errorf(c.Name+": INFO: "+format, args...) }

// keys are the public keys to copy: those of -i, else of the agent, else the
// newest of ~/.ssh/id*.pub.
func (c *copyID) keys(ctx context.Context) ([]keyfile.AuthorizedKey, error) {
	if !c.sought {
		if keys := c.ofAgent(ctx); len(keys) > 0 {
			return keys, nil
		}
	}
	path := c.identity
	if path == "" {
		path = newestIdentity()
	}
	if path == "" {
		return nil, errors.New("no identities found; make a key with ssh-keygen, or name one with -i")
	}
	return c.ofFile(path)
}

func (c *copyID) ofAgent(ctx context.Context) []keyfile.AuthorizedKey {
	socket := c.AuthSocket()
	if socket == "" {
		return nil
	}
	a, err := agent.Dial(ctx, socket)
	if err != nil {
		return nil // no agent is no error: files are next
	}
	defer a.Close()
	ids, err := a.List(ctx)
	if err != nil {
		return nil
	}
	var keys []keyfile.AuthorizedKey
	for _, id := range ids {
		if k, err := key.ParsePublic(id.Blob); err == nil {
			keys = append(keys, keyfile.AuthorizedKey{Key: k, Comment: id.Comment})
		}
	}
	return keys
}

// newestIdentity is the public key file changed last, without certificates.
func newestIdentity() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	paths, _ := filepath.Glob(filepath.Join(home, ".ssh", "id*.pub")) // the pattern is sound
	newest, when := "", int64(0)
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || strings.HasSuffix(path, "-cert.pub") {
			continue
		}
		if at := info.ModTime().UnixNano(); newest == "" || at > when {
			newest, when = path, at
		}
	}
	return newest
}

// ofFile reads a public key file. Its private half must be there too, or the key
// would be of no use, unless the user insists.
func (c *copyID) ofFile(path string) ([]keyfile.AuthorizedKey, error) {
	private := strings.TrimSuffix(path, ".pub")
	public := private + ".pub"
	text, err := os.ReadFile(public)
	if err != nil {
		return nil, fmt.Errorf("failed to open ID file '%s': %s", public, door.Sentence(err))
	}
	if !c.forced {
		if _, err := os.Stat(private); err != nil {
			return nil, fmt.Errorf("failed to open ID file '%s': %s\n\t(to install the contents of '%s' anyway, look at the -f option)", private, door.Sentence(err), public)
		}
	}
	c.info("Source of key(s) to be installed: \"%s\"", public)
	return publicKeys(public, text)
}

// publicKeys reads the lines of a .pub file.
func publicKeys(path string, text []byte) ([]keyfile.AuthorizedKey, error) {
	var keys []keyfile.AuthorizedKey
	for line := range bytes.Lines(text) {
		k, err := keyfile.ParseAuthorizedKey(line)
		if errors.Is(err, keyfile.ErrNoKey) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s holds no public key: %w", path, err)
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s holds no public key", path)
	}
	return keys, nil
}

// copy logs in, leaves out the keys that are there, and adds the others.
func (c *copyID) copy(ctx context.Context, keys []keyfile.AuthorizedKey) error {
	conn, err := c.login(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	at, err := c.place(ctx, conn)
	if err != nil {
		return err
	}
	missing := keys
	if !c.forced {
		c.info("looking into %s there, to filter out any keys that are already installed", at.path())
		text, err := at.read(ctx)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		missing = notIn(text, keys)
	}
	if len(missing) == 0 {
		c.Errorf("\n%s: WARNING: All keys were skipped because they already exist on the remote system.\n"+
			"\t\t(if you think this is a mistake, you may want to use -f option)\n", c.Name)
		return nil
	}
	lines := keyLines(missing)
	if c.dryRun {
		fmt.Fprintf(c.Stdout, "=-=-=-=-=-=-=-=\nWould have added the following key(s):\n\n%s=-=-=-=-=-=-=-=\n", lines)
		return nil
	}
	if err := at.add(ctx, lines); err != nil {
		return err
	}
	program := "ssh"
	if c.sftp {
		program = "sftp"
	}
	fmt.Fprintf(c.Stdout, "\nNumber of key(s) added: %d\n\nNow try logging into the machine, with:   \"%s %s\"\n"+
		"and check to make sure that only the key(s) you wanted were added.\n\n", len(missing), program, c.words())
	return nil
}

// words are the options and the destination as a shell would take them.
func (c *copyID) words() string {
	return strings.Join(append(slices.Clone(c.said), shellQuote(c.remote)), " ")
}

// notIn are the keys that a text of authorized_keys doesn't hold.
func notIn(text []byte, keys []keyfile.AuthorizedKey) []keyfile.AuthorizedKey {
	there := map[string]bool{}
	for line := range bytes.Lines(text) {
		if k, err := keyfile.ParseAuthorizedKey(line); err == nil {
			there[string(k.Key.Blob())] = true
		}
	}
	var missing []keyfile.AuthorizedKey
	for _, k := range keys {
		if blob := string(k.Key.Blob()); !there[blob] {
			there[blob] = true // the same key twice is one key
			missing = append(missing, k)
		}
	}
	return missing
}

func keyLines(keys []keyfile.AuthorizedKey) []byte {
	var b []byte
	for i := range keys {
		b = append(bytes.TrimRight(append(b, keyfile.MarshalAuthorizedKey(keys[i])...), "\n"), '\n')
	}
	return b
}

// login connects as ssh would with the options that were given.
func (c *copyID) login(ctx context.Context) (*client.Client, error) {
	line, err := parseSSH(append(append([]string{"-a", "-x", "-T"}, c.ssh...), c.remote))
	if err != nil {
		return nil, err
	}
	r := &sshRun{Env: c.Env, line: line}
	r.speaker.level, r.speaker.out = config.LogInfo, c.Stderr
	if r.conf, err = line.load(); err != nil {
		return nil, err
	}
	r.speaker.level = r.conf.LogLevel
	r.peer = fmt.Sprintf("%s port %d", r.conf.HostName, r.conf.Port)
	conn, err := r.connect(ctx)
	if err != nil {
		return nil, errors.New(r.explain(err))
	}
	return conn, nil
}
