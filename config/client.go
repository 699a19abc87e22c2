package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// A Client is what ssh_config says about one destination, with defaults filled
// in and tokens expanded unless said otherwise. It is read only once loaded.
type Client struct {
	Host string // as the user typed it: what is looked up in no file but printed

	HostName      string // the name to connect to; lower case unless an address
	Port          int    // 22 when nobody said
	User          string // the remote user
	AddressFamily string // "any", "inet" or "inet6"
	BindAddress   string // the local address to connect from; "" for any

	ConnectTimeout      time.Duration // 0: the system's
	ConnectionAttempts  int           // at least 1
	TCPKeepAlive        bool
	ServerAliveInterval time.Duration // 0: off
	ServerAliveCountMax int

	HostKeyAlias          string // lower case; "" for none
	StrictHostKeyChecking StrictHostKeyChecking
	UserKnownHostsFile    []string // in order; empty for "none"
	GlobalKnownHostsFile  []string
	HashKnownHosts        bool
	// NoHostAuthenticationForLocalhost trusts any key of a loopback address.
	NoHostAuthenticationForLocalhost bool
	UpdateHostKeys                   string // "yes", "no" or "ask"; "" leaves it to UserKnownHostsFile
	FingerprintHash                  string // "SHA256" or "MD5"

	KexAlgorithms            []string // best first, as the three below
	HostKeyAlgorithms        []string
	Ciphers                  []string
	MACs                     []string
	PubkeyAcceptedAlgorithms []string
	RequiredRSASize          int // bits
	Compression              bool
	RekeyLimit               RekeyLimit
	// RequireStrictKex refuses a peer without strict key exchange. Nacre's own.
	RequireStrictKex bool

	IdentityFile                 []string // as written; IdentityFiles expands
	IdentitiesOnly               bool
	IdentityAgent                string // "" for SSH_AUTH_SOCK; "none" for no agent
	PreferredAuthentications     string // names with commas; "" for the usual order
	PubkeyAuthentication         string // "yes", "no", "unbound" or "host-bound"
	PasswordAuthentication       bool
	KbdInteractiveAuthentication bool
	NumberOfPasswordPrompts      int
	BatchMode                    bool

	RequestTTY    RequestTTY
	SessionType   string // "default", "none" or "subsystem"
	StdinNull     bool
	RemoteCommand string // "" for none
	EscapeChar    int    // a byte, or EscapeNone
	SendEnv       []string
	SetEnv        []string // NAME=value
	ControlPath   string   // "" for none

	LogLevel LogLevel

	tag     string // Tag, for Match tagged
	ignored string // IgnoreUnknown
	notes   []Note
	origins map[string]Origin
	tokens  tokens
}

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

	// What follows has a default and is here for tests and other systems.

	SystemDir string                      // "" for /etc/ssh
	Home      string                      // "" for the user's home directory
	LocalUser string                      // "" for the user who runs this
	LocalHost string                      // "" for this machine's name
	Getenv    func(string) (string, bool) // nil for os.LookupEnv
	// Exec runs Match exec's command and says whether it succeeded; nil runs
	// it with the user's shell.
	Exec func(command string) (bool, error)
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
	usual   bool // the files being read are the user's, not the system's
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
		q.LocalUser = orElse(q.LocalUser, account.Username)
		q.Home = orElse(q.Home, account.HomeDir)
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
	if err := l.readFiles(); err != nil || !l.wants {
		return err
	}
	host, err := l.resolvedName()
	if err != nil {
		return err
	}
	// The name is settled now: a HostName of the second reading comes too late.
	l.into.HostName = strings.ReplaceAll(host, "%", "%%")
	if _, taken := l.origins["hostname"]; !taken {
		l.origins["hostname"] = Origin{}
	}
	l.matchOn, l.final = host, true
	return l.readFiles()
}

func (l *clientLoader) readFiles() error {
	switch {
	case strings.EqualFold(l.q.File, "none"):
		return nil
	case l.q.File != "":
		l.usual = true
		if err := l.readFile(l.q.File, false); err != nil {
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
				return complain("Can't open user config file %s: %v", printable(l.q.File), cause(err))
			}
			return err
		}
		return nil
	}
	l.usual = true
	if err := l.readFile(filepath.Join(l.q.Home, ".ssh", "config"), true); unexpected(err) {
		return err
	}
	l.usual = false
	if err := l.readFile(filepath.Join(l.q.SystemDir, "ssh_config"), false); unexpected(err) {
		return err
	}
	return nil
}

