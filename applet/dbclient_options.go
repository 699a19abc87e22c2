package applet

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// A dbLine is dbclient's command line.
type dbLine struct {
	env  *door.Env
	show func(*door.Env) int // what to print instead of connecting; nil: connect

	host, command string
	user, port    string
	bind          string
	proxy         string // -J
	accept        int    // how often -y
	strict        bool   // StrictHostKeyChecking=yes
	pty           byte   // t, T or 0
	ciphers, macs string
	identities    []string
	local, remote []config.Forward
	netcat        *config.Endpoint

	quiet, verbose, noCommand, background, subsystem bool
	agent, gateway, noQoS, syslog, batch, compress   bool
	exitOnForward, noTrivial, noPassword             bool

	keepAlive, idle, longest time.Duration
}

// A dbOption is one letter.
type dbOption struct {
	letter byte
	arg    bool
	do     func(string) error
}

// table is the options of dbclient.
func (l *dbLine) table() []dbOption {
	flags := map[byte]*bool{
		'q': &l.quiet, 'N': &l.noCommand, 'f': &l.background, 's': &l.subsystem, 'A': &l.agent, 'g': &l.gateway, 'z': &l.noQoS, 'v': &l.verbose,
	}
	var rows []dbOption
	for letter, into := range flags {
		rows = append(rows, dbOption{letter, false, getopt.Flag(into)})
	}
	for _, letter := range []byte("VFeD") { // the last three it has no use for
		rows = append(rows, dbOption{letter, false, l.shows(showDbVersion)})
	}
	return append(rows,
		dbOption{'y', false, func(string) error { l.accept++; return nil }},
		dbOption{'t', false, func(string) error { l.pty = 't'; return nil }},
		dbOption{'T', false, func(string) error { l.pty = 'T'; return nil }},
		dbOption{'h', false, l.shows(func(e *door.Env) int { dbUsage(e); return 0 })},
		dbOption{'u', false, func(string) error { return nil }}, // of old: /dev/urandom
		dbOption{'p', true, text(&l.port)},
		dbOption{'l', true, text(&l.user)},
		dbOption{'b', true, text(&l.bind)},
		dbOption{'J', true, text(&l.proxy)},
		dbOption{'c', true, text(&l.ciphers)},
		dbOption{'m', true, text(&l.macs)},
		dbOption{'i', true, l.identity},
		dbOption{'L', true, l.forward(&l.local)},
		dbOption{'R', true, l.forward(&l.remote)},
		dbOption{'B', true, l.netcatTo},
		dbOption{'o', true, l.option},
		dbOption{'W', true, l.window},
		dbOption{'K', true, seconds(&l.keepAlive, "keepalive")},
		dbOption{'I', true, seconds(&l.idle, "idle_timeout")},
		dbOption{'M', true, seconds(&l.longest, "max_duration")},
		dbOption{'Q', true, l.algorithms},
	)
}

func (l *dbLine) shows(f func(*door.Env) int) func(string) error {
	return func(string) error {
		if l.show == nil {
			l.show = f
		}
		return nil
	}
}

// parseDbclient reads the command line: options may stand before and behind the
// host, and what follows then is the command.
func parseDbclient(e *door.Env) (*dbLine, error) {
	l := &dbLine{env: e}
	table, args := l.table(), e.Args
	for len(args) > 0 && (l.host == "" || strings.HasPrefix(args[0], "-")) {
		word := args[0]
		args = args[1:]
		if !strings.HasPrefix(word, "-") {
			if l.host = word; word == "" {
				return l, dbSays("Bad hostname.")
			}
			continue
		}
		var err error
		if args, err = l.letters(table, word[1:], args); err != nil || l.show != nil {
			return l, err
		}
	}
	l.command = strings.Join(args, " ")
	return l, l.check()
}

// letters takes one word of options, and the argument of the last of them.
func (l *dbLine) letters(table []dbOption, word string, rest []string) ([]string, error) {
	for i := 0; i < len(word); i++ {
		row := dbRow(table, word[i])
		switch {
		case row == nil:
			fmt.Fprintf(l.env.Stderr, "WARNING: Ignoring unknown option -%s\n", term.Printable(word[i:i+1]))
		case !row.arg:
			if err := row.do(""); err != nil || l.show != nil {
				return rest, err
			}
		case i+1 < len(word):
			return rest, row.do(word[i+1:])
		case len(rest) == 0:
			return rest, dbSays("Missing argument")
		default:
			return rest[1:], row.do(rest[0])
		}
	}
	return rest, nil
}

func dbRow(table []dbOption, letter byte) *dbOption {
	for i := range table {
		if table[i].letter == letter {
			return &table[i]
		}
	}
	return nil
}

// check refuses what makes no sense together.
func (l *dbLine) check() error {
	if err := l.checkAlgorithms(); err != nil || l.show != nil {
		return err
	}
	switch {
	case l.host == "":
		dbUsage(l.env)
		return dbSays("Remote host needs to be provided.")
	case l.background && l.command == "" && !l.noCommand:
		return dbSays("Command required for -f")
	case l.subsystem && l.command == "":
		return dbSays("Command required for -s")
	case l.command != "" && l.netcat != nil:
		l.env.Errorf("%s: Ignoring command '%s' in netcat mode", l.env.Name, term.Printable(l.command))
	}
	return nil
}

