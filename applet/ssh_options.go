package applet

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
)

// sshLine is what the command line of ssh says.
type sshLine struct {
	options   []string // for config, in order: the first word counts
	user      string
	file      string // -F
	logFile   string // -E
	verbose   int
	host      string
	command   string
	version   bool
	dump      bool // -G
	query     string
	subsystem bool
	stdinNull bool
	warnings  []string
}

// table is the options of ssh. Most are a keyword of ssh_config.
func (l *sshLine) table() getopt.Table {
	set := func(keyword string, value ...string) func(string) error {
		return func(arg string) error {
			if len(value) == 0 {
				l.options = append(l.options, config.Option(keyword, arg))
			} else {
				l.options = append(l.options, config.Option(keyword, value...))
			}
			return nil
		}
	}
	text := func(into *string) func(string) error {
		return func(arg string) error { *into = arg; return nil }
	}
	flag := func(into *bool) func(string) error {
		return func(string) error { *into = true; return nil }
	}
	return getopt.Table{
		{Letter: '4', Help: "use IPv4 addresses only", Do: set("AddressFamily", "inet")},
		{Letter: '6', Help: "use IPv6 addresses only", Do: set("AddressFamily", "inet6")},
		{Letter: 'a', Help: "don't forward the agent (it isn't)", Do: set("ForwardAgent", "no")},
		{Letter: 'b', Arg: "bind_address", Help: "local address to connect from", Do: set("BindAddress")},
		{Letter: 'C', Help: "compress", Do: set("Compression", "yes")},
		{Letter: 'c', Arg: "cipher_spec", Help: "ciphers, best first", Do: set("Ciphers")},
		{Letter: 'E', Arg: "log_file", Help: "where messages go instead of standard error", Do: text(&l.logFile)},
		{Letter: 'e', Arg: "escape_char", Help: "the escape character of a terminal session (~), or none", Do: set("EscapeChar")},
		{Letter: 'F', Arg: "configfile", Help: "configuration file, or none", Do: text(&l.file)},
		{Letter: 'G', Help: "print the configuration that holds, and do nothing", Do: flag(&l.dump)},
		{Letter: 'i', Arg: "identity_file", Help: "private key to log in with", Do: l.identity},
		{Letter: 'l', Arg: "login_name", Help: "user to log in as", Do: l.login},
		{Letter: 'm', Arg: "mac_spec", Help: "message authentication codes, best first", Do: set("MACs")},
		{Letter: 'N', Help: "run no command: keep the connection", Do: set("SessionType", "none")},
		{Letter: 'n', Help: "read nothing from standard input", Do: flag(&l.stdinNull)},
		{Letter: 'o', Arg: "option", Help: "an option as in the configuration file", Do: l.option},
		{Letter: 'p', Arg: "port", Help: "port on the remote host", Do: set("Port")},
		{Letter: 'Q', Arg: "query_option", Help: "list what is supported: cipher, mac, kex, key, sig", Do: text(&l.query)},
		{Letter: 'q', Help: "say nothing", Do: set("LogLevel", "QUIET")},
		{Letter: 's', Help: "the command is the name of a subsystem", Do: flag(&l.subsystem)},
		{Letter: 'T', Help: "no terminal", Do: set("RequestTTY", "no")},
		{Letter: 't', Help: "a terminal even for a command; twice: even without one here", Do: l.terminal},
		{Letter: 'V', Help: "which version this is", Do: flag(&l.version)},
		{Letter: 'v', Help: "tell what happens; up to three times", Do: func(string) error { l.verbose++; return nil }},
		{Letter: 'x', Help: "no X11 (there is none)", Do: set("ForwardX11", "no")},
	}
}

const sshOperands = "destination [command [argument ...]]"

// errUsage asks for the usage text.
var errUsage = errors.New("usage")

// parseSSH reads the command line.
func parseSSH(args []string) (*sshLine, error) {
	l := new(sshLine)
	operands, err := l.table().Parse(args, 1)
	if err != nil {
		return l, err
	}
	if l.version || l.query != "" {
		return l, nil
	}
	if len(operands) == 0 {
		return l, errUsage
	}
	if err := l.destination(operands[0]); err != nil {
		return l, err
	}
	l.command = strings.Join(operands[1:], " ")
	return l, nil
}

func (l *sshLine) identity(path string) error {
	if _, err := os.Stat(path); err != nil {
		l.warnings = append(l.warnings, fmt.Sprintf("Warning: Identity file %s not accessible: %s.", path, sentence(err)))
		return nil
	}
	l.options = append(l.options, config.Option("IdentityFile", strings.ReplaceAll(path, "%", "%%")))
	return nil
}

func (l *sshLine) login(user string) error {
	if l.user == "" {
		l.user = user
	}
	return nil
}

func (l *sshLine) option(text string) error {
	l.options = append(l.options, text)
	return nil
}

// terminal counts -t: the second forces one.
func (l *sshLine) terminal(string) error {
	for i, option := range l.options {
		if option == config.Option("RequestTTY", "yes") {
			l.options[i] = config.Option("RequestTTY", "force")
			return nil
		}
	}
	l.options = append(l.options, config.Option("RequestTTY", "yes"))
	return nil
}

// destination takes [user@]host or ssh://[user@]host[:port].
func (l *sshLine) destination(text string) error {
	if strings.HasPrefix(strings.ToLower(text), "ssh://") {
		return l.uri(text)
	}
	l.host = text
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		if at == 0 || at == len(text)-1 {
			return errUsage
		}
		l.host = text[at+1:]
		if err := l.login(text[:at]); err != nil {
			return err
		}
	}
	if !config.ValidHost(l.host) {
		return errors.New("hostname contains invalid characters")
	}
	return nil
}

func (l *sshLine) uri(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q is no ssh://[user@]host[:port]", text)
	}
	l.host = u.Hostname()
	if !config.ValidHost(l.host) {
		return errors.New("hostname contains invalid characters")
	}
	if u.User != nil {
		name, _, _ := strings.Cut(u.User.Username(), ";") // connection parameters
		if err := l.login(name); err != nil {
			return err
		}
	}
	if u.Port() != "" {
		if n, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || n == 0 {
			//lint:ignore ST1005 this is what ssh prints, to the letter
			return fmt.Errorf("Bad port '%s'.", u.Port())
		}
		l.options = append(l.options, config.Option("Port", u.Port()))
	}
	return nil
}

// load asks config what holds for this command line.
func (l *sshLine) load() (*config.Client, error) {
	options := l.options
	if l.verbose > 0 {
		level := "DEBUG" + strconv.Itoa(min(l.verbose, 3))
		options = append([]string{config.Option("LogLevel", level)}, options...)
	}
	if l.stdinNull {
		options = append(options, config.Option("StdinNull", "yes"))
	}
	if l.subsystem {
		options = append(options, config.Option("SessionType", "subsystem"))
	}
	return config.LoadClient(config.ClientQuery{
		Host: l.host, User: l.user, Command: l.command, Options: options, File: l.file, Known: knownAlgorithms(),
	})
}