// unexpected leaves out what a usual file may do: be missing or unreadable.
func unexpected(err error) bool {
	return err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission)
}

// cause takes the operation and the path off a file error.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func (l *clientLoader) readFile(name string, strict bool) error {
	data, err := l.read(name, strict)
	if err != nil {
		return err
	}
	return l.parse(name, data)
}

func (l *clientLoader) parse(name string, data []byte) error {
	l.active = true
	return l.lines(name, data, l.block)
}

// block handles the keywords that steer reading instead of setting a value.
func (l *clientLoader) block(keyword string, a *args, at Origin) (bool, error) {
	switch strings.ToLower(keyword) {
	case "host":
		return true, l.hostLine(a)
	case "match":
		return true, l.matchLine(a, at)
	case "include":
		return true, l.includeLine(a)
	case "refuseconnection":
		word, err := a.next()
		if err == nil && l.active {
			err = complain("RefuseConnection: %s", printable(word))
		}
		return true, err
	}
	return false, nil
}

// hostLine opens a block for the hosts that match its patterns.
func (l *clientLoader) hostLine(a *args) error {
	l.active = false
	patterns, err := a.all()
	if err != nil {
		return err
	}
	for _, word := range patterns {
		word, negated := strings.CutPrefix(word, "!")
		if !pattern.Match(l.matchOn, word) {
			continue
		}
		if l.active = !negated; negated {
			return nil
		}
	}
	return nil
}

// includeLine reads other files as if they stood here; a block that one of them
// opens ends with it.
func (l *clientLoader) includeLine(a *args) error {
	dir := l.q.SystemDir
	if l.usual {
		dir = filepath.Join(l.q.Home, ".ssh")
	}
	list, err := a.all()
	if err != nil {
		return err
	}
	l.fillTokens()
	for _, word := range list {
		word, err := l.t.expand(word, "", true)
		if err != nil {
			return err
		}
		if strings.HasPrefix(word, "~") && !l.usual {
			return complain("bad include path %s.", printable(word))
		}
		names, err := included(word, dir, l.q.Home)
		if err != nil {
			return err
		}
		if err := l.includeFiles(names); err != nil {
			return err
		}
	}
	return nil
}

func (l *clientLoader) includeFiles(names []string) error {
	if l.depth++; l.depth > maxDepth {
		return errors.New("too many recursive configuration includes")
	}
	defer func() { l.depth-- }()
	active, host := l.active, l.matchOn
	defer func() { l.active, l.matchOn = active, host }()
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			continue
		}
		data, err := l.read(name, true)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if l.active = active; !active {
			continue
		}
		if err := l.lines(name, data, l.block); err != nil {
			return err
		}
	}
	return nil
}

// resolvedName is HostName with its %h, or the host as typed.
func (l *clientLoader) resolvedName() (string, error) {
	if l.into.HostName == "" {
		return l.q.Host, nil
	}
	l.t.host = l.q.Host
	return l.t.percent(l.into.HostName, "h")
}

// fillTokens takes what is known so far into the tokens.
func (l *clientLoader) fillTokens() {
	host, err := l.resolvedName()
	if err != nil {
		host = l.q.Host
	}
	l.t.host = host
	l.t.port = orPort(l.into.Port)
	l.t.remoteUser = orElse(l.into.User, l.q.LocalUser)
	l.t.keyAlias = orElse(l.into.HostKeyAlias, host)
}

func orPort(port int) int {
	if port == 0 {
		return 22
	}
	return port
}

// finish turns what was read into the answer: refusals, defaults, tokens.
func (l *clientLoader) finish() (*Client, error) {
	if err := l.judge(); err != nil {
		return nil, err
	}
	if err := l.judgeForwards(); err != nil {
		return nil, err
	}
	if err := l.fill(l.table); err != nil {
		return nil, err
	}
	c := l.into
	host, err := l.resolvedName()
	if err != nil {
		return nil, fmt.Errorf("expanding HostName: %w", err)
	}
	if _, err := netip.ParseAddr(host); err != nil {
		host = strings.ToLower(host)
	}
	c.Host, c.HostName, c.Port = l.q.Host, host, orPort(c.Port)
	c.HostKeyAlias = strings.ToLower(c.HostKeyAlias)
	c.notes, c.origins, c.ignored = l.notes, l.origins, l.ignored
	l.t.host, l.t.port, l.t.keyAlias = host, c.Port, orElse(c.HostKeyAlias, c.Host)
	if err := l.expandUser(); err != nil {
		return nil, err
	}
	c.tokens = l.t
	return c, c.expandAll()
}

