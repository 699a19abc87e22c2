package applet

import (
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
)

// sshLine is what the command line of ssh says.
type sshLine struct {
	// For config, the first word counts: first are options that an earlier one
	// beats, over those that beat what was said before, -o's too, in reverse.
	first, over []string

	user     string
	file     string // -F
	logFile  string // -E
	syslog   bool   // -y
	level    string // LogLevel by -v and -q
	verbose  int    // how often -v
	host     string
	command  string
	version  bool
	dump     bool // -G
	query    string
	control  string // -O: what to ask the master of a shared connection
	warnings []string
	forwards [3][]config.Forward // by config.ForwardKind
	stdio    *config.Endpoint    // -W
}

// table is the options of ssh. Most are a keyword of ssh_config; rows without
// a help text are old ones that the usage text leaves out.
func (l *sshLine) table() getopt.Table {
	return getopt.Table{
		{Letter: '1', Do: fails("SSH protocol v.1 is no longer supported")},
		{Letter: '2'},
		{Letter: '4', Help: "use IPv4 addresses only", Do: l.says("AddressFamily", "inet")},
		{Letter: '6', Help: "use IPv6 addresses only", Do: l.says("AddressFamily", "inet6")},
		{Letter: 'A', Help: "forward the agent", Do: l.says("ForwardAgent", "yes")},
		{Letter: 'a', Help: "don't forward the agent", Do: l.says("ForwardAgent", "no")},
		{Letter: 'B', Arg: "bind_interface", Help: "local interface to connect from", Do: l.takes("BindInterface")},
		{Letter: 'b', Arg: "bind_address", Help: "local address to connect from", Do: l.takes("BindAddress")},
		{Letter: 'C', Help: "compress", Do: l.says("Compression", "yes")},
		{Letter: 'c', Arg: "cipher_spec", Help: "ciphers, best first", Do: l.ciphers},
		{Letter: 'D', Arg: "[bind_address:]port", Help: "take SOCKS clients here", Do: l.forward(config.ForwardDynamic, "dynamic")},
		{Letter: 'E', Arg: "log_file", Help: "where messages go instead of standard error", Do: text(&l.logFile)},
		{Letter: 'e', Arg: "escape_char", Help: "the escape character of a terminal session (~), or none", Do: l.escape},
		{Letter: 'F', Arg: "configfile", Help: "configuration file, or none", Do: text(&l.file)},
		{Letter: 'f', Help: "go to the background once logged in", Do: both(l.says("ForkAfterAuthentication", "yes"), l.says("StdinNull", "yes"))},
		{Letter: 'G', Help: "print the configuration that holds, and do nothing", Do: getopt.Flag(&l.dump)},
		{Letter: 'g', Help: "let other machines connect to forwarded ports", Do: l.says("GatewayPorts", "yes")},
		{Letter: 'I', Arg: "pkcs11", Help: "the library of a token (not supported)", Do: l.takes("PKCS11Provider")},
		{Letter: 'i', Arg: "identity_file", Help: "private key to log in with", Do: l.identity},
		{Letter: 'J', Arg: "destination", Help: "hosts to connect through, with commas", Do: l.jump},
		{Letter: 'K', Help: "log in with Kerberos (not supported)", Do: both(l.says("GSSAPIAuthentication", "yes"), l.says("GSSAPIDelegateCredentials", "yes"))},
		{Letter: 'k', Help: "pass no Kerberos credentials on", Do: l.says("GSSAPIDelegateCredentials", "no")},
		{Letter: 'L', Arg: "address", Help: "port or socket here, and where it leads to from there", Do: l.forward(config.ForwardLocal, "local")},
		{Letter: 'l', Arg: "login_name", Help: "user to log in as", Do: l.login},
		{Letter: 'M', Help: "share this connection with later ones; twice: ask each time", Do: l.master},
		{Letter: 'm', Arg: "mac_spec", Help: "message authentication codes, best first", Do: l.macs},
		{Letter: 'N', Help: "run no command: keep the connection", Do: l.session("none", "Cannot specify -N with -s/SessionType")},
		{Letter: 'n', Help: "read nothing from standard input", Do: l.says("StdinNull", "yes")},
		{Letter: 'O', Arg: "ctl_cmd", Help: "ask the master of a shared connection: check, forward, cancel, proxy, exit, stop, conninfo, channels", Do: l.controlCommand},
		{Letter: 'o', Arg: "option", Help: "an option as in the configuration file", Do: l.option},
		{Letter: 'P', Arg: "tag", Help: "a name that Match tagged can ask for", Do: l.offers("Tag")},
		{Letter: 'p', Arg: "port", Help: "port on the remote host", Do: l.port},
		{Letter: 'Q', Arg: "query_option", Help: "list what is supported; help lists what can be asked", Do: text(&l.query)},
		{Letter: 'q', Help: "say nothing", Do: func(string) error { l.level = "QUIET"; return nil }},
		{Letter: 'R', Arg: "address", Help: "port or socket there, and where it leads to from here", Do: l.forward(config.ForwardRemote, "remote")},
		{Letter: 'S', Arg: "ctl_path", Help: "the socket of a shared connection, or none", Do: l.takes("ControlPath")},
		{Letter: 's', Help: "the command is the name of a subsystem", Do: l.session("subsystem", "Cannot specify -s with -N/SessionType")},
		{Letter: 'T', Help: "no terminal", Do: l.says("RequestTTY", "no")},
		{Letter: 't', Help: "a terminal even for a command; twice: even without one here", Do: l.terminal},
		{Letter: 'V', Help: "which version this is", Do: getopt.Flag(&l.version)},
		{Letter: 'v', Help: "tell what happens; up to three times", Do: l.talk},
		{Letter: 'W', Arg: "host:port", Help: "connect standard input and output with host and port from there", Do: l.stdioForward},
		{Letter: 'w', Arg: "local_tun[:remote_tun]", Help: "connect a network device here with one there", Do: l.tunnel},
		{Letter: 'X', Help: "let programs there open windows here", Do: l.says("ForwardX11", "yes")},
		{Letter: 'x', Help: "no X11", Do: l.says("ForwardX11", "no")},
		{Letter: 'Y', Help: "X11 with full access to the display", Do: both(l.says("ForwardX11", "yes"), l.says("ForwardX11Trusted", "yes"))},
		{Letter: 'y', Help: "messages go to the system log", Do: getopt.Flag(&l.syslog)},
	}
}

