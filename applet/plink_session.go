package applet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/putty"
	"github.com/nacre-ssh/nacre/term"
)

// plinkPorts are the ports of the protocols, which PortNumber is read for.
var plinkPorts = [...]struct {
	protocol string
	port     int
}{{"ssh", 22}, {"telnet", 23}, {"rlogin", 513}, {"raw", 0}, {"serial", 0}, {"supdup", 137}, {"ssh-connection", 0}}

func plinkPort(protocol string) (port int, ok bool) {
	for _, row := range plinkPorts {
		if row.protocol == protocol {
			return row.port, true
		}
	}
	return 0, false
}

// launchable says whether a session says where to connect to.
func launchable(s putty.Records, name string) bool {
	r, err := s.Load(putty.Sessions, name)
	host, _ := r.Get("HostName")
	return err == nil && strings.TrimSpace(host) != ""
}

// load finds the session, puts the options over its settings and settles who is
// connected to.
func (p *plinkRun) load() error {
	whole, err := p.protocolPrefix(strings.TrimSpace(p.line.word))
	if err != nil {
		return err
	}
	user, word := splitUser(whole)
	name := putty.DefaultSettings
	switch {
	case p.line.load != "":
		name = p.line.load
	case word != "" && launchable(p.store, word):
		name, word = word, ""
	}
	r, err := p.store.Load(putty.Sessions, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("session %q: %w", name, err)
	}
	p.set = append(putty.Record(nil), r...)
	p.settlePort()
	for _, s := range p.line.resources {
		if _, ok := p.set.Get(s.Name); !ok {
			p.set.Set(s.Name, s.Text)
		}
	}
	p.settleProtocol()
	p.settleHost(word, user)
	return nil
}

// protocolPrefix takes "telnet," off a host. PuTTY does that before it looks for
// sessions and for the user's name.
func (p *plinkRun) protocolPrefix(word string) (rest string, err error) {
	prefix, rest, found := strings.Cut(word, ",")
	if !found {
		return word, nil
	}
	if _, known := plinkPort(prefix); !known {
		p.Errorf("plink: unrecognised protocol prefix '%s'", term.Printable(prefix))
		return "", errAbandoned
	}
	p.line.protocol = prefix
	return rest, nil
}

// splitUser splits at the last @.
func splitUser(text string) (user, host string) {
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		return text[:i], text[i+1:]
	}
	return "", text
}

// settlePort drops a port of the session's that belongs to a protocol which
// nobody knows.
func (p *plinkRun) settlePort() {
	if _, known := plinkPort(p.text("Protocol")); !known {
		p.set.Set("PortNumber", "")
		p.set.Set("Protocol", "")
	}
}

// settleProtocol lets the options count, of which a protocol brings its port.
func (p *plinkRun) settleProtocol() {
	if p.text("Protocol") == "" {
		p.set.Set("Protocol", p.Getenv("PLINK_PROTOCOL"))
		if _, known := plinkPort(p.text("Protocol")); !known {
			p.set.Set("Protocol", "ssh")
		}
	}
	if p.line.protocol != "" {
		p.set.Set("Protocol", p.line.protocol)
		p.set.Set("PortNumber", "")
	}
	for _, s := range p.line.settings {
		p.set.Set(s.Name, s.Text)
	}
}

// settleHost reads a host as PuTTY does: no blanks, user@ before it, and a
// ":port" behind it that is not looked at.
func (p *plinkRun) settleHost(word, user string) {
	if word == "" {
		word = p.text("HostName")
	}
	inner, host := splitUser(strings.TrimSpace(word))
	host = strings.Join(strings.Fields(host), "")
	if strings.Count(host, ":") == 1 {
		host, _, _ = strings.Cut(host, ":")
	}
	for _, name := range []string{inner, user} {
		if name != "" {
			p.set.Set("UserName", name)
		}
	}
	p.host = strings.Trim(host, "[]")
}

// port is the port to connect to.
func (p *plinkRun) port() int {
	usual, _ := plinkPort(p.text("Protocol"))
	return p.set.Int("PortNumber", usual)
}

// command is what is to run there: the option -m's file, the words behind the
// host, the session's RemoteCommand.
func (p *plinkRun) command() string {
	if len(p.line.words) > 0 {
		return strings.Join(p.line.words, " ")
	}
	return p.text("RemoteCommand")
}

// maxCommandFile caps -m, in bytes.
const maxCommandFile = 1 << 20

// readCommandFile has -m's file count as the command.
func (p *plinkRun) readCommandFile() error {
	if p.line.commandFile == "" {
		return nil
	}
	info, err := os.Stat(p.line.commandFile)
	if err == nil && info.Size() > maxCommandFile {
		return fmt.Errorf("command file \"%s\" has more than %d bytes", p.line.commandFile, maxCommandFile)
	}
	text, err := os.ReadFile(p.line.commandFile)
	if err != nil {
		p.Errorf("plink: unable to open command file \"%s\"", p.line.commandFile)
		return errAbandoned
	}
	p.line.words = []string{string(text)}
	return nil
}

