package config

import (
	"errors"
	"os"
	"os/user"
	"slices"
)

// A ClientQuery asks what holds for one destination. The zero value but for
// Host asks for this user's files.
type ClientQuery struct {
	Host    string   // as typed, without user and port
	User    string   // from user@host or -l; "" when not given
	Command string   // the command that shall run, for Match; "" for a shell
	Options []string // -o arguments and their like in order: "Port=22" or "Port 22"
	// File is -F's argument, "none" for no file; "" reads ~/.ssh/config and
	// the system's file, either of which may be missing.
	File  string
	Known Known // the engine's algorithm names
	// OnlyShow asks for an answer to look at (ssh -G): what isn't supported yet
	// is no error then.
	OnlyShow bool
	// What -L, -R, -D and -W ask for; they come before the files'.
	LocalForward, RemoteForward, DynamicForward []Forward
	StdioForward                                *Endpoint

	// What follows has a default and is here for tests and other systems.

	SystemDir string                      // "" for /etc/ssh
	Home      string                      // "" for the user's home directory
	LocalUser string                      // "" for the user who runs this
	LocalHost string                      // "" for this machine's name
	Getenv    func(string) (string, bool) // nil for os.LookupEnv
	// Exec runs Match exec's command and says whether it succeeded; nil runs
	// it with the user's shell.
	Exec func(command string) (bool, error)
	// Lookup resolves a name for CanonicalizeHostname and says what its CNAME
	// is ("" for none); nil asks the system's resolver.
	Lookup func(name string) (cname string, err error)
}

// LoadClient reads the configuration for q. Its errors are *Error for lines
// that can't be used, *RefusedError for what can't be ignored, and plain
// sentences for files and tokens.
func LoadClient(q ClientQuery) (*Client, error) {
	l, err := newClientLoader(q)
	if err != nil {
		return nil, err
	}
	if err := l.load(); err != nil {
		return nil, err
	}
	return l.finish()
}

// clientLoader is a loader with what Host, Match and Include ask about.
type clientLoader struct {
	*loader[Client]
	q       ClientQuery
	table   []row[Client]
	t       tokens
	matchOn string // the host that Host patterns see: as typed, later as resolved
	final   bool   // this is the second reading
	wants   bool   // "Match final" asked for a second reading
	depth   int
	never   bool       // an Include in a block that doesn't apply: lines are only checked
	here    *blockLine // the block that lines are in; nil before the first
	outer   *blockLine // the block around the Include that led here
	steps   []string   // what was read, for -v
	applied string     // the pattern that made a Host line hold
	usual   bool       // the files being read are the user's, not the system's
	opened  func(*blockLine)
}

func newClientLoader(q ClientQuery) (*clientLoader, error) {
	if q.SystemDir == "" {
		q.SystemDir = systemDir()
	}
	if q.Getenv == nil {
		q.Getenv = os.LookupEnv
	}
	if q.LocalHost == "" {
		q.LocalHost, _ = os.Hostname()
	}
	uid := ""
	if account, err := user.Current(); err == nil {
		uid = account.Uid
		home, name := accountNames(account)
		q.LocalUser = orElse(q.LocalUser, name)
		q.Home = orElse(q.Home, home)
	}
	if q.Home == "" || q.LocalUser == "" {
		return nil, errors.New("no account found for the user who runs this: set HOME and USER")
	}
	table := clientTable()
	l := &clientLoader{
		loader:  newLoader(table, clientOthers(), clientAliases(), &q.Known),
		q:       q,
		table:   table,
		matchOn: q.Host,
		t: tokens{
			localHost: q.LocalHost, home: q.Home, localUser: q.LocalUser, uid: uid,
			typed: q.Host, getenv: q.Getenv,
		},
	}
	l.getenv = q.Getenv
	return l, nil
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// load reads the options, then the files, and the files again where a Match
// final asks for it.
func (l *clientLoader) load() error {
	if l.q.User != "" {
		l.into.User = l.q.User
		l.origins["user"] = Origin{"command-line", 0}
	}
	for _, option := range l.q.Options {
		if err := l.override(option); err != nil {
			return err
		}
	}
	l.takeForwards()
	if err := l.readFiles(); err != nil {
		return err
	}
	if len(l.problems) > 0 { // while all of them are looked for
		return &Error{Problems: l.problems}
	}
	if err := l.settleName(); err != nil || !l.wants {
		return err
	}
	l.final = true
	l.step("re-parsing configuration")
	return l.readFiles()
}

// takeForwards puts the command line's forwards before the files'.
func (l *clientLoader) takeForwards() {
	for _, from := range []struct {
		keyword string
		forward []Forward
		into    *[]Forward
	}{
		{"localforward", l.q.LocalForward, &l.into.LocalForward},
		{"remoteforward", l.q.RemoteForward, &l.into.RemoteForward},
		{"dynamicforward", l.q.DynamicForward, &l.into.DynamicForward},
	} {
		if len(from.forward) > 0 {
			*from.into = append(slices.Clone(from.forward), *from.into...)
			l.origins[from.keyword] = Origin{"command-line", 0}
		}
	}
}
