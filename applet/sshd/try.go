package sshd

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/login"
)

// A trial is a server for one user with nothing set up: sshd --try. What it
// makes is in a directory of its own, which goes with it.
type trial struct {
	env      *door.Env
	user     *login.User
	dir      string
	hostKey  *key.Private
	keys     []key.Public // that are let in
	listener net.Listener
	identity string // the fresh key's file; "" when none was needed
}

// runTry serves the user who calls it until a signal comes.
func runTry(ctx context.Context, e *door.Env, l *sshdLine) int {
	t := &trial{env: e}
	defer t.remove()
	if err := t.prepare(ctx, l); err != nil {
		e.Errorf("sshd --try: %v", err)
		return sshdFatal
	}
	cfg, err := l.load()
	if err != nil {
		e.Errorf("%v", err)
		return sshdFatal
	}
	l.stderr = true
	d, err := newDaemon(e, l, cfg, []key.Signer{t.hostKey}, t)
	if err != nil {
		e.Errorf("sshd --try: %v", err)
		return sshdFatal
	}
	return d.run(ctx, nil)
}

// prepare makes what a server needs, and a configuration of it.
func (t *trial) prepare(ctx context.Context, l *sshdLine) (err error) {
	var db login.Database
	if t.user, err = db.Current(); err != nil {
		return err
	}
	if t.dir, err = os.MkdirTemp("", "nacre-try-"); err != nil {
		return err
	}
	if t.hostKey, err = key.Generate(rand.Reader, key.TypeEd25519, 0); err != nil {
		return err
	}
	t.findKeys(ctx)
	if len(t.keys) == 0 && !t.hasAuthorizedKeys() {
		if err := t.makeKey(); err != nil {
			return err
		}
	}
	port := 0
	if len(l.query.Ports) > 0 {
		port = l.query.Ports[0]
	}
	if t.listener, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err != nil {
		return err
	}
	l.query.Ports = []int{t.port()}
	if l.query.File == "" {
		l.query.File = "none"
	}
	// The user's own words come first, and the first word counts.
	for _, option := range [][2]string{
		{"ListenAddress", "127.0.0.1"}, {"PasswordAuthentication", "no"}, {"PermitRootLogin", "yes"}, {"PidFile", "none"},
	} {
		l.query.Options = append(l.query.Options, config.Option(option[0], option[1]))
	}
	if sftp := sftpServer(); sftp != "" {
		l.query.Options = append(l.query.Options, config.Option("Subsystem", "sftp", sftp))
	}
	return t.writeKnownHosts()
}

// sftpServer finds an installed SFTP server.
func sftpServer() string {
	for _, path := range []string{"/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server", "/usr/lib/ssh/sftp-server"} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

func (t *trial) port() int { return t.listener.Addr().(*net.TCPAddr).Port }

// findKeys takes the public keys of ~/.ssh and those of the agent.
func (t *trial) findKeys(ctx context.Context) {
	files, _ := filepath.Glob(filepath.Join(t.user.Home, ".ssh", "*.pub"))
	for _, name := range files {
		if text, err := door.ReadCapped(name); err == nil {
			if k, err := keyfile.ParseAuthorizedKey(door.FirstLine(text)); err == nil {
				t.keys = append(t.keys, k.Key)
			}
		}
	}
	socket := t.env.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, agentPatience)
	defer cancel()
	c, err := agent.Dial(ctx, socket)
	if err != nil {
		return
	}
	defer c.Close()
	identities, _ := c.List(ctx)
	for _, id := range identities {
		t.keys = append(t.keys, id.Key)
	}
}

// agentPatience is how long the agent may take.
const agentPatience = 2 * time.Second

func (t *trial) hasAuthorizedKeys() bool {
	info, err := os.Stat(filepath.Join(t.user.Home, ".ssh", "authorized_keys"))
	return err == nil && info.Size() > 0
}

func (t *trial) makeKey() error {
	k, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		return err
	}
	t.identity = filepath.Join(t.dir, "id_ed25519")
	t.keys = append(t.keys, k.Public())
	return keyfile.SavePrivate(t.identity, k, "nacre sshd --try", nil)
}

func (t *trial) knownHosts() string { return filepath.Join(t.dir, "known_hosts") }

func (t *trial) writeKnownHosts() error {
	line := keyfile.MarshalAuthorizedKey(keyfile.AuthorizedKey{Key: t.hostKey.Public()})
	text := fmt.Sprintf("[127.0.0.1]:%d %s\n", t.port(), strings.TrimSpace(string(line)))
	return os.WriteFile(t.knownHosts(), []byte(text), 0o600)
}

// accepts lets the user's own keys in.
func (t *trial) accepts(k key.Public) bool {
	return slices.ContainsFunc(t.keys, func(other key.Public) bool { return key.Equal(k, other) })
}

// announce prints the line to type.
func (t *trial) announce() {
	words := []string{"ssh", "-p", strconv.Itoa(t.port()), "-o", "UserKnownHostsFile=" + t.knownHosts()}
	if t.identity != "" {
		words = append(words, "-i", t.identity)
	}
	words = append(words, t.user.Name+"@127.0.0.1")
	keys := "your keys in ~/.ssh and in the agent"
	if t.identity != "" {
		keys = "a key made for this"
	}
	fmt.Fprintf(t.env.Stdout, "A server for %s alone, on this machine alone; it takes %s.\n", t.user.Name, keys)
	fmt.Fprintf(t.env.Stdout, "Its host key is %s, and the known_hosts file below has it.\n", keyfile.FingerprintSHA256(t.hostKey.Public()))
	fmt.Fprintf(t.env.Stdout, "\n    %s\n\nCtrl-C ends it and leaves nothing behind.\n", strings.Join(words, " "))
}

func (t *trial) remove() {
	if t.listener != nil {
		t.listener.Close()
	}
	if t.dir != "" {
		os.RemoveAll(t.dir)
	}
}