const sshOperands = "destination [command [argument ...]]"

// sshUsageText is the usage text, with -Q on a line of its own.
func sshUsageText() string {
	return shownOptions(new(sshLine).table()).Usage("ssh", "") + "           " + sshOperands + "\n       ssh [-Q query_option]\n"
}

// sshSays is an error in ssh's own words, capitals and full stops included,
// because scripts and people look for them.
type sshSays string

func (s sshSays) Error() string { return string(s) }

func text(into *string) func(string) error {
	return func(arg string) error { *into = arg; return nil }
}

func fails(sentence string) func(string) error {
	return func(string) error { return sshSays(sentence) }
}

func both(one, other func(string) error) func(string) error {
	return func(arg string) error {
		if err := one(arg); err != nil {
			return err
		}
		return other(arg)
	}
}

// says is an option without an argument that beats what came before it.
func (l *sshLine) says(keyword, value string) func(string) error {
	return func(string) error { l.beat(keyword, value); return nil }
}

// takes is an option whose argument beats what came before it.
func (l *sshLine) takes(keyword string) func(string) error {
	return func(arg string) error { l.beat(keyword, arg); return nil }
}

// offers is an option that counts where nothing came before it.
func (l *sshLine) offers(keyword string) func(string) error {
	return func(arg string) error {
		l.first = append(l.first, config.Option(keyword, arg))
		return nil
	}
}

func (l *sshLine) beat(keyword, value string) {
	l.over = append(l.over, config.Option(keyword, value))
}

// said is what the command line has said so far for a keyword, "" for nothing.
func (l *sshLine) said(keyword string) string {
	options := l.options()
	for _, option := range options {
		if name, value := config.SplitOption(option); equalFold(name, keyword) {
			return value
		}
	}
	return ""
}

// options are what config gets, in the order in which the first counts.
func (l *sshLine) options() []string {
	options := make([]string, 0, len(l.over)+len(l.first))
	for i := len(l.over) - 1; i >= 0; i-- {
		options = append(options, l.over[i])
	}
	return append(options, l.first...)
}
