package sshd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/login"
	"github.com/nacre-ssh/nacre/server"
	"github.com/nacre-ssh/nacre/term"
)

// daemon is a running sshd: the monitor of DESIGN's process model where it is
// root, and everything in one process for one user where it isn't.
type daemon struct {
	env   *door.Env
	line  *sshdLine
	log   *slog.Logger
	level *atomic.Int64

	db          login.Database
	self        *login.User       // whose sessions run here; nil where they run in workers
	super       *login.Supervisor // nil where they run here
	runner      login.Runner
	ring        hostKeyRing
	tidier      tidier
	revocations door.RevokedKeys
	over        chan struct{} // a connection of a worker has ended
	trial       *trial        // --try; else nil

	generation uint32
	cfg        *config.Server
	server     *server.Server
	listeners  map[string]net.Listener // by network and address
	serving    sync.WaitGroup
}

// newDaemon makes the server that the command line and the configuration ask
// for; t is nil but for --try.
func newDaemon(e *door.Env, l *sshdLine, cfg *config.Server, keys []key.Signer, t *trial) (*daemon, error) {
	sink, err := openLog(e, l, cfg)
	if err != nil {
		return nil, err
	}
	d := &daemon{env: e, line: l, trial: t, listeners: map[string]net.Listener{}, over: make(chan struct{}, 1)}
	d.log, d.level = newSSHDLog(sink, cfg.LogLevel)
	switch {
	case t != nil:
		d.self = t.user
	case os.Geteuid() == 0:
		d.supervise()
	default:
		if d.self, err = d.db.Current(); err != nil {
			return nil, err
		}
	}
	logNotes(d.log, cfg)
	c, err := d.serverConfig(cfg, keys)
	if err != nil {
		return nil, err
	}
	d.cfg = cfg
	d.server, err = server.New(c)
	return d, err
}

// supervise makes the daemon a monitor of workers.
func (d *daemon) supervise() {
	if err := login.PrepareMonitor(); err != nil {
		d.log.Debug(err.Error())
	}
	d.super = &login.Supervisor{
		Args: func(c login.Context) []string { return []string{"nacre", sessionDoor, c.User.Name} },
		Sign: d.ring.sign, Ended: d.ended, Log: d.log,
	}
}

func (d *daemon) ended(uint64, any) {
	select {
	case d.over <- struct{}{}:
	default:
	}
}

// serverConfig makes the server room's configuration of sshd's.
func (d *daemon) serverConfig(cfg *config.Server, keys []key.Signer) (server.Config, error) {
	startups, err := login.NewStartups(login.StartupLimits{
		MaxStartups: login.MaxStartups{Begin: cfg.MaxStartups.Start, Rate: cfg.MaxStartups.Rate, Full: cfg.MaxStartups.Full},
	})
	if err != nil {
		return server.Config{}, err
	}
	d.generation++
	d.ring.add(d.generation, keys)
	session := newSessionConfig(cfg, d.generation, keys)
	c := session.serverConfig()
	c.HostKeys, c.Gate, c.Logger = keys, startups, d.log
	c.ParseUserKey = cert.ParsePublic
	c.UserKeyAlgorithms, c.RequiredRSASize = cfg.PubkeyAcceptedAlgorithms, cfg.RequiredRSASize
	c.PermitEmptyPasswords, c.MaxAuthTries = cfg.PermitEmptyPasswords, cfg.MaxAuthTries
	if c.LoginGraceTime = cfg.LoginGraceTime; c.LoginGraceTime == 0 {
		c.LoginGraceTime = -1
	}
	c.Banner = bannerOf(cfg.Banner)
	common := session
	if d.super != nil {
		common = nil
	}
	c.PolicyFor = func(p server.Peer) auth.Policy {
		d.tidier.note()
		return &accounts{cfg: cfg, db: &d.db, self: d.self, trial: d.trial, peer: p, revocations: &d.revocations, common: common}
	}
	if d.super != nil {
		c.HandOver = d.handOver(session, d.ring.names(d.generation))
	} else {
		c.Handler = &Processes{User: d.self, Runner: &d.runner, accept: cfg.AcceptEnv, motd: cfg.PrintMotd}
	}
	return c, nil
}

// handOver gives connections to the workers of their users.
func (d *daemon) handOver(session *sessionConfig, signatures []string) func(context.Context, *server.Handover) error {
	common := session.encode()
	return func(ctx context.Context, h *server.Handover) error {
		a, ok := h.Login.Account.(*account)
		if !ok || a.user == nil {
			return errors.New("there is no user for it")
		}
		socket, ok := h.Conn.(syscall.Conn)
		if !ok {
			return fmt.Errorf("a %T can't be handed over", h.Conn)
		}
		encoded := common
		if own := a.session(session); own != session {
			encoded = own.encode()
		}
		_, err := d.super.Hand(ctx, login.Context{User: a.user}, login.Handover{
			Socket: socket, State: h.State, Policy: encodePolicy(encoded, h.Login), Algorithms: signatures,
		})
		return err
	}
}

// maxBanner caps the banner's file, in bytes.
const maxBanner = 64 << 10

// bannerOf reads the banner at each login, as sshd does.
func bannerOf(path string) func(string) string {
	if path == "" {
		return nil
	}
	return func(string) string {
		text, err := door.ReadCapped(path)
		if err != nil {
			return ""
		}
		return string(text[:min(len(text), maxBanner)])
	}
}

