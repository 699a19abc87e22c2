package sshd

import (
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/term"
)

// sshdLine is what sshd's command line says.
type sshdLine struct {
	query      config.ServerQuery
	foreground bool // -D
	debug      int  // -d
	test       bool // -t
	dump       bool // -T
	parse      bool // -G
	quiet      bool // -q
	stderr     bool // -e
	logFile    string
	version    bool
	try        bool
}

// table are the options, a row each, as sshd(8) has them.
func (l *sshdLine) table() getopt.Table {
	option := func(keyword string) func(string) error {
		return func(arg string) error {
			l.query.Options = append(l.query.Options, config.Option(keyword, arg))
			return nil
		}
	}
	nothing := func(string) error { return nil }
	return getopt.Table{
		{Letter: '4', Help: "use IPv4 addresses only", Do: func(string) error { return option("AddressFamily")("inet") }},
		{Letter: '6', Help: "use IPv6 addresses only", Do: func(string) error { return option("AddressFamily")("inet6") }},
		{Letter: 'C', Arg: "connection_spec", Help: "with -T: the connection that Match blocks are judged for, as user=…,host=…,addr=…,laddr=…,lport=…", Do: l.connection},
		{Letter: 'D', Help: "stay in the foreground", Do: getopt.Flag(&l.foreground)},
		{Letter: 'd', Help: "debug: serve one connection in the foreground and say a lot; up to three times", Do: func(string) error { l.debug++; return nil }},
		{Letter: 'E', Arg: "log_file", Help: "append the log to a file", Do: func(arg string) error { l.logFile = arg; return nil }},
		{Letter: 'e', Help: "write the log to standard error", Do: getopt.Flag(&l.stderr)},
		{Letter: 'f', Arg: "config_file", Help: "configuration file; none for no file", Do: func(arg string) error { l.query.File = arg; return nil }},
		{Letter: 'G', Help: "print the configuration and end", Do: getopt.Flag(&l.parse)},
		{Letter: 'g', Arg: "login_grace_time", Help: "seconds that a login may take; 0 for no limit", Do: option("LoginGraceTime")},
		{Letter: 'h', Arg: "host_key_file", Help: "a host key; may be given many times", Do: option("HostKey")},
		{Letter: 'o', Arg: "option", Help: "an option as the configuration file has it", Do: func(arg string) error { l.query.Options = append(l.query.Options, arg); return nil }},
		{Letter: 'p', Arg: "port", Help: "a port to listen on; may be given many times", Do: l.port},
		{Letter: 'q', Help: "log nothing", Do: getopt.Flag(&l.quiet)},
		{Letter: 'T', Help: "test configuration and keys, print the configuration and end", Do: getopt.Flag(&l.dump)},
		{Letter: 't', Help: "test configuration and keys and end", Do: getopt.Flag(&l.test)},
		{Letter: 'u', Arg: "len", Do: nothing},
		{Letter: 'V', Help: "print the version and end", Do: getopt.Flag(&l.version)},
		{Long: "try", Help: "serve this user alone, on a loopback port, with nothing set up", Do: getopt.Flag(&l.try)},
	}
}

// connection is -C: who and where from, with the groups of this machine's
// accounts.
func (l *sshdLine) connection(arg string) error {
	if l.query.Connection == nil {
		l.query.Connection = new(config.Connection)
	}
	c := l.query.Connection
	if err := config.ParseConnection(arg, c); err != nil {
		return sshdSays("%v", err)
	}
	account, err := user.Lookup(c.User)
	if err != nil {
		return nil
	}
	ids, _ := account.GroupIds() // a user without groups is in none
	for _, id := range ids {
		if group, err := user.LookupGroupId(id); err == nil {
			c.Groups = append(c.Groups, group.Name)
		}
	}
	return nil
}

func (l *sshdLine) port(arg string) error {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 || n > 65535 {
		return sshdSays("Bad port number.")
	}
	l.query.Ports = append(l.query.Ports, n)
	return nil
}

func parseSSHD(args []string) (*sshdLine, error) {
	l := new(sshdLine)
	l.query.Known = door.KnownAlgorithms()
	rest, err := l.table().Parse(args, 0)
	if err != nil {
		return l, err
	}
	if len(rest) > 0 {
		return l, sshdSays("Extra argument %s.", term.Printable(rest[0]))
	}
	// The process leaves its directory when it goes to the background.
	for _, name := range []*string{&l.query.File, &l.logFile} {
		if *name == "" || *name == "none" {
			continue
		}
		if abs, err := filepath.Abs(*name); err == nil {
			*name = abs
		}
	}
	return l, nil
}

// load reads the configuration.
func (l *sshdLine) load() (*config.Server, error) {
	l.query.OnlyShow = l.dump || l.parse
	if !l.query.OnlyShow {
		l.query.Connection = nil
	}
	c, err := config.LoadServer(l.query)
	if err != nil {
		return nil, err
	}
	switch {
	case l.quiet:
		c.LogLevel = config.LogQuiet
	case l.debug > 0:
		c.LogLevel = config.LogDebug1 + config.LogLevel(min(l.debug, 3)-1)
	}
	return c, nil
}
