package applet

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/putty"
	"github.com/nacre-ssh/nacre/transport"
)

// plinkFailed is plink's exit code for a failure of its own.
const plinkFailed = 1

func plinkDoors() []door.Door {
	return []door.Door{{
		Name: "plink", Group: "connect", Help: "ssh with PuTTY's options, sessions and host keys", Link: true, Run: runPlink,
	}}
}

// A plinkRun is one run of plink, and the manner in which it is ssh: the work is
// sshRun's.
type plinkRun struct {
	*door.Env
	line  *plinkLine
	store putty.Store
	set   putty.Record // the session's settings, with the options put over them
	host  string       // who to connect to, as typed
	ssh   *sshRun
	log   *plinkLog
	keys  *plinkTrust
	ids   *plinkIdentities
	hops  int // how many hosts this one leads to

	weakKex, weakCiphers []string // what a session warns of
	negotiated           atomic.Pointer[transport.Negotiated]

	exit     *int  // how the remote program ended; nil for a failure of ours
	proven   bool  // the login took a signature, a password or an answer
	spent    bool  // -pw was used
	answered bool  // the server has an answer to judge
	stop     error // why no further way to log in is tried
	hasUser  bool  // the person was told who logs in
}

// runPlink is the plink program.
func runPlink(ctx context.Context, e *door.Env) int {
	store := plinkStore(e)
	line, complaints := parsePlink(e.Args, func(session string) bool { return launchable(store, session) })
	for _, text := range complaints {
		e.Errorf("plink: %s", text)
	}
	switch {
	case line.failed:
		return plinkFailed
	case line.show != nil:
		return line.show(e)
	}
	debug.SetGCPercent(400) // as ssh
	oneProcessor(e)
	signal.Ignore(syscall.SIGPIPE)
	p := &plinkRun{Env: e, line: line, store: store}
	return p.run(ctx)
}

func (p *plinkRun) run(ctx context.Context) int {
	if err := p.load(); err != nil {
		return p.fail(err)
	}
	if p.host == "" {
		return plinkUsage(p.Env)
	}
	if p.line.shareExists {
		return plinkFailed // connections are not shared, so there is none
	}
	if code, done := p.otherProtocol(ctx); done {
		return code
	}
	if err := p.prepareRun(); err != nil {
		return p.fail(err)
	}
	defer p.log.close()
	if err := p.preConnect(); err != nil {
		return p.fail(err)
	}
	c, err := p.connect(ctx)
	if err != nil {
		return p.fail(err)
	}
	return p.code(p.ssh.session(ctx, c))
}

// code is plink's exit code for ssh's: the remote program's own 255 stays, and a
// signal is told as the shell tells it.
func (p *plinkRun) code(code int) int {
	switch number := p.ssh.killed.Load(); {
	case number != 0:
		return 128 + int(number)
	case p.exit == nil && code == sshFailed:
		return plinkFailed
	}
	return code
}

// connect logs in, and lets nothing of the server pass for a prompt of plink's
// afterwards.
func (p *plinkRun) connect(ctx context.Context) (*client.Client, error) {
	c, err := p.ssh.connect(ctx)
	if p.stop != nil {
		err = p.stop
	}
	if err != nil {
		return nil, err
	}
	if !p.proven && p.on("SshNoTrivialAuth", false) {
		c.Close()
		return nil, plinkFatal("Authentication was trivial! Abandoning session as specified in configuration.")
	}
	if err := p.antispoof(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// fail says why plink ends.
func (p *plinkRun) fail(err error) int {
	if text := p.explain(err); text != "" {
		p.Errorf("%s", text)
	}
	return plinkFailed
}

// prepareRun makes the run of ssh that does the work.
func (p *plinkRun) prepareRun() error {
	conf, err := p.config()
	if err != nil {
		return err
	}
	p.ssh = &sshRun{Env: p.environment(), line: &sshLine{command: p.command()}, conf: conf, manner: p}
	p.ssh.peer = fmt.Sprintf("%s port %d", conf.HostName, conf.Port)
	p.ssh.speaker.level, p.ssh.speaker.out, p.ssh.speaker.dress = conf.LogLevel, p.Stderr, withoutMark
	p.log, err = p.openLog()
	return err
}

// environment has the settings stand for the variables that ssh would read.
func (p *plinkRun) environment() *door.Env {
	e := *p.Env
	e.Getenv = func(name string) string {
		for _, row := range [...]struct{ variable, setting string }{
			{"DISPLAY", "X11Display"}, {"XAUTHORITY", "X11AuthFile"}, {"TERM", "TerminalType"},
		} {
			if text, ok := p.set.Get(row.setting); row.variable == name && ok && text != "" {
				return text
			}
		}
		if name == "TERM" {
			return "xterm" // PuTTY's TerminalType; the terminal's own name doesn't count
		}
		return p.Getenv(name)
	}
	return &e
}

// tune implements [manner].
func (p *plinkRun) tune(c *client.Config) {
	c.Logger = p.logger()
	c.Auth.Banner = p.banner
	c.Auth.Trace = p.trace
	c.Auth.User = p.ssh.conf.User
}

// trust implements [manner].
func (p *plinkRun) trust() hostTrust {
	if p.keys == nil {
		p.keys = newPlinkTrust(p)
	}
	return p.keys
}

// trace hears of each step of the login.
func (p *plinkRun) trace(e auth.Event) {
	switch e.Kind {
	case auth.EventOffer:
		p.ssh.say(config.LogDebug1, "Offered public key")
	case auth.EventAccept:
		p.ssh.say(config.LogDebug1, "Offer of public key accepted")
	case auth.EventRefuse:
		if e.Method == "publickey" {
			p.ssh.say(config.LogDebug1, "Server refused our key")
		}
		if p.answered && e.Method != "publickey" {
			p.note("Access denied")
		}
		p.answered = false
	case auth.EventSuccess:
		p.ssh.say(config.LogDebug1, "Access granted")
	}
}

// on is a setting that is yes or no.
func (p *plinkRun) on(name string, missing bool) bool {
	n := 0
	if missing {
		n = 1
	}
	return p.set.Int(name, n) != 0
}

// text is a setting's text, "" where there is none.
func (p *plinkRun) text(name string) string {
	text, _ := p.set.Get(name)
	return text
}

// note prints a line of the login, whose end is a terminal's.
func (p *plinkRun) note(format string, args ...any) {
	fmt.Fprintf(p.Stderr, format+"\r\n", args...)
}

// chatty says whether a person is there who wants to hear what is usual: one who
// gets a shell, or said -v.
func (p *plinkRun) chatty() bool {
	return p.line.verbose || p.command() == "" && p.ssh.conf.SessionType == "default" && p.ssh.conf.StdioForward == nil
}

// A plinkFatal is a sentence that plink ends with.
type plinkFatal string

func (e plinkFatal) Error() string { return string(e) }

// errAbandoned says that the person, or the lack of one, ended it, and that this
// was said.
var errAbandoned = errors.New("connection abandoned")
