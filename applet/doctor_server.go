package applet

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/login"
	"github.com/nacre-ssh/nacre/term"
)

// A serverExam looks at a server's own machine: what keeps a user out there.
type serverExam struct {
	*door.Env
	report *doctorReport
	name   string // of the user
	file   string // sshd_config; "" for the usual one
	db     *login.Database
	user   *login.User // nil where there is none
	sets   settings
	// version is how the server identifies itself.
	version string

	// Where things are; tests have others.
	sshd, shells string
	nologin      []string
	logs         []string
	journal      []string // the command that prints the journal; nil for none
}

// settings are sshd_config's values as "sshd -T" prints them, by keyword in
// small letters.
type settings map[string][]string

func (s settings) get(keyword string) string {
	if len(s[keyword]) == 0 {
		return ""
	}
	return s[keyword][0]
}

// words are all values of a keyword that takes lists.
func (s settings) words(keyword string) []string {
	var list []string
	for _, line := range s[keyword] {
		list = append(list, strings.Fields(line)...)
	}
	return list
}

// parseSettings reads what "sshd -T" prints.
func parseSettings(text string) settings {
	s := settings{}
	for line := range strings.Lines(text) {
		keyword, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		s[strings.ToLower(keyword)] = append(s[strings.ToLower(keyword)], value)
	}
	return s
}

// doctorServer is nacre doctor --server.
func doctorServer(ctx context.Context, e *door.Env, l *doctorLine, operands []string) int {
	s := &serverExam{
		Env: e, report: &doctorReport{out: e.Stdout}, file: l.file, db: new(login.Database),
		shells: "/etc/shells", nologin: []string{"/etc/nologin", "/run/nologin", "/var/run/nologin"},
		logs:    []string{"/var/log/auth.log", "/var/log/secure", "/var/log/daemon.log", "/var/log/messages"},
		journal: []string{"journalctl", "--no-pager", "-q", "-n", "2000", "-t", "sshd", "-t", "sshd-session", "-t", "dropbear", "-t", "nacre"},
	}
	s.sshd = findSSHD()
	if len(operands) > 0 {
		s.name = operands[0]
	} else {
		s.name = whoAsks(e)
	}
	return s.run(ctx)
}

