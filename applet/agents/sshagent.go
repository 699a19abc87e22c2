package agents

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// Exit codes of ssh-agent.
const (
	agentOK     = 0
	agentUsage  = 1
	agentKilled = 2
	agentFatal  = 255
)

// agentLine is the command line of ssh-agent.
type agentLine struct {
	csh, sh    bool
	debug      bool // -d: in the foreground, and tell
	foreground bool // -D
	kill       bool
	tidy       int // -u
	noTidy     bool
	inTemp     bool // -T
	version    bool
	socket     string
	hash       keyfile.Hash
	life       time.Duration
	providers  string
	command    []string
	complaint  string // printed before the usage
}

const agentUsageText = `usage: ssh-agent [-c | -s] [-DdTU] [-a bind_address] [-E fingerprint_hash]
                 [-O option] [-P allowed_providers] [-t life]
       ssh-agent [-TU] [-a bind_address] [-E fingerprint_hash] [-O option]
                 [-P allowed_providers] [-t life] command [arg ...]
       ssh-agent [-c | -s] -k
       ssh-agent -u
       ssh-agent -V
`

// table is the options of ssh-agent.
func (l *agentLine) table() getopt.Table {
	once := func(into *bool, other *bool) func(string) error {
		return func(string) error {
			if *other {
				return door.ErrUsage
			}
			*into = true
			return nil
		}
	}
	set := func(into *bool) func(string) error {
		return func(string) error { *into = true; return nil }
	}
	return getopt.Table{
		{Letter: 'a', Arg: "bind_address", Help: "where the socket is", Do: func(arg string) error { l.socket = arg; return nil }},
		{Letter: 'c', Help: "print commands for csh", Do: once(&l.csh, &l.sh)},
		{Letter: 'D', Help: "stay in the foreground", Do: once(&l.foreground, &l.debug)},
		{Letter: 'd', Help: "stay in the foreground, and tell what happens", Do: once(&l.debug, &l.foreground)},
		{Letter: 'E', Arg: "fingerprint_hash", Help: "sha256 or md5", Do: l.setHash},
		{Letter: 'k', Help: "end the agent of SSH_AGENT_PID", Do: set(&l.kill)},
		{Letter: 'O', Arg: "option", Help: "an option about tokens", Do: l.option},
		{Letter: 'P', Arg: "allowed_providers", Help: "libraries of tokens (none is loaded)", Do: l.provider},
		{Letter: 's', Help: "print commands for sh", Do: once(&l.sh, &l.csh)},
		{Letter: 'T', Help: "make the socket in the directory for temporary files", Do: set(&l.inTemp)},
		{Letter: 't', Arg: "life", Help: "how long keys are kept that come without a lifetime", Do: l.lifetime},
		{Letter: 'U', Help: "leave sockets of agents that are gone", Do: set(&l.noTidy)},
		{Letter: 'u', Help: "remove sockets of agents that are gone; twice: of all hosts", Do: func(string) error { l.tidy++; return nil }},
		{Letter: 'V', Help: "which version this is", Do: set(&l.version)},
	}
}

func (l *agentLine) setHash(name string) error {
	h, ok := hashNamed(name)
	if !ok {
		return fmt.Errorf("Invalid hash algorithm \"%s\"", name) //lint:ignore ST1005 as ssh-agent says it
	}
	l.hash = h
	return nil
}

// hashNamed is a fingerprint's hash by any spelling of its name.
func hashNamed(name string) (keyfile.Hash, bool) {
	switch strings.ToLower(name) {
	case "sha256":
		return keyfile.SHA256, true
	case "md5":
		return keyfile.MD5, true
	}
	return "", false
}

// option takes what ssh-agent knows. None has an effect: no library of a token
// is loaded, from wherever the request comes.
func (l *agentLine) option(name string) error {
	if name == "no-restrict-websafe" || name == "allow-remote-pkcs11" || strings.HasPrefix(name, "websafe-allow=") {
		return nil
	}
	return errors.New("Unknown -O option") //lint:ignore ST1005 as ssh-agent says it
}

