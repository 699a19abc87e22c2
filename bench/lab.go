package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
)

const (
	loopback = "127.0.0.1"
	aesGCM   = "aes128-gcm@openssh.com"
	chacha   = "chacha20-poly1305@openssh.com"

	// patience is how long one run of a client may take.
	patience = 3 * time.Minute
)

// A side is one implementation: a client and a server.
type side struct {
	name           string
	client, server []string // the program and what comes before its options
	clientLines    []string // of ssh_config, beyond what both sides are told
	serverLines    []string // of sshd_config, likewise
}

// A lab is a temporary directory with keys, and the programs to use them. Its
// methods are for one goroutine.
type lab struct {
	ctx        context.Context
	dir        string
	user       string // who logs in
	made       bool   // user is to be removed
	ours, peer side
	host, id   *key.Private

	profiles string // a directory, "" for none
	servers  []*server
	configs  map[string]string // ssh_config files by side and port
}

// newLab makes the keys. With same, our side is the peer's programs too; with
// profiles, nacre's processes leave their profiles in that directory.
func newLab(ctx context.Context, same bool, profiles string) (*lab, error) {
	dir, err := os.MkdirTemp("", "nacre-bench")
	if err != nil {
		return nil, err
	}
	l := &lab{ctx: ctx, dir: dir, profiles: profiles, configs: map[string]string{}}
	if err := l.setUp(same); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) setUp(same bool) error {
	if err := os.Chmod(l.dir, 0o755); err != nil { // the user has to pass
		return err
	}
	if err := errors.Join(l.makeKeys(), l.findPeer(), allowFiles(65536), l.findUser()); err != nil {
		return err
	}
	l.ours = l.peer
	if same {
		return nil
	}
	nacre, err := l.build()
	l.ours = side{name: "nacre", client: []string{nacre, "ssh"}, server: []string{nacre, "sshd"}}
	return err
}

// close ends everything and removes what was made.
func (l *lab) close() {
	l.stopServers()
	if l.made {
		_ = exec.Command("userdel", "-r", "-f", l.user).Run() // it complains of a missing mail spool
	}
	_ = os.RemoveAll(l.dir)
}

// findUser makes a user to log in as, when we are root: one whose shell reads no
// files, because what somebody's shell does at start is none of ssh's time. As
// anyone else we log in as ourselves.
func (l *lab) findUser() error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	if l.user = me.Username; me.Uid != "0" {
		return nil
	}
	l.user = fmt.Sprintf("nacrebench%d", os.Getpid())
	// A password of "*" never matches; the default, "!", locks the account.
	out, err := exec.Command("useradd", "-m", "-s", "/bin/sh", "-p", "*", l.user).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make a user: %w: %s", err, out)
	}
	l.made = true
	return nil
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

// write makes a file of lines, readable for its owner alone.
func (l *lab) write(name string, lines ...string) (string, error) {
	return l.path(name), os.WriteFile(l.path(name), []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

func (l *lab) makeKeys() (err error) {
	for _, k := range []struct {
		name string
		to   **key.Private
	}{{"host", &l.host}, {"id", &l.id}} {
		if *k.to, err = key.Generate(rand.Reader, key.TypeEd25519, 0); err != nil {
			return err
		}
		if err := keyfile.SavePrivate(l.path(k.name), *k.to, k.name, nil); err != nil {
			return err
		}
	}
	path, err := l.write("authorized_keys", publicLine(l.id))
	return errors.Join(err, os.Chmod(path, 0o644)) // the server reads it as the user
}

// publicLine is a key as authorized_keys and known_hosts have it.
func publicLine(k *key.Private) string {
	return strings.TrimSpace(string(keyfile.MarshalAuthorizedKey(keyfile.AuthorizedKey{Key: k.Public()})))
}

func (l *lab) findPeer() error {
	ssh, err := exec.LookPath("ssh")
	sshd, err2 := exec.LookPath("sshd")
	if err2 != nil {
		sshd, err2 = exec.LookPath("/usr/sbin/sshd")
	}
	if err := errors.Join(err, err2); err != nil {
		return fmt.Errorf("%w: run scripts/peers.sh", err)
	}
	l.peer = side{
		name: "OpenSSH", client: []string{ssh}, server: []string{sshd},
		clientLines: []string{"BatchMode yes", "GlobalKnownHostsFile none", "CanonicalizeHostname no"},
		serverLines: []string{"PidFile none", "UseDNS no"},
	}
	version, _ := exec.Command(ssh, "-V").CombinedOutput()
	var major, minor int
	if _, err := fmt.Sscanf(string(version), "OpenSSH_%d.%d", &major, &minor); err == nil && (major > 9 || major == 9 && minor >= 8) {
		l.peer.serverLines = append(l.peer.serverLines, "PerSourcePenalties no")
	}
	fmt.Fprintf(os.Stderr, "bench: the peer is %s", version)
	return nil
}

// build makes nacre's binary as it is shipped, but for the profiles if they are
// asked for.
func (l *lab) build() (string, error) {
	const pkg = "github.com/nacre-ssh/nacre/cmd/nacre"
	args := []string{"build", "-trimpath", "-o", l.path("nacre")}
	if l.profiles != "" {
		overlay, err := l.profiled(pkg)
		if err != nil {
			return "", err
		}
		args = append(args, overlay...)
	}
	cmd := exec.CommandContext(l.ctx, "go", append(args, pkg)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build nacre: %w\n%s", err, out)
	}
	return l.path("nacre"), nil
}

// config is the path of an ssh_config for a side that calls a port.
func (l *lab) config(s side, port int) (string, error) {
	name := s.name + strconv.Itoa(port)
	if path, ok := l.configs[name]; ok {
		return path, nil
	}
	known, err := l.write("known_hosts."+name, fmt.Sprintf("[%s]:%d %s", loopback, port, publicLine(l.host)))
	if err != nil {
		return "", err
	}
	path, err := l.write("ssh_config."+name, append([]string{
		"IdentityFile " + l.path("id"),
		"IdentitiesOnly yes",
		"StrictHostKeyChecking yes",
		"UserKnownHostsFile " + known,
		"LogLevel ERROR",
	}, s.clientLines...)...)
	l.configs[name] = path
	return path, err
}

// ssh is a client of a side that runs a command at a port of loopback. The lists
// that it remembers are in the directory memory.
func (l *lab) ssh(ctx context.Context, s side, port int, memory, command string, options ...string) (*exec.Cmd, error) {
	conf, err := l.config(s, port)
	if err != nil {
		return nil, err
	}
	args := append(s.client[1:len(s.client):len(s.client)], "-F", conf, "-p", strconv.Itoa(port))
	args = append(args, options...)
	cmd := exec.CommandContext(ctx, s.client[0], append(args, l.user+"@"+loopback, command)...)
	cmd.Env = l.environment("XDG_CACHE_HOME=" + memory)
	cmd.WaitDelay = time.Second
	return cmd, nil
}

// environment is what programs run in: no agent, nothing of the user's.
func (l *lab) environment(extra ...string) []string {
	return append([]string{"HOME=" + l.dir, "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}, extra...)
}

// memory makes a fresh directory for remembered lists.
func (l *lab) memory() (string, error) { return os.MkdirTemp(l.dir, "cache") }
