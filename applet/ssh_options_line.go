package applet

import (
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
)

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
		return l, door.ErrUsage
	}
	if err := l.destination(operands[0]); err != nil {
		return l, err
	}
	l.command = strings.Join(operands[1:], " ")
	if l.command == "" && l.said("SessionType") == "subsystem" {
		l.warnings = append(l.warnings, "You must specify a subsystem to invoke.")
		return l, door.ErrUsage
	}
	if l.syslog && l.logFile != "" {
		return l, sshSays("Can't specify both -y and -E")
	}
	return l, nil
}

// destination takes [user@]host or ssh://[user@]host[:port].
func (l *sshLine) destination(text string) error {
	to, err := config.ParseDestination(text)
	if err != nil {
		return door.ErrUsage
	}
	if to.User != "" {
		if err := l.login(to.User); err != nil {
			return err
		}
	}
	if to.Port != 0 {
		l.first = append(l.first, config.Option("Port", strconv.Itoa(to.Port)))
	}
	if l.user != "" && !config.ValidUser(l.user) {
		return sshSays("remote username contains invalid characters")
	}
	if !config.ValidHost(to.Host) {
		return sshSays("hostname contains invalid characters")
	}
	l.host = to.Host
	return nil
}

// configQuery is the command line as a question to config.
func (l *sshLine) configQuery() config.ClientQuery {
	options := l.options()
	if l.level != "" {
		options = append([]string{config.Option("LogLevel", l.level)}, options...)
	}
	return config.ClientQuery{
		Host: l.host, User: l.user, Command: l.command, Options: options, File: l.file, Known: door.KnownAlgorithms(),
		OnlyShow:     l.dump,
		LocalForward: l.forwards[config.ForwardLocal], RemoteForward: l.forwards[config.ForwardRemote],
		DynamicForward: l.forwards[config.ForwardDynamic], StdioForward: l.stdio,
	}
}

// load asks config what holds for this command line.
func (l *sshLine) load() (*config.Client, error) {
	c, err := config.LoadClient(l.configQuery())
	if err != nil {
		return nil, err
	}
	return c, l.agree(c)
}

// agree refuses what the command line and the files want together.
func (l *sshLine) agree(c *config.Client) error {
	switch {
	case l.command != "" && c.RemoteCommand != "":
		return sshSays("Cannot execute command-line and remote command.")
	case c.ForkAfterAuthentication && l.command == "" && c.RemoteCommand == "" && c.SessionType != "none":
		return sshSays("Cannot fork into background without a command to execute.")
	case l.control != "" && c.ControlPath == "" && !l.dump:
		return sshSays("No ControlPath specified for \"-O\" command")
	}
	return nil
}

// explainConfig tells which files were read, and moves the messages to the
// system log where -y says so.
func (r *sshRun) explainConfig() {
	if r.line.syslog {
		if w := openMessageLog(r.conf.SyslogFacility); w != nil {
			r.speaker.out = w
		} else {
			r.say(config.LogInfo, "Warning: there is no system log here: messages go to standard error.")
		}
	}
	for _, step := range r.conf.Steps() {
		r.say(config.LogDebug1, "debug1: %s", step)
	}
}
