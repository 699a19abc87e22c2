package applet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/term"
)

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }

// badArgument is an option's argument that makes no sense, in OpenSSH's words.
func badArgument(what, arg string) error {
	return sshSays(what + " '" + term.Printable(arg) + "'")
}

func (l *sshLine) ciphers(arg string) error {
	if _, err := door.KnownAlgorithms().Ciphers.Choose(arg); err != nil {
		return badArgument("Unknown cipher type", arg)
	}
	l.beat("Ciphers", arg)
	return nil
}

func (l *sshLine) macs(arg string) error {
	if _, err := door.KnownAlgorithms().MACs.Choose(arg); err != nil {
		return badArgument("Unknown mac type", arg)
	}
	l.beat("MACs", arg)
	return nil
}

func (l *sshLine) escape(arg string) error {
	if _, err := config.ParseEscape(arg); err != nil {
		return badArgument("Bad escape character", arg)
	}
	l.beat("EscapeChar", arg)
	return nil
}

func (l *sshLine) port(arg string) error {
	if _, err := config.ParsePort(arg); err != nil {
		return badArgument("Bad port", arg)
	}
	return l.offers("Port")(arg)
}

// identity takes a key file if it is there: its name is no pattern of tokens.
func (l *sshLine) identity(path string) error {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(home, rest)
		}
	}
	if _, err := os.Stat(path); err != nil {
		l.warnings = append(l.warnings, fmt.Sprintf("Warning: Identity file %s not accessible: %s.", path, door.Sentence(err)))
		return nil
	}
	return l.offers("IdentityFile")(strings.ReplaceAll(path, "%", "%%"))
}

func (l *sshLine) login(user string) error {
	if l.user == "" && l.said("User") == "" {
		l.user = user
	}
	return nil
}

func (l *sshLine) option(text string) error {
	l.first = append(l.first, text)
	return nil
}

func (l *sshLine) jump(arg string) error {
	switch {
	case l.said("ProxyJump") != "":
		return sshSays("Only a single -J option is permitted (use commas to separate multiple jump hops)")
	case l.said("ProxyCommand") != "":
		return sshSays("Cannot specify -J with ProxyCommand")
	}
	if _, err := config.ParseJump(arg, true); err != nil {
		return sshSays("Invalid -J argument: " + err.Error())
	}
	return l.option("ProxyJump " + arg)
}

// terminal counts -t: the second forces one.
func (l *sshLine) terminal(string) error {
	if value := l.said("RequestTTY"); equalFold(value, "yes") || equalFold(value, "true") {
		l.beat("RequestTTY", "force")
	} else {
		l.beat("RequestTTY", "yes")
	}
	return nil
}

// master counts -M: the second asks before each session.
func (l *sshLine) master(string) error {
	if value := l.said("ControlMaster"); equalFold(value, "yes") || equalFold(value, "true") {
		l.beat("ControlMaster", "ask")
	} else {
		l.beat("ControlMaster", "yes")
	}
	return nil
}

// session is -N and -s, which exclude each other.
func (l *sshLine) session(kind, clash string) func(string) error {
	return func(string) error {
		if value := l.said("SessionType"); value != "" && !equalFold(value, kind) {
			return sshSays(clash)
		}
		l.beat("SessionType", kind)
		if kind == "none" {
			l.beat("RequestTTY", "no")
		}
		return nil
	}
}

// talk is -v: the first sets a level, the next raise it.
func (l *sshLine) talk(string) error {
	l.verbose++
	levels := []string{"QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG1", "DEBUG2", "DEBUG3"}
	if l.verbose == 1 {
		l.level = "DEBUG1"
		return nil
	}
	for i, level := range levels[:len(levels)-1] {
		if level == l.level {
			l.level = levels[i+1]
			break
		}
	}
	return nil
}

func (l *sshLine) controlCommand(arg string) error {
	switch {
	case l.stdio != nil:
		return sshSays("Cannot specify multiplexing command with -W")
	case l.control != "":
		return sshSays("Multiplexing command already specified")
	}
	for _, known := range strings.Fields("check conninfo channels forward exit stop cancel proxy") {
		if arg == known {
			l.control = arg
			return nil
		}
	}
	return sshSays("Invalid multiplex command.")
}

// forward is -L, -R and -D.
func (l *sshLine) forward(kind config.ForwardKind, what string) func(string) error {
	return func(arg string) error {
		f, err := config.ParseForward(arg, kind, os.LookupEnv)
		if err != nil {
			return badArgument("Bad "+what+" forwarding specification", arg)
		}
		l.forwards[kind] = append(l.forwards[kind], f)
		return nil
	}
}

// stdioForward is -W. A script speaks through it: no terminal, no session.
func (l *sshLine) stdioForward(arg string) error {
	switch {
	case l.stdio != nil:
		return sshSays("stdio forward already specified")
	case l.control != "":
		return sshSays("Cannot specify stdio forward with -O")
	}
	f, err := config.ParseForward(arg, config.ForwardDynamic, os.LookupEnv)
	if err != nil || f.Listen.Path == "" && f.Listen.Host == "" {
		return badArgument("Bad stdio forwarding specification", arg)
	}
	l.stdio = &f.Listen
	l.beat("RequestTTY", "no")
	l.beat("SessionType", "none")
	return nil
}

func (l *sshLine) tunnel(arg string) error {
	if _, err := config.ParseTunnelDevice(arg); err != nil {
		return badArgument("Bad tun device", arg)
	}
	if l.said("Tunnel") == "" {
		l.beat("Tunnel", "yes")
	}
	l.beat("TunnelDevice", arg)
	return nil
}