// run serves until a signal ends it.
func (d *daemon) run(ctx context.Context, child *door.Detached) int {
	signals := make(chan os.Signal, 4)
	// For good: a second Ctrl-C must not end the tidying up after the first.
	signal.Notify(signals, endSignals()...)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !d.listen(ctx, d.cfg) {
		d.log.Error("Cannot bind any address.")
		return sshdFatal
	}
	if d.line.debug == 0 {
		d.writePidFile()
		defer d.removePidFile()
	}
	if child != nil {
		child.Ready(nil, d.line.stderr)
	}
	if d.trial != nil {
		d.trial.announce()
	}
	if d.line.debug > 0 {
		d.serving.Go(func() { d.one(ctx); cancel() })
	}
	for {
		select {
		case s := <-signals:
			if isHangup(s) && d.trial == nil {
				d.reload(ctx)
				continue
			}
			n, _ := s.(syscall.Signal)
			d.log.Info(fmt.Sprintf("Received signal %d; terminating.", int(n)))
			cancel()
			d.stop()
			if s != syscall.SIGTERM {
				return sshdFatal
			}
			return sshdOK
		case <-ctx.Done():
			d.stop()
			return sshdOK
		}
	}
}

// stop closes the listeners, ends what this process itself serves, and lets the
// workers keep their connections.
func (d *daemon) stop() {
	for _, l := range d.listeners {
		l.Close()
	}
	if d.super != nil {
		d.super.Close()
	}
	d.serving.Wait()
}

// reload reads the configuration again. What can't be used changes nothing.
func (d *daemon) reload(ctx context.Context) {
	d.log.Info("Received SIGHUP; restarting.")
	cfg, err := d.line.load()
	if err != nil {
		d.log.Error("the configuration stays as it was: " + err.Error())
		return
	}
	keys, err := loadHostKeys(cfg, func(text string) { d.log.Error(text) })
	if err != nil {
		d.log.Error("the configuration stays as it was: " + err.Error())
		return
	}
	c, err := d.serverConfig(cfg, keys)
	if err == nil {
		err = d.server.Reconfigure(c)
	}
	if err != nil {
		d.log.Error("the configuration stays as it was: " + err.Error())
		return
	}
	d.level.Store(int64(slogLevel(cfg.LogLevel)))
	d.cfg = cfg
	if !d.listen(ctx, cfg) {
		d.log.Error("Cannot bind any address.")
	}
}

// listen opens the listeners that are missing and closes those that are not
// wanted any more. It reports whether there is one.
func (d *daemon) listen(ctx context.Context, cfg *config.Server) bool {
	wanted := map[string]bool{}
	for _, at := range addressesOf(cfg) {
		name := at.network + " " + at.address
		wanted[name] = true
		if d.listeners[name] != nil {
			continue
		}
		l, err := d.bind(ctx, cfg, at)
		if err != nil {
			d.log.Error(bindTrouble(at.address, err))
			continue
		}
		d.listeners[name] = l
		d.log.Info("Server listening on " + spoken(l.Addr()) + ".")
		if d.line.debug == 0 {
			d.serving.Go(func() { d.server.Serve(ctx, l) })
		}
	}
	for name, l := range d.listeners {
		if !wanted[name] {
			l.Close()
			delete(d.listeners, name)
		}
	}
	return len(d.listeners) > 0
}

func (d *daemon) bind(ctx context.Context, cfg *config.Server, at at) (net.Listener, error) {
	if d.trial != nil {
		return d.trial.listener, nil
	}
	var lc net.ListenConfig
	if !cfg.TCPKeepAlive {
		lc.KeepAlive = -1
	}
	return lc.Listen(ctx, at.network, at.address)
}

// at is one address to listen on.
type at struct{ network, address string }

// addressesOf has IPv4 and IPv6 apart, as sshd does.
func addressesOf(cfg *config.Server) (list []at) {
	network, addresses := cfg.Addresses()
	for _, a := range addresses {
		if network == "tcp" && strings.HasPrefix(a, ":") {
			list = append(list, at{"tcp4", "0.0.0.0" + a}, at{"tcp6", "[::]" + a})
			continue
		}
		list = append(list, at{network, a})
	}
	return list
}

func spoken(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return a.String()
	}
	return fmt.Sprintf("%s port %d", tcp.IP, tcp.Port)
}

func bindTrouble(address string, err error) string {
	host, port, _ := net.SplitHostPort(address)
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	return fmt.Sprintf("Bind to port %s on %s failed: %v.", port, host, err)
}

// one serves one connection (-d) to its end, in the worker too.
func (d *daemon) one(ctx context.Context) {
	conns := make(chan net.Conn)
	for _, l := range d.listeners {
		go func() {
			if nc, err := l.Accept(); err == nil {
				select {
				case conns <- nc:
				case <-ctx.Done():
					nc.Close()
				}
			}
		}()
	}
	select {
	case nc := <-conns:
		for _, l := range d.listeners {
			l.Close()
		}
		d.server.ServeConn(ctx, nc)
	case <-ctx.Done():
		return
	}
	if d.super == nil {
		return
	}
	if live, _ := d.super.Live(); live == 0 {
		return
	}
	select {
	case <-d.over:
	case <-ctx.Done():
	}
}

func (d *daemon) writePidFile() {
	if d.cfg.PidFile == "" {
		return
	}
	err := os.WriteFile(d.cfg.PidFile, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644)
	if err != nil {
		d.log.Error(fmt.Sprintf("Couldn't create pid file \"%s\": %v", term.Printable(d.cfg.PidFile), errors.Unwrap(err)))
	}
}

// removePidFile removes the file if it is still ours.
func (d *daemon) removePidFile() {
	if d.cfg.PidFile == "" {
		return
	}
	text, err := os.ReadFile(filepath.Clean(d.cfg.PidFile))
	if err == nil && strings.TrimSpace(string(text)) == strconv.Itoa(os.Getpid()) {
		os.Remove(d.cfg.PidFile)
	}
}
