package applet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/term"
)

// dbOptions are the keywords of -o.
func (l *dbLine) options() []struct {
	name string
	take func(string) error
} {
	return []struct {
		name string
		take func(string) error
	}{
		{"BatchMode", dbYes(&l.batch)},
		{"BindAddress", text(&l.bind)},
		{"Compression", dbYes(&l.compress)},
		{"DisableTrivialAuth", dbYes(&l.noTrivial)},
		{"ExitOnForwardFailure", dbYes(&l.exitOnForward)},
		{"ForwardAgent", dbYes(&l.agent)},
		{"GatewayPorts", dbYes(&l.gateway)},
		{"IdentityFile", l.identity},
		{"PasswordAuthentication", func(arg string) error {
			yes := true
			err := dbYes(&yes)(arg)
			l.noPassword = !yes
			return err
		}},
		{"Port", text(&l.port)},
		{"ProxyCommand", text(&l.proxy)},
		{"ServerAliveInterval", seconds(&l.keepAlive, "keepalive")},
		{"StrictHostKeyChecking", l.strictness},
		{"UseSyslog", dbYes(&l.syslog)},
	}
}

func dbYes(into *bool) func(string) error {
	return func(arg string) error {
		switch arg {
		case "yes", "y", "true":
			*into = true
		case "no", "n", "false":
			*into = false
		default:
			return dbSays("Bad yes/no argument '" + term.Printable(arg) + "'")
		}
		return nil
	}
}

func (l *dbLine) strictness(arg string) error {
	switch arg {
	case "accept-new":
		l.accept = max(l.accept, 1)
		return nil
	case "ask":
		return nil
	}
	yes := false
	err := dbYes(&yes)(arg)
	if l.strict = yes; !yes {
		l.accept = 2
	}
	return err
}

// option is -o: a keyword, blanks or one =, and its value.
func (l *dbLine) option(arg string) error {
	if arg == "help" {
		l.show = func(e *door.Env) int {
			list := "Available options:\n"
			for _, row := range l.options() {
				list += "\t" + row.name + "\n"
			}
			e.Errorf("%s: %s", e.Name, list)
			return 0
		}
		return nil
	}
	arg = strings.TrimLeft(arg, " \t")
	for _, row := range l.options() {
		if len(arg) <= len(row.name) || !strings.EqualFold(arg[:len(row.name)], row.name) {
			continue
		}
		value := strings.TrimLeft(arg[len(row.name):], " \t")
		rest, found := strings.CutPrefix(value, "=")
		if found || value != arg[len(row.name):] {
			return row.take(strings.TrimLeft(rest, " \t"))
		}
	}
	l.env.Errorf("%s: Ignoring unknown configuration option '%s'", l.env.Name, term.Printable(arg))
	return nil
}

// checkAlgorithms looks at -c and -m, which leave out what isn't known.
func (l *dbLine) checkAlgorithms() error {
	known := door.KnownAlgorithms()
	helped := false
	for _, row := range []struct {
		list               *string
		all                config.Algorithms
		name, plural, flag string
	}{{&l.ciphers, known.Ciphers, "cipher", "ciphers", "-c"}, {&l.macs, known.MACs, "MAC", "MACs", "-m"}} {
		switch *row.list {
		case "":
			continue
		case "help":
			l.env.Errorf("%s: Available %s: %s", l.env.Name, row.plural, strings.Join(row.all.Default, ","))
			helped = true
			continue
		}
		var good []string
		for _, name := range strings.Split(*row.list, ",") {
			if slices.Contains(row.all.All, name) {
				good = append(good, name)
				continue
			}
			l.env.Errorf("%s: This program does not support '%s' %s algorithm", l.env.Name, term.Printable(name), row.name)
		}
		if len(good) == 0 {
			return dbSays(fmt.Sprintf("No valid %s specified for '%s'", row.plural, row.flag))
		}
		*row.list = strings.Join(good, ",")
	}
	if helped {
		return dbSays(".")
	}
	return nil
}

// algorithms is -Q.
func (l *dbLine) algorithms(what string) error {
	known := door.KnownAlgorithms()
	lists := []struct {
		name string
		list []string
	}{
		{"kex", known.Kex.Default}, {"sig", door.PlainAlgorithms(known.Pubkey.Default)}, {"cipher", known.Ciphers.Default},
		{"mac", known.MACs.Default}, {"compress", []string{"none", "zlib@openssh.com"}},
	}
	return l.shows(func(e *door.Env) int {
		for _, row := range lists {
			if row.name == what {
				fmt.Fprintln(e.Stdout, strings.Join(row.list, "\n"))
				return 0
			}
		}
		fmt.Fprintln(e.Stdout, "kex\nsig\ncipher\nmac\ncompress")
		if what == "help" {
			return 0
		}
		fmt.Fprintf(e.Stdout, "Unknown -Q '%s'\n", term.Printable(what))
		return dbFailed
	})("")
}
