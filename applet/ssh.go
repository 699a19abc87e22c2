package applet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/transport"
)

// sshFailed is ssh's exit code for a failure of its own.
const sshFailed = 255

// sshRun is one run of ssh.
type sshRun struct {
	*door.Env
	speaker
	line   *sshLine
	conf   *config.Client
	manner manner // nil for ssh's own
	policy *hostPolicy
	update *hostKeyUpdate
	peer   string         // "address port n", for messages
	began  time.Time      // when the session began
	via    []string       // the hosts that wait behind this one, as a chain of jumps
	forked *door.Detached // this process was started to go to the background once it is logged in; else nil
	shares []*sshMaster   // of its hops' connections, for others to use meanwhile
	killed atomic.Int32   // the signal that has ended the connection; 0 for none
	heeds  atomic.Bool    // signals end the connection and not the process at once
	master *door.Detached // this process was started to be a master in the background; else nil
}

// runSSH is the ssh program.
func runSSH(ctx context.Context, e *door.Env) int {
	line, err := parseSSH(e.Args)
	if err != nil {
		return sshUsage(e, line, err)
	}
	switch {
	case line.version:
		fmt.Fprintln(e.Stderr, door.VersionLine())
		return 0
	case line.query != "":
		return listSupported(e, line.query)
	}
	// Bulk data makes little garbage, and a connection's life is short.
	debug.SetGCPercent(400)
	oneProcessor(e)
	signal.Ignore(syscall.SIGPIPE) // a closed pipe is an error of the write to it
	r := &sshRun{Env: e, line: line}
	r.speaker.level, r.speaker.out = config.LogInfo, e.Stderr
	if line.logFile != "" {
		f, err := os.OpenFile(line.logFile, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			e.Errorf("Couldn't open logfile %s: %s", line.logFile, door.Sentence(err))
			return sshFailed
		}
		defer f.Close()
		r.speaker.out = f
	}
	return r.run(ctx)
}

// oneProcessor has goroutines run one at a time, unless the user has said
// otherwise: one connection is one chain of work, and handing its links from
// core to core costs a fifth of the processor time of bulk data.
func oneProcessor(e *door.Env) {
	if e.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}

// sshUsage is the end of a command line that makes no sense.
func sshUsage(e *door.Env, line *sshLine, err error) int {
	var bad *getopt.Error
	switch {
	case errors.As(err, &bad):
		e.Errorf("%v", err)
	case !errors.Is(err, door.ErrUsage):
		e.Errorf("%v", err)
		return sshFailed
	}
	fmt.Fprint(e.Stderr, sshUsageText())
	return sshFailed
}

func (r *sshRun) run(ctx context.Context) int {
	for _, text := range r.line.warnings {
		r.say(config.LogInfo, "%s", text)
	}
	conf, err := r.line.load()
	if err != nil {
		r.say(config.LogFatal, "%v", err)
		return sshFailed
	}
	r.conf, r.speaker.level = conf, conf.LogLevel
	if r.line.dump {
		for _, line := range conf.Dump() {
			fmt.Fprintln(r.Stdout, line)
		}
		return 0
	}
	r.notes()
	r.peer = fmt.Sprintf("%s port %d", conf.HostName, conf.Port)
	if code, done := r.fork(); done {
		return code
	}
	if code, done := r.shared(ctx); done {
		return code
	}
	defer r.endShares()
	c, err := r.connect(ctx)
	if err != nil {
		if !errors.Is(err, term.ErrInterrupted) {
			r.say(config.LogError, "%s", r.explain(err))
			r.suggestDoctor(err)
		}
		return sshFailed
	}
	return r.session(ctx, c)
}

// notes tells which lines of the configuration have no effect.
func (r *sshRun) notes() {
	r.explainConfig()
	for _, n := range r.conf.Notes() {
		switch {
		case n.Warn:
			r.say(config.LogInfo, "Warning: %s", n)
		default:
			r.say(config.LogDebug2, "debug2: %s", n)
		}
	}
}

func (r *sshRun) connect(ctx context.Context) (*client.Client, error) {
	r.policy, r.update = newHostPolicy(r), newHostKeyUpdate()
	methods, err := r.methods()
	if err != nil {
		return nil, err
	}
	cfg := r.clientConfig(methods)
	if r.manner != nil {
		r.manner.tune(cfg)
	}
	return r.reach(ctx, cfg)
}

// plainDialer is what concerns TCP, with which its DialContext connects: it holds
// for the connection to a proxy, too.
func (r *sshRun) plainDialer() *client.Config {
	c := r.conf
	networks := map[string]string{"inet": "tcp4", "inet6": "tcp6"}
	return &client.Config{
		Network: networks[c.AddressFamily], LocalAddr: c.BindAddress, Interface: c.BindInterface,
		KeepAliveTCP: c.TCPKeepAlive,
		Mux:          mux.Config{QoS: &mux.QoS{Interactive: int(c.IPQoS.Interactive), Bulk: int(c.IPQoS.Bulk)}},
		Logger:       slog.New(&r.speaker),
	}
}

// clientConfig says in client's words what the configuration says.
func (r *sshRun) clientConfig(methods []auth.ClientMethod) *client.Config {
	c, cfg := r.conf, r.plainDialer()
	cfg.Attempts, cfg.ConnectTimeout = c.ConnectionAttempts, c.ConnectTimeout
	cfg.Transport = transport.Config{
		Algorithms: transport.Algorithms{
			Kex: c.KexAlgorithms, HostKeys: r.trust().algorithms(), Ciphers: c.Ciphers, MACs: c.MACs,
			Compression: compressions(c.Compression),
		},
		RekeyBytes: c.RekeyLimit.Bytes, RekeyInterval: c.RekeyLimit.Interval,
		RequireStrictKex: c.RequireStrictKex, Version: versionFor(c.VersionAddendum),
	}
	cfg.Exchanged = r.exchanged
	cfg.HostKey, cfg.Remember = r.trust().check, memoryDir()
	cfg.Auth = auth.ClientConfig{
		User: c.User, Host: c.HostName, Methods: methods,
		PubkeyAcceptedAlgorithms: c.PubkeyAcceptedAlgorithms, RequiredRSASize: c.RequiredRSASize,
		Banner:         func(text string) { r.say(config.LogInfo, "%s", term.Printable(text)) },
		ChangePassword: r.changePassword, InteractiveDevices: c.KbdInteractiveDevices,
	}
	cfg.Mux.KeepAlive, cfg.Mux.KeepAliveMax, cfg.Mux.Global = c.ServerAliveInterval, c.ServerAliveCountMax, r.update.global
	cfg.HideKeystrokes = c.ObscureKeystrokeTiming
	for _, t := range c.ChannelTimeout {
		cfg.Mux.Timeouts = append(cfg.Mux.Timeouts, mux.Timeout{Type: t.Type, After: t.Interval})
	}
	return cfg
}

func compressions(on bool) []string {
	if on {
		return []string{packet.CompressDelayed, packet.CompressZlib, packet.CompressNone}
	}
	return nil
}

// memoryDir is where client remembers the lists of hosts; "" where the system
// has no place for such files.
func memoryDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "nacre", "peers")
}

// peerName is how ssh names an address.
func peerName(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return fmt.Sprintf("%s port %d", &net.IPAddr{IP: tcp.IP, Zone: tcp.Zone}, tcp.Port)
	}
	return addr.String()
}
