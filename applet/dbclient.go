package applet

import (
	"context"
	"errors"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/term"
)

// dbFailed is dbclient's exit code for a failure of its own.
const dbFailed = 1

func dropbearClientDoors() []door.Door {
	return []door.Door{{
		Name: "dbclient", Group: "connect", Help: "ssh with Dropbear's options: hosts in a row (a,b,c), -y, -B", Link: true, Run: runDbclient,
	}}
}

// A dbRun is one run of dbclient, to one host, and the manner in which it is ssh:
// the work is sshRun's.
type dbRun struct {
	*door.Env
	line  *dbLine
	at    dbHost
	prior []dbHost // the hosts to go through, the first one first
	ssh   *sshRun
	keys  *dbTrust

	proven bool // the login took a signature, a password or an answer
	spent  bool // DROPBEAR_PASSWORD was used
	asked  bool // the person was told what the server's questions are for
	exit   *int // how the remote program ended; nil for a failure of ours
}

// runDbclient is Dropbear's client.
func runDbclient(ctx context.Context, e *door.Env) int {
	line, err := parseDbclient(e)
	if err != nil {
		return dbExit(e, err)
	}
	if line.show != nil {
		return line.show(e)
	}
	hosts, err := line.hosts()
	if err != nil {
		return dbExit(e, err)
	}
	debug.SetGCPercent(400) // as ssh
	oneProcessor(e)
	signal.Ignore(syscall.SIGPIPE)
	d, err := newDbRun(e, line, hosts)
	if err != nil {
		return dbExit(e, err)
	}
	return d.run(ctx)
}

// newDbRun makes the run for the last of some hosts.
func newDbRun(e *door.Env, line *dbLine, hosts []dbHost) (*dbRun, error) {
	last := len(hosts) - 1
	d := &dbRun{Env: dbEnvironment(e), line: line, at: hosts[last], prior: hosts[:last]}
	conf, err := d.config()
	if err != nil {
		return nil, err
	}
	d.ssh = &sshRun{Env: d.Env, line: &sshLine{command: line.command}, conf: conf, manner: d}
	d.ssh.peer = d.at.host
	d.ssh.speaker.level, d.ssh.speaker.out, d.ssh.speaker.dress = conf.LogLevel, e.Stderr, d.dress
	if line.syslog {
		if w := openMessageLog("USER"); w != nil {
			d.ssh.speaker.out = w
		}
	}
	d.keys = newDbTrust(d)
	return d, nil
}

func (d *dbRun) run(ctx context.Context) int {
	if code, done := d.ssh.fork(); done {
		return d.code(code)
	}
	c, err := d.connect(ctx)
	if err != nil {
		return d.fail(err)
	}
	quiet := d.watch(c)
	code := d.code(d.ssh.session(ctx, c))
	if why := quiet(); why != "" {
		d.ssh.say(config.LogInfo, "%s", d.exited(why))
		return 0
	}
	return code
}

// watch ends the connection when it has lived or been idle for too long. It
// returns what ends that and says why it has ended the connection, if so.
func (d *dbRun) watch(c *client.Client) (quiet func() string) {
	why := make(chan string, 2)
	end := func(text string) { why <- text; c.Close() }
	var timers []*time.Timer
	if d.line.longest > 0 {
		timers = append(timers, time.AfterFunc(d.line.longest, func() { end("Max duration reached") }))
	}
	if after := d.line.idle; after > 0 {
		var timer *time.Timer
		armed := make(chan struct{})
		timer = time.AfterFunc(after, func() {
			<-armed
			if left := after - c.Mux.Idle(); left > 0 {
				timer.Reset(left)
				return
			}
			end("Idle timeout")
		})
		close(armed)
		timers = append(timers, timer)
	}
	return func() string {
		for _, timer := range timers {
			timer.Stop()
		}
		select {
		case text := <-why:
			return text
		default:
			return ""
		}
	}
}

// connect logs in.
func (d *dbRun) connect(ctx context.Context) (*client.Client, error) {
	c, err := d.ssh.connect(ctx)
	if err != nil {
		return nil, err
	}
	if d.line.noTrivial && !d.proven {
		c.Close()
		return nil, dbSays("trivial authentication not allowed")
	}
	return c, nil
}

// code is dbclient's exit code for ssh's: the remote program's own 255 stays.
func (d *dbRun) code(code int) int {
	if d.exit == nil && code == sshFailed {
		return dbFailed
	}
	return code
}

// fail says why dbclient ends. A host in between has said it itself.
func (d *dbRun) fail(err error) int {
	if !errors.Is(err, errDbHop) && !errors.Is(err, term.ErrInterrupted) {
		d.ssh.say(config.LogError, "%s", d.explain(err))
	}
	return dbFailed
}

// A dbSays is a sentence that dbclient ends with.
type dbSays string

func (s dbSays) Error() string { return string(s) }

// errDbHop says that a host in between was not reached, and that this was said.
var errDbHop = errors.New("a host in between was not reached")

// dbExit is the end before there is a connection.
func dbExit(e *door.Env, err error) int {
	e.Errorf("\n%s: Exited: %v", e.Name, err)
	return dbFailed
}

// dbEnvironment has ssh ask for passwords where dbclient does: by SSH_ASKPASS
// where there is no terminal and a display, or where SSH_ASKPASS_ALWAYS says so.
func dbEnvironment(e *door.Env) *door.Env {
	own := *e
	own.Getenv = func(name string) string {
		if name != "SSH_ASKPASS_REQUIRE" {
			return e.Getenv(name)
		}
		if e.Getenv("SSH_ASKPASS_ALWAYS") != "" || e.Getenv("DISPLAY") != "" && !term.IsTerminal(e.Stdin) {
			return "force"
		}
		return "never"
	}
	return &own
}