// config is the session as ssh's configuration.
func (p *plinkRun) config() (*config.Client, error) {
	if err := p.readCommandFile(); err != nil {
		return nil, err
	}
	if p.set.Int("SshProt", 3) < 2 {
		return nil, plinkFatal("SSH protocol version 1 is not supported: it protects nothing (use -2)")
	}
	if !config.ValidHost(p.host) {
		return nil, plinkFatal("the host's name has characters that no name has")
	}
	c, err := config.LoadClient(config.ClientQuery{Host: p.host, File: "none", Known: door.KnownAlgorithms()})
	if err != nil {
		return nil, err
	}
	c.LogLevel = config.LogInfo
	if p.line.verbose {
		c.LogLevel = config.LogDebug1
	}
	c.Port = p.port()
	if c.Port < 1 || c.Port > 65535 {
		return nil, plinkFatal(fmt.Sprintf("%d is no port", c.Port))
	}
	p.configNetwork(c)
	p.configAlgorithms(c)
	if err := p.configSession(c); err != nil {
		return nil, err
	}
	return c, p.configForwards(c)
}

func (p *plinkRun) configNetwork(c *config.Client) {
	c.AddressFamily = map[int]string{1: "inet", 2: "inet6"}[p.set.Int("AddressFamily", 0)]
	c.TCPKeepAlive = p.on("TCPKeepalives", false)
	c.ServerAliveInterval = time.Duration(p.set.Int("PingInterval", 0)*60+p.set.Int("PingIntervalSecs", 0)) * time.Second
	c.Compression = p.on("Compression", false)
	c.BatchMode, c.WarnWeakCrypto = p.line.batch, false // PuTTY's own warning line counts
	c.UpdateHostKeys, c.EscapeChar = "no", config.EscapeNone
	c.NumberOfPasswordPrompts = plinkTries
	if user := p.text("UserName"); user != "" {
		c.User = user
	}
	c.RekeyLimit = config.RekeyLimit{
		Bytes: puttyBytes(p.text("RekeyBytes")), Interval: time.Duration(p.set.Int("RekeyTime", 60)) * time.Minute,
	}
}

// puttyBytes reads RekeyBytes: a number with K, M or G behind it. 0 leaves the
// limit to the cipher.
func puttyBytes(text string) uint64 {
	shift := 0
	for i, letter := range "KMG" {
		if strings.HasSuffix(strings.ToUpper(text), string(letter)) {
			text, shift = text[:len(text)-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 1 << 30
	}
	return n << shift
}

func (p *plinkRun) configSession(c *config.Client) error {
	env, err := puttyMap(p.text("Environment"))
	if err != nil {
		return fmt.Errorf("session's Environment: %w", err)
	}
	for _, pair := range env {
		c.SetEnv = append(c.SetEnv, pair[0]+"="+pair[1])
	}
	c.RequestTTY = config.TTYForce
	// A command on the command line asks for no terminal, one in a session
	// leaves it at that.
	if p.line.pty == "T" || p.line.pty == "" && (len(p.line.words) > 0 || p.line.subsystem || p.on("NoPTY", false)) {
		c.RequestTTY = config.TTYNo
	}
	switch {
	case p.line.subsystem:
		c.SessionType = "subsystem"
	case p.on("SshNoShell", false):
		c.SessionType = "none"
	}
	c.IdentityAgent = "none"
	if p.on("TryAgent", true) {
		c.IdentityAgent = p.agent()
	}
	c.ForwardAgent, c.ForwardAgentSocket = p.on("AgentFwd", false), p.agent()
	c.ForwardX11, c.ForwardX11Trusted = p.on("X11Forward", false), true
	return nil
}

// puttyMap reads NAME=VALUE pairs with commas between them, in which a backslash
// takes the meaning from the next character.
func puttyMap(text string) ([][2]string, error) {
	var pairs [][2]string
	var pair [2]string
	at, some := 0, false
	for i := 0; i < len(text); i++ {
		some = true
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			pair[at] += text[i : i+1]
		case c == '=' && at == 0:
			at = 1
		case c == ',':
			pairs = append(pairs, pair)
			pair, at, some = [2]string{}, 0, false
		default:
			pair[at] += text[i : i+1]
		}
		if len(pairs) > putty.MaxSettings {
			return nil, fmt.Errorf("it has more than %d pairs", putty.MaxSettings)
		}
	}
	if some {
		pairs = append(pairs, pair)
	}
	return pairs, nil
}
