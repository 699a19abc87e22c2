package applet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/transport"
)

// doctorDoors is the program that finds out why a login fails.
func doctorDoors() []door.Door {
	return []door.Door{{
		Name: "doctor", Group: "look around", Help: "find out why a login fails, and what to do about it", Run: runDoctor,
	}}
}

// A stage is how far an examination has come.
type stage int

// The stages, in order.
const (
	atConfig stage = iota
	atName
	atConnect
	atGreeting
	atKeyExchange
	atHostKey
	atLogin
	atSession
)

// Exit codes of doctor besides those of the stages.
const (
	doctorServerBad = 1 // --server found something
	doctorUsed      = 2 // the command line makes no sense
)

// stages are what the exit codes say, in the order of the constants.
func stages() []struct {
	step string // what its line of the report is called
	code int
	text string
} {
	return []struct {
		step string
		code int
		text string
	}{
		{"configuration", 3, "the configuration can't be used"},
		{"name", 4, "the name leads to no address"},
		{"connection", 5, "nobody can be reached"},
		{"server", 6, "what answers is no SSH server, or sends everybody away"},
		{"encryption", 7, "there is no algorithm that both sides take"},
		{"host key", 8, "the host's key is not the right one"},
		{"login", 9, "the server doesn't let the user in"},
		{"session", 10, "the login works, and then no command or no shell runs"},
	}
}

// stepTime bounds each step unless ConnectTimeout does.
const stepTime = 10 * time.Second

// doctorLine is what the command line says.
type doctorLine struct {
	*sshLine
	batch   bool
	server  bool
	file    string   // -f: sshd_config, for --server
	missing []string // -i's files that are not there
}

// table is ssh's options that matter for a login, and its own.
func (l *doctorLine) table() getopt.Table {
	var t getopt.Table
	for _, row := range l.sshLine.table() {
		if strings.IndexByte("46FJilopv", row.Letter) < 0 {
			continue
		}
		if row.Letter == 'i' {
			row.Do = both(l.identityThere, row.Do)
		}
		t = append(t, row)
	}
	return append(t,
		getopt.Row{Long: "batch", Help: "ask for no password and no passphrase", Do: getopt.Flag(&l.batch)},
		getopt.Row{Long: "server", Help: "check this machine's server, and whether it lets the user in", Do: getopt.Flag(&l.server)},
		getopt.Row{Letter: 'f', Arg: "sshd_config", Help: "with --server: the server's configuration file", Do: text(&l.file)},
	)
}

// identityThere remembers a file that ssh leaves out with a warning.
func (l *doctorLine) identityThere(path string) error {
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(path, "~/") {
		path = home + path[1:]
	}
	if _, err := os.Stat(path); err != nil {
		l.missing = append(l.missing, path)
	}
	return nil
}

func (l *doctorLine) usage() string {
	var b strings.Builder
	b.WriteString(l.table().Usage("nacre doctor", "[user@]host"))
	b.WriteString("       nacre doctor --server [-f sshd_config] [user]\n\n" +
		"Connects step by step, says what it finds, and ends with the cause and what to do.\n" +
		"Nothing is changed, here or there, and no host key is remembered.\n\nexit codes\n   0  the login works\n" +
		"   1  --server: something keeps the user out\n   2  the command line makes no sense\n")
	for _, s := range stages() {
		fmt.Fprintf(&b, "  %2d  %s\n", s.code, s.text)
	}
	return b.String()
}

// runDoctor is the program nacre doctor.
func runDoctor(ctx context.Context, e *door.Env) int {
	l := &doctorLine{sshLine: new(sshLine)}
	operands, err := l.sshLineParse(e.Args)
	if err != nil {
		if !errors.Is(err, door.ErrUsage) {
			e.Errorf("nacre doctor: %v", err)
		}
		fmt.Fprint(e.Stderr, l.usage())
		return doctorUsed
	}
	if l.server {
		return doctorServer(ctx, e, l, operands)
	}
	r := &sshRun{Env: e, line: l.sshLine}
	r.speaker.out = e.Stderr
	x := newExam(r, &doctorReport{out: e.Stdout})
	x.missing = l.missing
	x.asks = !l.batch && term.IsTerminal(e.Stdin)
	return x.whole(ctx)
}

// sshLineParse reads the command line: options anywhere, and one operand at most.
func (l *doctorLine) sshLineParse(args []string) ([]string, error) {
	if slices.ContainsFunc(args, func(a string) bool { return a == "--help" || a == "-h" }) {
		return nil, door.ErrUsage
	}
	operands, err := l.table().Parse(args, len(args))
	switch {
	case err != nil:
		return nil, err
	case len(operands) > 1 || len(operands) == 0 && !l.server:
		return nil, door.ErrUsage
	case l.server:
		return operands, nil
	}
	return operands, l.destination(operands[0])
}

// whole examines everything and returns the exit code.
func (x *exam) whole(ctx context.Context) int {
	if err := x.configure(); err != nil {
		return x.verdict()
	}
	c, err := x.login(ctx)
	if err != nil {
		return x.verdict()
	}
	defer c.Close()
	if err := x.session(ctx, c); err != nil {
		return x.verdict()
	}
	x.report.done("The login works: " + x.ssh())
	return 0
}

// configure reads the configuration, and takes what could change something out
// of it.
func (x *exam) configure() error {
	x.stage = atConfig
	conf, err := x.run.line.load()
	if err != nil {
		return x.failed(err)
	}
	x.take(conf)
	x.report.ok("configuration", "%s is %s port %d%s", conf.Host, conf.User+"@"+conf.HostName, conf.Port, x.saidBy("HostName"))
	return nil
}

// take makes an examination's configuration of the one that holds.
func (x *exam) take(conf *config.Client) {
	r := x.run
	r.conf, r.speaker.level = conf, config.LogQuiet
	if r.line.verbose > 0 {
		r.speaker.level = conf.LogLevel
	}
	r.peer = fmt.Sprintf("%s port %d", conf.HostName, conf.Port)
	x.forbidden = conf.BatchMode
	conf.BatchMode = conf.BatchMode || !x.asks
	conf.AddKeysToAgent.Mode = "no"
	conf.NumberOfPasswordPrompts = min(conf.NumberOfPasswordPrompts, 1)
	if conf.ConnectTimeout == 0 {
		conf.ConnectTimeout = stepTime
	}
}

// saidBy names the line that gave a keyword its value, "" for the default.
func (x *exam) saidBy(keyword string) string {
	at, said := x.run.conf.Origin(keyword)
	switch {
	case !said:
		return ""
	case at.Line == 0:
		return " (the command line says so)"
	}
	return " (" + origin(at) + " says so)"
}

// suggestDoctor names the program that finds out more about a failure, where a
// person reads it and there is more to find out.
func (r *sshRun) suggestDoctor(err error) {
	if r.manner != nil || r.conf.BatchMode || !term.IsTerminal(r.Stderr) || !doctorKnows(err) {
		return
	}
	r.say(config.LogInfo, "To find out why: nacre doctor %s", oneLine(sentenceOfWords((&exam{run: r}).words())))
}

// doctorKnows says whether a failure has causes that ssh's own words don't tell:
// all but a host's key, which they tell at length.
func doctorKnows(err error) bool {
	var refused *auth.Error
	var connect *client.ConnectError
	var negotiation *transport.NegotiationError
	var left *transport.DisconnectError
	return errors.As(err, &refused) || errors.As(err, &connect) || errors.As(err, &negotiation) ||
		errors.As(err, &left) && left.Remote || gone(err)
}