// identity takes a key file if it can be read, in any format that keyfile knows.
func (l *dbLine) identity(path string) error {
	path = homePath(path)
	text, err := door.ReadCapped(path)
	if err == nil {
		var locked bool
		if _, locked, err = keyfile.ParsePublicOf(text); locked {
			err = nil
		}
	}
	if err != nil {
		l.env.Errorf("%s: Failed loading keyfile '%s'\n", l.env.Name, term.Printable(path))
		return nil
	}
	l.identities = append(l.identities, path)
	return nil
}

// homePath expands ~/.
func homePath(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return home + string(os.PathSeparator) + rest
		}
	}
	return path
}

// forward is -L and -R: [listenaddress:]listenport:host:port.
func (l *dbLine) forward(into *[]config.Forward) func(string) error {
	return func(arg string) error {
		parts := strings.SplitN(arg, ":", 4)
		var f config.Forward
		if len(parts) == 4 {
			f.Listen.Host, f.Listen.HostSet = parts[0], true
			parts = parts[1:]
		}
		if len(parts) != 3 {
			return dbSays("Bad TCP forward '" + term.Printable(arg) + "'")
		}
		for _, port := range []struct {
			text string
			into *int
		}{{parts[0], &f.Listen.Port}, {parts[2], &f.Target.Port}} {
			n, err := strconv.ParseUint(port.text, 10, 32)
			switch {
			case err != nil:
				return dbSays("Bad TCP forward '" + term.Printable(arg) + "'")
			case n > 65535:
				return dbSays("Bad TCP port in '" + term.Printable(arg) + "'")
			}
			*port.into = int(n)
		}
		f.Target.Host, f.Target.HostSet = parts[1], true
		*into = append(*into, f)
		return nil
	}
}

// netcatTo is -B.
func (l *dbLine) netcatTo(arg string) error {
	host, digits, ok := strings.Cut(arg, ":")
	port, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil {
		return dbSays("Bad netcat endpoint '" + term.Printable(arg) + "'")
	}
	l.netcat = &config.Endpoint{Host: host, HostSet: true, Port: int(port)}
	return nil
}

// maxDbWindow is the largest window of dbclient, in bytes.
const maxDbWindow = 10 << 20

// window is -W: windows follow the path here, whatever it says.
func (l *dbLine) window(arg string) error {
	if n, err := strconv.ParseUint(arg, 10, 32); err != nil || n == 0 || n > maxDbWindow {
		l.env.Errorf("%s: Bad recv window '%s', using %d", l.env.Name, term.Printable(arg), maxDbWindow)
	}
	return nil
}

func seconds(into *time.Duration, what string) func(string) error {
	return func(arg string) error {
		n, err := strconv.ParseUint(arg, 10, 31)
		if err != nil {
			return dbSays("Bad " + what + " '" + term.Printable(arg) + "'")
		}
		*into = time.Duration(n) * time.Second
		return nil
	}
}

func dbUsage(e *door.Env) {
	fmt.Fprintf(e.Stderr, dbUsageText, door.VersionLine(), e.Name)
}

func showDbVersion(e *door.Env) int {
	e.Errorf("%s", door.VersionLine())
	return 0
}

const dbUsageText = `Dropbear's SSH client as %s has it
Usage: %s [options] [user@]host[^port][,[user@]host[^port],...] [command]
-p <remoteport>
-l <username>
-t    Allocate a pty
-T    Don't allocate a pty
-N    Don't run a remote command
-f    Run in background after auth
-q    quiet, don't show remote banner
-y    Always accept remote host key if unknown (and remember it)
-y -y Don't perform any remote host key checking (caution)
-s    Request a subsystem (use by external sftp)
-o option     Set option in OpenSSH-like format ('-o help' to list options)
-i <identityfile>   (multiple allowed, default ~/.ssh/id_dropbear; any format, with a passphrase, too)
-A    Enable agent auth forwarding
-L <[listenaddress:]listenport:remotehost:remoteport> Local port forwarding
-g    Allow remote hosts to connect to forwarded ports
-R <[listenaddress:]listenport:remotehost:remoteport> Remote port forwarding
-W <receive_window_buffer> (accepted: windows grow as the path needs it)
-K <keepalive>  (0 is never, default 0)
-I <idle_timeout>  (0 is never, default 0)
-M <max_duration>  (0 is off, default 0, in seconds)
-z    disable QoS
-B <endhost:endport> Netcat-alike forwarding
-J <proxy_program> Use program pipe rather than TCP connection, or &<fd>
-c <cipher list> Specify preferred ciphers ('-c help' to list options)
-m <MAC list> Specify preferred MACs for packet verification (or '-m help')
-b    [bind_address][:bind_port]
-Q    <algo>   Print supported algorithms, or -Q help
-V    Version
-v    verbose
Unlike Dropbear's, a login that fails exits with 1 and never with 0, and a remote
command that a signal has ended with 128.
`
