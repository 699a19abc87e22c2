package testpeer

import (
	"context"
	_ "embed"
	"encoding/json"
	"os/exec"
)

var (
	//go:embed paramiko.py
	paramikoScript string
	//go:embed asyncssh.py
	asyncsshScript string
)

// python is the interpreter that Debian's packages belong to. Another one that
// comes first on PATH doesn't have them.
const python = "/usr/bin/python3"

// pythonMark is what the scripts write to stderr once for each exchange.
const pythonMark = "testpeer: new keys"

// Python is a library that one of the embedded scripts makes a client and a
// server of. Safe for concurrent use.
type Python struct {
	name, script string
	dir          func() string
}

// NewParamiko is Paramiko.
func NewParamiko(t TB) *Python { return &Python{"paramiko", paramikoScript, t.TempDir} }

// NewAsyncSSH is AsyncSSH.
func NewAsyncSSH(t TB) *Python { return &Python{"asyncssh", asyncsshScript, t.TempDir} }

// Name is the library's name.
func (p *Python) Name() string { return p.name }

// order is what a script is told, as JSON.
type order struct {
	Role, Host, User, Command string
	Port                      int
	Identity                  string   // client: private key file
	KnownHosts                string   // client: file
	HostKeys                  []string // server: private key files
	Authorized                string   // server: authorized_keys file
	Algorithms                Algorithms
	Everything                bool
	Rekey                     int64
}

func (p *Python) argv(o order) ([]string, error) {
	text, err := json.Marshal(o)
	// -I: the working directory is no place to import from.
	return []string{python, "-I", "-W", "ignore", "-B", "-c", p.script, string(text)}, err
}

// Run implements [Client].
func (p *Python) Run(ctx context.Context, at Target, s Session) (Result, error) {
	dir := p.dir()
	known, err := saveFile(dir, "known_hosts", at.knownHosts()...)
	if err != nil {
		return Result{}, err
	}
	argv, err := p.argv(order{
		Role: "client", Host: at.Host, Port: at.Port, User: at.User, Command: s.Command,
		Identity: at.Identity.Path, KnownHosts: known,
		Algorithms: s.Algorithms, Everything: s.Everything, Rekey: s.Rekey,
	})
	if err != nil {
		return Result{}, err
	}
	return runClient(ctx, s, pythonMark, environment(dir), argv...)
}

// Start implements [Server].
func (p *Python) Start(t TB, opt ServerOptions) *Running {
	t.Helper()
	dir, port := t.TempDir(), FreePort(t)
	o := order{
		Role: "server", Host: "127.0.0.1", Port: port,
		Authorized: writeFile(t, dir, "authorized_keys", opt.Authorized.line()),
		Algorithms: opt.Algorithms, Everything: opt.Everything, Rekey: opt.Rekey,
	}
	for _, k := range opt.HostKeys {
		o.HostKeys = append(o.HostKeys, k.Path)
	}
	argv, err := p.argv(o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = environment(dir)
	d := startDaemon(t, p.name+" server", cmd)
	d.listening(t, port)
	return d.running(target(t, port, opt), pythonMark)
}