// findSSHD is OpenSSH's server, "" for none; it is rarely on a user's PATH.
func findSSHD() string {
	for _, name := range []string{"sshd", "/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// whoAsks is the person at the keyboard.
func whoAsks(e *door.Env) string {
	if name := e.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if me, err := user.Current(); err == nil {
		return me.Username
	}
	return e.Getenv("USER")
}

// serverChecks are what is looked at, in this order.
func serverChecks() []func(*serverExam, context.Context) {
	return []func(*serverExam, context.Context){
		(*serverExam).checkConfig, (*serverExam).checkListening, (*serverExam).checkUser, (*serverExam).checkRules,
		(*serverExam).checkMethods, (*serverExam).checkAccount, (*serverExam).checkShell, (*serverExam).checkHome,
		(*serverExam).checkKeyFiles, (*serverExam).checkAuthorities, (*serverExam).checkLog,
	}
}

func (s *serverExam) run(ctx context.Context) int {
	if os.Geteuid() != 0 {
		s.report.note("doctor", "it does not run as root: the account, others' files and the log may not be readable (sudo nacre doctor --server %s)", s.name)
	}
	for _, check := range serverChecks() {
		check(s, ctx)
	}
	if s.report.bad {
		fmt.Fprintf(s.report.out, "\nThe problems above can keep %s out, or do.\n", term.Printable(s.name))
		s.report.remedies("what to do", s.report.advice)
		return doctorServerBad
	}
	s.report.done("Nothing here keeps " + s.name + " out. From where the login fails, this looks for the cause: nacre doctor " + s.name + "@HOST")
	return 0
}

// bad reports a problem and what to do about it.
func (s *serverExam) bad(step, cure string, commands []string, format string, args ...any) {
	s.report.problem(step, format, args...)
	s.report.advise(do(cure, commands...))
}

// maxSSHDOutput and sshdTime bound what OpenSSH's sshd says.
const (
	maxSSHDOutput = 256 << 10
	sshdTime      = 20 * time.Second
)

// outputOf runs a program for what it prints.
func outputOf(ctx context.Context, argv ...string) (text string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, sshdTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = time.Second // whoever it started may keep the pipe
	out := &keeper{most: maxSSHDOutput}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	return out.String(), err == nil
}

// checkConfig reads sshd_config by OpenSSH's sshd, where there is one, and by
// nacre's own rules otherwise.
func (s *serverExam) checkConfig(ctx context.Context) {
	if s.sshd != "" && s.askSSHD(ctx) {
		return
	}
	q := config.ServerQuery{File: s.file, Known: door.KnownAlgorithms(), OnlyShow: true, Connection: s.connection()}
	c, err := config.LoadServer(q)
	if err != nil {
		s.bad("sshd_config", "correct the line that is named", nil, "%v", err)
		s.sets = settings{}
		return
	}
	s.report.ok("sshd_config", "it can be read")
	s.sets = parseSettings(strings.Join(c.Dump(), "\n"))
}

// askSSHD has OpenSSH's sshd test its configuration and print it.
func (s *serverExam) askSSHD(ctx context.Context) bool {
	var file []string
	if s.file != "" {
		file = []string{"-f", s.file}
	}
	text, tested := outputOf(ctx, append([]string{s.sshd, "-t"}, file...)...)
	if tested = tested || needsRoot(text); !tested {
		s.bad("sshd_config", "correct that, and test again before the server is restarted", []string{sentenceOfWords(append([]string{"sshd", "-t"}, file...))},
			"sshd -t refuses it: %s", excerpt(text))
	}
	text, ok := outputOf(ctx, append([]string{s.sshd, "-T", "-C", "user=" + s.name + ",host=localhost,addr=127.0.0.1"}, file...)...)
	switch {
	case !ok && !tested:
		s.sets = settings{}
		return true // what is wrong was said
	case !ok:
		return false
	}
	s.report.ok("sshd_config", "sshd -T reads it")
	s.sets = parseSettings(text)
	return true
}

// needsRoot says whether sshd failed only because it may not read host keys.
func needsRoot(text string) bool {
	return os.Geteuid() != 0 && (strings.Contains(text, "no hostkeys available") || strings.Contains(text, "Permission denied"))
}

func (s *serverExam) connection() *config.Connection {
	c := &config.Connection{User: s.name}
	if account, err := user.Lookup(s.name); err == nil {
		c.Groups = groupNames(account)
	}
	return c
}

func groupNames(account *user.User) []string {
	var names []string
	ids, _ := account.GroupIds() // a user without groups is in none
	for _, id := range ids {
		if g, err := user.LookupGroupId(id); err == nil {
			names = append(names, g.Name)
		}
	}
	return names
}

// checkListening asks each port who is there.
func (s *serverExam) checkListening(ctx context.Context) {
	for _, port := range s.sets["port"] {
		version := greetingAt(ctx, net.JoinHostPort(s.listensOn(), port))
		switch {
		case version == "":
			s.bad("server", "start it, and see why it ended if it does not stay", []string{"systemctl start ssh || systemctl start sshd", "journalctl -u ssh -u sshd -n 50"},
				"nothing answers on port %s of this machine: the server does not run, or was started with another configuration", port)
		case !strings.HasPrefix(version, "SSH-"):
			s.bad("server", "see which program has the port", []string{"ss -ltnp 'sport = :" + port + "'"}, "something else than an SSH server has port %s: it says %q", port, excerpt(version))
		default:
			s.version = version
			s.report.ok("server", "port %s answers: %s", port, excerpt(version))
		}
	}
}

// listensOn is an address of this machine at which the server listens.
func (s *serverExam) listensOn() string {
	for _, at := range s.sets["listenaddress"] {
		host, _, err := net.SplitHostPort(at)
		if ip := net.ParseIP(host); err == nil && ip != nil && !ip.IsUnspecified() {
			return host
		}
	}
	return "127.0.0.1"
}

// greetingAt is the first line that a server says, "" for nobody.
func greetingAt(ctx context.Context, address string) string {
	d := net.Dialer{Timeout: strangerTime}
	nc, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return ""
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(strangerTime))
	b := make([]byte, 255)
	n, _ := nc.Read(b)
	line, _, _ := strings.Cut(string(b[:n]), "\n")
	if n == 0 {
		return "nothing"
	}
	return strings.TrimRight(line, "\r")
}

// checkUser looks the user up.
func (s *serverExam) checkUser(ctx context.Context) {
	u, err := s.db.Lookup(s.name)
	if err != nil {
		u = getent(ctx, s.name)
	}
	if u == nil {
		s.bad("user", "check the spelling (upper and lower case count), or make the account", []string{"getent passwd | cut -d: -f1", "adduser " + getopt.Word(s.name)},
			"there is no user %q on this machine", s.name)
		return
	}
	s.user = u
	s.report.ok("user", "%s has number %d, home %s, shell %s", u.Name, u.UID, u.Home, u.Shell)
}

// getent asks the system's other sources of users (LDAP and the like).
func getent(ctx context.Context, name string) *login.User {
	if login.CheckUserName(name) != nil {
		return nil
	}
	text, ok := outputOf(ctx, "getent", "passwd", name)
	f := strings.Split(strings.TrimSpace(text), ":")
	if !ok || len(f) != 7 {
		return nil
	}
	uid, err1 := strconv.ParseUint(f[2], 10, 32)
	gid, err2 := strconv.ParseUint(f[3], 10, 32)
	if err1 != nil || err2 != nil {
		return nil
	}
	return &login.User{Name: f[0], UID: uint32(uid), GID: uint32(gid), Groups: []uint32{uint32(gid)}, Home: f[5], Shell: f[6]}
}

// checkRules holds the user against AllowUsers and its like.
func (s *serverExam) checkRules(context.Context) {
	c := &config.Server{
		AllowUsers: s.sets.words("allowusers"), DenyUsers: s.sets.words("denyusers"),
		AllowGroups: s.sets.words("allowgroups"), DenyGroups: s.sets.words("denygroups"),
	}
	var groups []string
	if account, err := user.Lookup(s.name); err == nil {
		groups = groupNames(account)
	}
	if ok, reason := c.Permits(s.name, "localhost", "127.0.0.1", groups); !ok && s.onlyFrom(c.AllowUsers) == "" {
		s.bad("rules", "change that line in sshd_config, or put the user into the group that it names, and reload the server",
			[]string{"grep -rniE '^ *(allow|deny)(users|groups)' /etc/ssh/sshd_config /etc/ssh/sshd_config.d", "systemctl reload ssh || systemctl reload sshd"},
			"%s may not log in: %s (%s)", s.name, reason, s.rules())
	} else if from := s.onlyFrom(c.AllowUsers); from != "" {
		s.report.note("rules", "AllowUsers lets %s in from certain addresses alone: %s", s.name, from)
	} else if s.rules() != "" {
		s.report.ok("rules", "%s may log in (%s)", s.name, s.rules())
	}
}

// onlyFrom are AllowUsers' entries with an address, where there are no others
// for the user.
func (s *serverExam) onlyFrom(list []string) string {
	var from []string
	for _, word := range list {
		name, _, limited := strings.Cut(word, "@")
		if !matchesName(s.name, name) {
			continue
		}
		if !limited {
			return ""
		}
		from = append(from, word)
	}
	return strings.Join(from, " ")
}

// rules are the lists that are in force.
func (s *serverExam) rules() string {
	var parts []string
	for _, keyword := range []string{"DenyUsers", "AllowUsers", "DenyGroups", "AllowGroups"} {
		if list := s.sets.words(strings.ToLower(keyword)); len(list) > 0 {
			parts = append(parts, keyword+" "+strings.Join(list, " "))
		}
	}
	return strings.Join(parts, "; ")
}

// checkMethods looks at what the server takes.
func (s *serverExam) checkMethods(context.Context) {
	reload := []string{"systemctl reload ssh || systemctl reload sshd"}
	if s.sets.get("pubkeyauthentication") == "no" {
		s.bad("methods", "turn it on in sshd_config, and reload the server: PubkeyAuthentication yes", reload, "keys are turned off: PubkeyAuthentication no")
	}
	if s.user != nil && s.user.UID == 0 {
		switch v := s.sets.get("permitrootlogin"); v {
		case "no":
			s.bad("methods", "better log in as another user and use sudo; or allow keys in sshd_config, and reload: PermitRootLogin prohibit-password", reload, "root may not log in: PermitRootLogin no")
		case "forced-commands-only":
			s.report.note("methods", "root may log in with a key that has a command= option alone: PermitRootLogin %s", v)
		case "prohibit-password", "without-password":
			s.report.ok("methods", "root may log in with a key, and with no password: PermitRootLogin %s", v)
		}
	}
	if v := s.sets.get("authenticationmethods"); v != "" && v != "any" {
		s.report.note("methods", "AuthenticationMethods wants all of: %s", v)
	}
	if v := s.sets.get("forcecommand"); v != "" && v != "none" {
		s.report.note("methods", "ForceCommand runs this whatever is asked for: %s", v)
	}
	if !slices.Contains(s.sets["strictmodes"], "no") {
		return
	}
	s.report.note("methods", "StrictModes is no: files that others may write are trusted")
}