// expandUser expands a User that a file gave; one from a token must be a name
// that is safe wherever names go.
func (l *clientLoader) expandUser() error {
	c := l.into
	switch {
	case c.User == "":
		c.User = l.q.LocalUser
	case l.q.User != "":
		if !ValidUser(c.User) {
			return errors.New("remote username contains invalid characters")
		}
	default:
		name, err := l.t.expand(c.User, "dhijkLlnpu", true)
		if err != nil {
			return fmt.Errorf("expanding User: %w", err)
		}
		if name != c.User && !ValidUser(name) {
			return errors.New("remote username contains invalid characters")
		}
		c.User = name
	}
	l.t.remoteUser = c.User
	return nil
}

// judgeForwards refuses to connect without a forward that must not fail.
func (l *clientLoader) judgeForwards() error {
	must, ok := l.settings["exitonforwardfailure"]
	if on, _ := parseFlag(must.value); !ok || !on {
		return nil
	}
	for _, name := range []string{"localforward", "remoteforward", "dynamicforward"} {
		if s, ok := l.settings[name]; ok {
			return &RefusedError{s.Origin, s.name, "ExitOnForwardFailure forbids connecting without it"}
		}
	}
	return nil
}

func (c *Client) expandAll() (err error) {
	for _, field := range []struct {
		name string
		text *string
	}{{"ControlPath", &c.ControlPath}, {"IdentityAgent", &c.IdentityAgent}} {
		if *field.text, err = c.expandName(*field.text); err != nil {
			return fmt.Errorf("%s: %w", field.name, err)
		}
	}
	if c.RemoteCommand, err = c.tokens.percent(c.RemoteCommand, ""); err != nil {
		return fmt.Errorf("expanding RemoteCommand: %w", err)
	}
	for i, name := range c.UserKnownHostsFile {
		if c.UserKnownHostsFile[i], err = c.tokens.path(name); err != nil {
			return fmt.Errorf("expanding UserKnownHostsFile: %w", err)
		}
	}
	for i, name := range c.GlobalKnownHostsFile {
		if c.GlobalKnownHostsFile[i], err = tilde(name, c.tokens.home); err != nil {
			return fmt.Errorf("expanding GlobalKnownHostsFile: %w", err)
		}
	}
	return c.expandEnv()
}

// expandName expands a path that may also be a word: "none", SSH_AUTH_SOCK, or
// a variable in the old form $NAME.
func (c *Client) expandName(s string) (string, error) {
	switch {
	case strings.EqualFold(s, "none"):
		return "none", nil
	case s == "SSH_AUTH_SOCK":
		return "", nil
	case strings.HasPrefix(s, "$") && !strings.HasPrefix(s, "${"):
		value, _ := c.tokens.getenv(s[1:])
		return value, nil
	}
	return c.tokens.path(s)
}

func (c *Client) expandEnv() error {
	for i, pair := range c.SetEnv {
		name, value, _ := strings.Cut(pair, "=")
		value, err := c.tokens.expand(value, "", true)
		if err != nil {
			return fmt.Errorf("expanding SetEnv: %w", err)
		}
		c.SetEnv[i] = name + "=" + value
	}
	return nil
}

// IdentityFiles returns the names of the identity files with ~, tokens and
// variables expanded, each once, in the order to try them; empty for "none".
func (c *Client) IdentityFiles() ([]string, error) {
	var names []string
	for _, name := range c.IdentityFile {
		if strings.EqualFold(name, "none") {
			continue
		}
		name, err := c.tokens.path(name)
		if err != nil {
			return nil, fmt.Errorf("expanding IdentityFile: %w", err)
		}
		names = append(names, name)
	}
	return unique(names), nil
}

// Expand expands ~, %-tokens and ${NAME} in a path with this connection's
// values (ssh_config(5), TOKENS).
func (c *Client) Expand(path string) (string, error) { return c.tokens.path(path) }

// Notes returns what was accepted without effect, in the order it was read.
func (c *Client) Notes() []Note { return c.notes }

// Origin says which line gave a keyword its value; ok is false when the value
// is the default.
func (c *Client) Origin(keyword string) (at Origin, ok bool) {
	at = c.origins[strings.ToLower(keyword)]
	return at, at.File != ""
}

// Dump returns the values as "ssh -G" prints them, a line each, without the
// keywords that are not supported.
func (c *Client) Dump() []string { return dump(clientTable(), c) }

// ClientDocs returns the manual of ssh_config, a keyword each.
func ClientDocs() []Doc { return docs(clientTable()) }
