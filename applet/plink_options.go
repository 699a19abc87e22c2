package applet

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/putty"
)

// A plinkLine is what the command line of plink says. Most options are a setting
// of a session.
type plinkLine struct {
	settings    putty.Record // options that are settings
	resources   putty.Record // -o: they count where the session says nothing
	forwards    []string     // as PortForwardings has them: L8080=host:80
	load        string
	word        string // the first operand: a host, or a session's name
	hasWord     bool
	words       []string // the command
	commandFile string
	hostKeys    []string
	password    *string
	protocol    string
	pty         string // "t" or "T", "" for neither
	connectTo   string // -nc
	batch       bool
	verbose     bool
	subsystem   bool
	shareExists bool
	plain       bool                // -no-antispoof
	sanitise    map[string]bool     // by "stdout" and "stderr"
	show        func(*door.Env) int // does that instead of connecting
	failed      bool
}

// A plinkOption is a row of the table of options.
type plinkOption struct {
	names string // with blanks between them
	takes bool   // an argument
	do    func(l *plinkLine, name, arg string) error
}

// plinkOptions are all options, with those that PuTTY's manual doesn't have.
func plinkOptions() []plinkOption {
	return []plinkOption{
		{"-V --version", false, showing(plinkVersion)},
		{"--help", false, showing(plinkUsage)},
		{"-pgpfp", false, showing(plinkPGP)},
		{"-load", true, func(l *plinkLine, _, arg string) error { l.load = arg; return nil }},
		{"-o", true, (*plinkLine).resource},
		{"-v", false, func(l *plinkLine, _, _ string) error { l.verbose = true; return nil }},
		{"-batch", false, func(l *plinkLine, _, _ string) error { l.batch = true; return nil }},
		{"-ssh -telnet -rlogin -raw -serial -supdup -ssh-connection", false, func(l *plinkLine, name, _ string) error {
			l.protocol = name[1:]
			return nil
		}},
		{"-P", true, setting("PortNumber")},
		{"-l", true, setting("UserName")},
		{"-pw", true, func(l *plinkLine, _, arg string) error { l.password = &arg; return nil }},
		{"-pwfile", true, (*plinkLine).passwordFile},
		{"-i", true, setting("PublicKeyFile")},
		{"-cert", true, setting("DetachedCertificate")},
		{"-agent -pagent -pageant", false, settingTo("TryAgent", "1")},
		{"-noagent -nopagent -nopageant", false, settingTo("TryAgent", "0")},
		{"-A", false, settingTo("AgentFwd", "1")},
		{"-a", false, settingTo("AgentFwd", "0")},
		{"-X", false, settingTo("X11Forward", "1")},
		{"-x", false, settingTo("X11Forward", "0")},
		{"-t", false, func(l *plinkLine, _, _ string) error { l.pty = "t"; return nil }},
		{"-T", false, func(l *plinkLine, _, _ string) error { l.pty = "T"; return nil }},
		{"-C", false, settingTo("Compression", "1")},
		{"-1", false, settingTo("SshProt", "0")},
		{"-2", false, settingTo("SshProt", "3")},
		{"-4 -ipv4", false, settingTo("AddressFamily", "1")},
		{"-6 -ipv6", false, settingTo("AddressFamily", "2")},
		{"-L -R", true, (*plinkLine).forward},
		{"-D", true, func(l *plinkLine, _, arg string) error { l.forwards = append(l.forwards, "D"+arg+"="); return nil }},
		{"-N", false, settingTo("SshNoShell", "1")},
		{"-nc", true, (*plinkLine).tunnel},
		{"-m", true, func(l *plinkLine, _, arg string) error { l.commandFile = arg; return nil }},
		{"-s", false, func(l *plinkLine, _, _ string) error { l.subsystem = true; return nil }},
		{"-hostkey", true, (*plinkLine).hostKey},
		{"-loghost", true, setting("LogHost")},
		{"-no-trivial-auth", false, settingTo("SshNoTrivialAuth", "1")},
		{"-share", false, settingTo("ConnectionSharing", "1")},
		{"-noshare", false, settingTo("ConnectionSharing", "0")},
		{"-shareexists", false, func(l *plinkLine, _, _ string) error { l.shareExists = true; return nil }},
		{"-proxycmd", true, func(l *plinkLine, _, arg string) error {
			l.settings.Set("ProxyMethod", "5")
			l.settings.Set("ProxyTelnetCommand", arg)
			return nil
		}},
		{"-preconnectcommand", true, setting("PreConnectCommand")},
		{"-sessionlog", true, logging("2")},
		{"-sshlog", true, logging("3")},
		{"-sshrawlog", true, logging("4")},
		{"-logoverwrite", false, settingTo("LogFileClash", "1")},
		{"-logappend", false, settingTo("LogFileClash", "0")},
		{"-sanitise-stdout -sanitise-stderr -no-sanitise-stdout -no-sanitise-stderr", false, (*plinkLine).clean},
		{"-no-antispoof", false, func(l *plinkLine, _, _ string) error { l.plain = true; return nil }},
		{"-sercfg", true, func(*plinkLine, string, string) error { return nil }},
		// They change what Windows' PuTTY does to its own process.
		{"-restrict-acl -restrict_acl -legacy-stdio-prompts -legacy_stdio_prompts -legacy-charset-handling -legacy_charset_handling", false,
			func(*plinkLine, string, string) error { return nil }},
	}
}

