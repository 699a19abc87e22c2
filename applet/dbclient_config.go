package applet

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/term"
)

// dbKeepAlives is how many keepalives may go unanswered.
const dbKeepAlives = 3

// config is the command line as ssh's configuration. Files of ssh's don't count.
func (d *dbRun) config() (*config.Client, error) {
	l := d.line
	q := config.ClientQuery{Host: d.at.host, User: d.at.user, File: "none", Known: door.KnownAlgorithms(), Options: []string{
		config.Option("Port", strconv.Itoa(d.at.port)), "UpdateHostKeys no", "CheckHostIP no",
	}}
	if l.noQoS {
		q.Options = append(q.Options, "IPQoS none")
	}
	c, err := config.LoadClient(q)
	if err != nil {
		return nil, err
	}
	c.LogLevel = config.LogInfo
	if l.verbose {
		c.LogLevel = config.LogDebug1
	}
	c.BatchMode = l.batch
	c.Compression = l.compress && len(d.prior) == 0 // what a hop carries is encrypted already
	c.ServerAliveInterval, c.ServerAliveCountMax = l.keepAlive, dbKeepAlives
	c.BindAddress, _ = l.bindTo()
	if l.ciphers != "" {
		c.Ciphers = strings.Split(l.ciphers, ",")
	}
	if l.macs != "" {
		c.MACs = strings.Split(l.macs, ",")
	}
	c.IdentityFile = d.identities()
	c.ForwardAgent, c.GatewayPorts, c.ExitOnForwardFailure = l.agent, l.gateway, l.exitOnForward
	c.LocalForward, c.RemoteForward = l.local, l.remote
	d.configSession(c)
	return c, nil
}

func (d *dbRun) configSession(c *config.Client) {
	l := d.line
	c.ForkAfterAuthentication = l.background
	c.RequestTTY = config.TTYNo
	if l.netcat != nil {
		c.StdioForward, c.SessionType = l.netcat, "none"
		return
	}
	switch {
	case l.noCommand:
		c.SessionType = "none"
	case l.subsystem:
		c.SessionType = "subsystem"
	}
	if l.pty == 't' {
		c.RequestTTY = config.TTYForce
	} else if l.pty == 0 && l.command == "" && !l.noCommand && term.IsTerminal(d.Stdin) {
		c.RequestTTY = config.TTYYes
	}
}

// identities are the key files, as the configuration names them.
func (d *dbRun) identities() []string {
	list := append([]string(nil), d.line.identities...)
	if home, err := os.UserHomeDir(); err == nil {
		usual := filepath.Join(home, ".ssh", "id_dropbear")
		if _, err := os.Stat(usual); err == nil {
			list = append(list, usual)
		}
	}
	if len(list) == 0 {
		return []string{"none"}
	}
	for i := range list {
		list[i] = strings.NewReplacer("%", "%%", "${", "%%{").Replace(list[i])
	}
	return list
}

// tune implements [manner].
func (d *dbRun) tune(c *client.Config) {
	c.Auth.Banner = func(text string) {
		if !d.line.quiet {
			d.Errorf("%s", term.Printable(text))
		}
	}
	c.Auth.Trace = d.trace
	if d.line.idle > 0 {
		c.Mux.Timeouts = []mux.Timeout{{Type: "global"}} // so that Idle is known
	}
}

// prepare implements [manner].
func (d *dbRun) prepare(o *client.SessionOptions) {
	if o.PTY == nil {
		return
	}
	if o.PTY.Term == "" {
		o.PTY.Term = "vt100"
	}
	if o.PTY.Columns == 0 {
		o.PTY.Columns, o.PTY.Rows = 80, 25
	}
}