func (l *agentLine) provider(list string) error {
	if l.providers != "" {
		return errors.New("-P option already specified")
	}
	l.providers = list
	return nil
}

func (l *agentLine) lifetime(text string) (err error) {
	if l.life, err = config.ParseTime(text); err != nil {
		l.complaint = "Invalid lifetime"
		return door.ErrUsage
	}
	return nil
}

func parseAgent(args []string) (*agentLine, error) {
	l := &agentLine{hash: keyfile.SHA256}
	operands, err := l.table().Parse(args, 0)
	if err != nil {
		return l, err
	}
	l.command = operands
	if len(operands) > 0 && (l.csh || l.sh || l.kill || l.debug || l.foreground || l.tidy > 0) {
		return l, door.ErrUsage
	}
	return l, nil
}

// runSSHAgent is the ssh-agent program.
func runSSHAgent(ctx context.Context, e *door.Env) int {
	l, err := parseAgent(e.Args)
	if err != nil {
		return agentUsageError(e, l, err)
	}
	if l.version {
		e.Errorf("%s", door.VersionLine())
		return agentOK
	}
	if len(l.command) == 0 && !l.csh && !l.sh {
		l.csh = strings.HasSuffix(e.Getenv("SHELL"), "csh")
	}
	return startAgent(ctx, e, l)
}

func agentUsageError(e *door.Env, l *agentLine, err error) int {
	var bad *getopt.Error
	switch {
	case errors.As(err, &bad):
		e.Errorf("%v", err)
	case !errors.Is(err, door.ErrUsage):
		e.Errorf("%v\r", err)
		return agentFatal
	case l.complaint != "":
		e.Errorf("%s", l.complaint)
	}
	fmt.Fprint(e.Stderr, agentUsageText)
	return agentUsage
}

// newKeyring makes the agent's keyring. A user is asked through SSH_ASKPASS.
func newKeyring(e *door.Env, hash keyfile.Hash, life time.Duration) *agent.Memory {
	return &agent.Memory{
		Lifetime: life, Scrub: true, HostCertificate: judgeHost,
		Confirm: func(ctx context.Context, id agent.Identity, purpose string) bool {
			k, _, err := agent.Plain(id.Blob)
			if err != nil {
				return false
			}
			return e.MayUse(ctx, confirmQuestion(k, id.Comment, purpose, hash))
		},
	}
}

// judgeHost is how an agent takes a host's certificate for proof: the name is the
// one that the key's destination has, and whether the authority is meant is said
// there too.
func judgeHost(blob []byte, host string) (key.Public, error) {
	c, err := cert.Parse(blob)
	if err != nil {
		return nil, err
	}
	_, err = cert.Verify(c, cert.Use{
		Kind: cert.Host, Principal: host, Now: time.Now(),
		Authority: func(key.Public) bool { return true },
	})
	return c.Authority, err
}

func confirmQuestion(k key.Public, comment, purpose string, hash keyfile.Hash) string {
	text := fmt.Sprintf("Allow use of key %s?\nKey fingerprint %s.", term.Printable(comment), keyfile.Fingerprint(k, hash))
	if purpose != "" {
		text += "\n" + purpose
	}
	return text
}

// shellLines are the commands that tell a shell where the agent is.
func (l *agentLine) shellLines(socket string, pid int, background bool) string {
	set := func(name, value string) string {
		if l.csh {
			return fmt.Sprintf("setenv %s %s;\n", name, value)
		}
		return fmt.Sprintf("%s=%s; export %s;\n", name, value, name)
	}
	text := ""
	if socket != "" {
		text = set("SSH_AUTH_SOCK", getopt.Word(socket))
	}
	if background {
		text += set("SSH_AGENT_PID", fmt.Sprint(pid))
	}
	return text + fmt.Sprintf("echo Agent pid %d;\n", pid)
}
