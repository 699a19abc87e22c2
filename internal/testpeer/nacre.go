package testpeer

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Nacre is nacre's own binary, driven as a person drives it. Safe for
// concurrent use.
type Nacre struct {
	Path string // the binary
	dir  func() string
}

// BuildNacre builds the binary as it is shipped: without cgo, and without the
// race detector even when the test has it.
func BuildNacre(t TB) *Nacre {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nacre")
	cmd := exec.Command("go", "build", "-o", path, "github.com/nacre-ssh/nacre/cmd/nacre")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build nacre: %v\n%s", err, out)
	}
	return &Nacre{Path: path, dir: t.TempDir}
}

// Name is "nacre".
func (*Nacre) Name() string { return "nacre" }

// nacreMark is what both sides say with -v, or at LogLevel DEBUG, once for each
// key exchange.
const nacreMark = "new keys"

// Run implements [Client]. Everything has no meaning: name the algorithm.
func (n *Nacre) Run(ctx context.Context, at Target, s Session) (Result, error) {
	dir := n.dir()
	known, err := saveFile(dir, "known_hosts", at.knownHosts()...)
	if err != nil {
		return Result{}, err
	}
	conf, err := saveFile(dir, "ssh_config", clientLines(at, known, s.Rekey)...)
	if err != nil {
		return Result{}, err
	}
	argv := []string{n.Path, "ssh", "-v", "-T", "-F", conf, "-p", strconv.Itoa(at.Port)}
	for _, l := range s.Algorithms.options() {
		argv = append(argv, "-o", l)
	}
	argv = append(argv, at.User+"@"+at.Host, s.Command)
	return runClient(ctx, s, nacreMark, environment(dir), argv...)
}

// options are the restrictions as -o takes them.
func (a Algorithms) options() []string {
	var options []string
	for _, l := range a.settings() {
		options = append(options, l[0]+"="+l[1])
	}
	return options
}

// Start implements [Server]. Everything has no meaning: name the algorithm.
func (n *Nacre) Start(t TB, o ServerOptions) *Running {
	t.Helper()
	dir, port := t.TempDir(), FreePort(t)
	lines := append(serverLines(t, dir, o), "LogLevel DEBUG")
	lines = append(lines, o.Algorithms.lines()...)
	lines = append(lines, o.Config...)
	conf := writeFile(t, dir, "sshd_config", lines...)
	cmd := exec.Command(n.Path, "sshd", "-D", "-e", "-f", conf, "-p", strconv.Itoa(port))
	cmd.Env = environment(dir)
	d := startDaemon(t, "nacre sshd", cmd)
	d.listening(t, port)
	return d.running(target(t, port, o), nacreMark)
}