func showing(do func(*door.Env) int) func(*plinkLine, string, string) error {
	return func(l *plinkLine, _, _ string) error {
		if l.show == nil {
			l.show = do
		}
		return nil
	}
}

func setting(name string) func(*plinkLine, string, string) error {
	return func(l *plinkLine, _, arg string) error { l.settings.Set(name, arg); return nil }
}

func settingTo(name, text string) func(*plinkLine, string, string) error {
	return func(l *plinkLine, _, _ string) error { l.settings.Set(name, text); return nil }
}

func logging(kind string) func(*plinkLine, string, string) error {
	return func(l *plinkLine, _, arg string) error {
		l.settings.Set("LogType", kind)
		l.settings.Set("LogFileName", arg)
		return nil
	}
}

// parsePlink reads the command line. Options stand before and behind the host;
// the first word after it that is none begins the command. A session of -load
// that has a host leaves no place for another; launchable says which have.
func parsePlink(args []string, launchable func(session string) bool) (l *plinkLine, complaints []string) {
	l = &plinkLine{sanitise: map[string]bool{}}
	table := plinkOptions()
	for len(args) > 0 {
		word := args[0]
		if !strings.HasPrefix(word, "-") || word == "-" {
			if l.hasWord || l.load != "" && launchable(l.load) {
				l.words = args
				return l, complaints
			}
			l.word, l.hasWord, args = word, true, args[1:]
			continue
		}
		n, err := l.option(table, args)
		if err != nil {
			complaints = append(complaints, err.Error())
		}
		args = args[n:]
	}
	return l, complaints
}

// option takes one option off and returns how many words it had.
func (l *plinkLine) option(table []plinkOption, args []string) (int, error) {
	name, arg, n := args[0], "", 1
	for _, row := range table {
		if !slices.Contains(strings.Fields(row.names), name) {
			continue
		}
		if row.takes {
			if len(args) < 2 {
				l.failed = true
				return 1, fmt.Errorf("option %q requires an argument", name)
			}
			arg, n = args[1], 2
		}
		return n, row.do(l, name, arg)
	}
	l.failed = true
	return 1, fmt.Errorf("unknown option %q", name)
}

func (l *plinkLine) refuse(format string, args ...any) error {
	l.failed = true
	return fmt.Errorf(format, args...)
}

// resource is -o: a setting as "Name: value". PuTTY goes on after a wrong one.
func (l *plinkLine) resource(_, arg string) error {
	name, value, ok := strings.Cut(arg, ":")
	if !ok {
		return fmt.Errorf("expected a colon in resource string \"%s\"", arg)
	}
	l.resources.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	return nil
}

// maxPassword is what is read of -pwfile, in bytes.
const maxPassword = 1024

func (l *plinkLine) passwordFile(_, arg string) error {
	f := os.Stdin
	if arg != "-" {
		var err error
		if f, err = os.Open(arg); err != nil {
			return l.refuse("unable to open password file '%s'", arg)
		}
		defer f.Close()
	}
	text, err := io.ReadAll(io.LimitReader(f, maxPassword))
	if err != nil {
		return l.refuse("unable to read a password from file '%s'", arg)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	line = strings.TrimSuffix(line, "\r")
	l.password = &line
	return nil
}

// forward is -L and -R.
func (l *plinkLine) forward(name, arg string) error {
	if strings.Count(arg, ":") < 2 {
		return l.refuse("%s expects at least two colons in its argument", name)
	}
	l.forwards = append(l.forwards, name[1:]+arg)
	return nil
}

func (l *plinkLine) tunnel(_, arg string) error {
	if !strings.Contains(arg, ":") {
		return l.refuse("-nc expects argument of form 'host:port'")
	}
	l.connectTo = arg
	return nil
}

func (l *plinkLine) hostKey(_, arg string) error {
	if _, ok := parseManualKey(arg); !ok {
		return l.refuse("'%s' is not a valid format for a manual host key specification", arg)
	}
	l.hostKeys = append(l.hostKeys, arg)
	return nil
}

func (l *plinkLine) clean(name, _ string) error {
	rest, off := strings.CutPrefix(name, "-no")
	l.sanitise[strings.TrimPrefix(rest, "-sanitise-")] = !off
	return nil
}
