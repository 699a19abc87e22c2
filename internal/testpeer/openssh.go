package testpeer

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// OpenSSH is the installed ssh and sshd. Safe for concurrent use.
type OpenSSH struct {
	ssh, sshd string
	known     func() (openSSHLists, error)
	dir       func() string
}

// openSSHLists are comma-separated lists of all that this OpenSSH knows.
type openSSHLists struct{ kex, cipher, mac, hostKey string }

// newKeys is what ssh -v and sshd at LogLevel DEBUG say once for each exchange.
const newKeys = "SSH2_MSG_NEWKEYS received"

// NewOpenSSH finds the programs.
func NewOpenSSH(t TB) *OpenSSH {
	t.Helper()
	ssh := mustProgram(t, "ssh")
	return &OpenSSH{
		ssh: ssh, sshd: mustProgram(t, "sshd"),
		known: sync.OnceValues(func() (openSSHLists, error) { return queryOpenSSH(ssh) }),
		dir:   t.TempDir,
	}
}

// Name is "openssh".
func (*OpenSSH) Name() string { return "openssh" }

func queryOpenSSH(ssh string) (l openSSHLists, err error) {
	for _, q := range []struct {
		name string
		into *string
	}{{"kex", &l.kex}, {"cipher", &l.cipher}, {"mac", &l.mac}, {"HostKeyAlgorithms", &l.hostKey}} {
		out, err := exec.Command(ssh, "-Q", q.name).Output()
		if err != nil {
			return l, fmt.Errorf("ssh -Q %s: %w", q.name, err)
		}
		names := slices.DeleteFunc(strings.Fields(string(out)), notForSSHD)
		*q.into = strings.Join(names, ",")
	}
	return l, nil
}

// notForSSHD tells what -Q lists but a HostKeyAlgorithms line doesn't take.
func notForSSHD(name string) bool { return strings.HasPrefix(name, "webauthn-") }

// lines are the configuration lines for a and everything, the same in ssh_config
// and sshd_config.
func (o *OpenSSH) lines(a Algorithms, everything bool) ([]string, error) {
	if everything {
		all, err := o.known()
		if err != nil {
			return nil, err
		}
		a = a.or(Algorithms{all.kex, all.cipher, all.mac, all.hostKey})
	}
	return a.lines(), nil
}

// or fills a's gaps from b.
func (a Algorithms) or(b Algorithms) Algorithms {
	pick := func(x, y string) string {
		if x != "" {
			return x
		}
		return y
	}
	return Algorithms{pick(a.Kex, b.Kex), pick(a.Cipher, b.Cipher), pick(a.MAC, b.MAC), pick(a.HostKey, b.HostKey)}
}

// settings are the restrictions by ssh_config's and sshd_config's keyword.
func (a Algorithms) settings() (set [][2]string) {
	for _, l := range [][2]string{{"KexAlgorithms", a.Kex}, {"Ciphers", a.Cipher}, {"MACs", a.MAC}, {"HostKeyAlgorithms", a.HostKey}} {
		if l[1] != "" {
			set = append(set, l)
		}
	}
	return set
}

// lines are the restrictions as lines of a configuration file.
func (a Algorithms) lines() (lines []string) {
	for _, l := range a.settings() {
		lines = append(lines, l[0]+" "+l[1])
	}
	return lines
}

// knownHosts are the lines of a known_hosts file for at.
func (t Target) knownHosts() []string {
	var lines []string
	for _, k := range t.HostKeys {
		lines = append(lines, fmt.Sprintf("[%s]:%d %s", t.Host, t.Port, k.line()))
	}
	return lines
}

// Run implements [Client].
func (o *OpenSSH) Run(ctx context.Context, at Target, s Session) (Result, error) {
	lines, err := o.lines(s.Algorithms, s.Everything)
	if err != nil {
		return Result{}, err
	}
	dir := o.dir()
	known, err := saveFile(dir, "known_hosts", at.knownHosts()...)
	if err != nil {
		return Result{}, err
	}
	lines = append(lines, clientLines(at, known, s.Rekey)...)
	lines = append(lines, "BatchMode yes", "GlobalKnownHostsFile none", "CanonicalizeHostname no")
	conf, err := saveFile(dir, "ssh_config", lines...)
	if err != nil {
		return Result{}, err
	}
	return runClient(ctx, s, newKeys, environment(dir), o.ssh, "-v", "-T", "-F", conf,
		"-p", strconv.Itoa(at.Port), at.User+"@"+at.Host, s.Command)
}

// clientLines are the lines of an ssh_config for at that nacre has too.
func clientLines(at Target, knownHosts string, rekey int64) []string {
	lines := []string{
		"IdentityFile " + at.Identity.Path,
		"IdentitiesOnly yes",
		"StrictHostKeyChecking yes",
		"UserKnownHostsFile " + knownHosts,
	}
	return append(lines, rekeyLine(rekey)...)
}

func rekeyLine(n int64) []string {
	if n == 0 {
		return nil
	}
	return []string{"RekeyLimit " + strconv.FormatInt(n, 10)}
}

// Start implements [Server].
func (o *OpenSSH) Start(t TB, opt ServerOptions) *Running {
	t.Helper()
	lines, err := o.lines(opt.Algorithms, opt.Everything)
	if err != nil {
		t.Fatalf("%v", err)
	}
	port := FreePort(t)
	dir := t.TempDir()
	env := environment(dir)
	if opt.Password != "" {
		lines = append(lines, "PasswordAuthentication yes", "KbdInteractiveAuthentication no") // the first line of a keyword holds
		env = append(env, passwordDatabase(t, dir, opt.Password)...)
	}
	lines = append(lines, serverLines(t, dir, opt)...)
	lines = append(lines, "PidFile none", "UseDNS no", "LogLevel DEBUG")
	if o.hasPenalties() {
		lines = append(lines, "PerSourcePenalties no")
	}
	lines = append(lines, opt.Config...)
	conf := writeFile(t, dir, "sshd_config", lines...)
	cmd := exec.Command(o.sshd, "-D", "-e", "-f", conf, "-p", strconv.Itoa(port))
	cmd.Env = env
	d := startDaemon(t, "OpenSSH sshd", cmd)
	d.listening(t, port)
	return d.running(target(t, port, opt), newKeys)
}

// hasPenalties tells an OpenSSH that keeps away an address after failed
// logins, which a test makes on purpose.
func (o *OpenSSH) hasPenalties() bool {
	out, _ := exec.Command(o.ssh, "-V").CombinedOutput()
	var major, minor int
	fmt.Sscanf(string(out), "OpenSSH_%d.%d", &major, &minor)
	return major > 9 || major == 9 && minor >= 8
}

// serverLines are the lines of an sshd_config that nacre has too.
func serverLines(t TB, dir string, opt ServerOptions) []string {
	t.Helper()
	lines := []string{
		"ListenAddress 127.0.0.1",
		"AuthorizedKeysFile " + writeFile(t, dir, "authorized_keys", opt.Authorized.line()),
		"PasswordAuthentication no",
		"PermitRootLogin yes",
		"StrictModes no",
		"UsePAM no",
		"MaxStartups 100",
	}
	for _, k := range opt.HostKeys {
		lines = append(lines, "HostKey "+k.Path)
	}
	return append(lines, rekeyLine(opt.Rekey)...)
}
