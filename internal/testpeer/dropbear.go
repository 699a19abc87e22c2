package testpeer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// Dropbear is the installed dropbear and dbclient. Safe for concurrent use.
type Dropbear struct {
	client, server string
	dir            func() string
}

// NewDropbear finds the programs.
func NewDropbear(t TB) *Dropbear {
	t.Helper()
	return &Dropbear{client: mustProgram(t, "dbclient"), server: mustProgram(t, "dropbear"), dir: t.TempDir}
}

// Name is "dropbear".
func (*Dropbear) Name() string { return "dropbear" }

// Run implements [Client]. Key exchange, host key and rekeying are as compiled
// in.
func (d *Dropbear) Run(ctx context.Context, at Target, s Session) (Result, error) {
	dir := d.dir()
	// Its known_hosts names hosts without their port.
	var known []string
	for _, k := range at.HostKeys {
		known = append(known, at.Host+" "+k.line())
	}
	if _, err := saveFile(dir, ".ssh/known_hosts", known...); err != nil {
		return Result{}, err
	}
	key, err := at.Identity.Dropbear()
	if err != nil {
		return Result{}, err
	}
	argv := []string{d.client, "-T", "-i", key, "-p", strconv.Itoa(at.Port)}
	if s.Algorithms.Cipher != "" {
		argv = append(argv, "-c", s.Algorithms.Cipher)
	}
	if s.Algorithms.MAC != "" {
		argv = append(argv, "-m", s.Algorithms.MAC)
	}
	argv = append(argv, at.User+"@"+at.Host, s.Command)
	return runClient(ctx, s, "", environment(dir), argv...)
}

// dropbearHostKeys is how many host keys a Dropbear takes.
const dropbearHostKeys = 4

// Start implements [Server]. It offers what is compiled in; restrict the client.
// Of the host keys it takes the first four.
//
// This Dropbear reads authorized_keys from the home directory that the system's
// user database names, and from nowhere else. So that the real one stays out of
// it, the server runs under nss_wrapper with a user database of its own.
func (d *Dropbear) Start(t TB, opt ServerOptions) *Running {
	t.Helper()
	dir, port := t.TempDir(), FreePort(t)
	writeFile(t, dir, ".ssh/authorized_keys", opt.Authorized.line())
	users := []string{"LD_PRELOAD=libnss_wrapper.so"}
	if opt.Password != "" {
		users = passwordDatabase(t, dir, opt.Password)
	} else {
		users = append(users, "NSS_WRAPPER_PASSWD="+writeFile(t, dir, "passwd", fmt.Sprintf("%s:x:%d:%d::%s:/bin/sh", Me(t), os.Getuid(), os.Getgid(), dir)),
			"NSS_WRAPPER_GROUP="+writeFile(t, dir, "group", fmt.Sprintf("%s:x:%d:", Me(t), os.Getgid())))
	}
	opt.HostKeys = opt.HostKeys[:min(len(opt.HostKeys), dropbearHostKeys)]
	argv := []string{"-F", "-E", "-P", dir + "/pid", "-p", "127.0.0.1:" + strconv.Itoa(port)}
	for _, k := range opt.HostKeys {
		path, err := k.Dropbear()
		if err != nil {
			t.Fatalf("%v", err)
		}
		argv = append(argv, "-r", path)
	}
	cmd := exec.Command(d.server, argv...)
	cmd.Env = environment(dir, users...)
	p := startDaemon(t, "dropbear", cmd)
	p.listening(t, port)
	return p.running(target(t, port, opt), "")
}
