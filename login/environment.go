package login

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// AcceptEnv lists the names that a client may set, with '*' and '?' as
// wildcards (sshd_config(5)). Empty accepts none.
type AcceptEnv []string

// Accepts says whether a client may set the name. Names that steer the dynamic
// linker or a shell's start are never accepted, whatever the list says.
func (a AcceptEnv) Accepts(name string) bool {
	if !variableName(name) || dangerous(name) {
		return false
	}
	return pattern.Any(name, a...)
}

// dangerous names make a program run other code than its own, or tell a forced
// command lies.
func dangerous(name string) bool {
	return pattern.Any(name,
		"LD_*", "DYLD_*", "_RLD*", "LIBPATH", "SHLIB_PATH", "GCONV_PATH", "GLIBC_TUNABLES", "NLSPATH", "LOCPATH",
		"SSH_CLIENT", "SSH_CONNECTION", "SSH_ORIGINAL_COMMAND", "SSH_TTY", "SSH_AUTH_SOCK",
		"IFS", "ENV", "BASH_ENV", "BASH_FUNC_*", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND",
	)
}

// variableName holds the grammar of POSIX names: letters, digits and '_', no
// digit first, at most 255 bytes.
func variableName(name string) bool {
	if name == "" || len(name) > 255 || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// Environment collects the environment of one session. It belongs to one
// goroutine.
type Environment struct {
	User *User
	// Client and Server are the two ends of the connection; where they are
	// invalid (a Unix socket) SSH_CLIENT and SSH_CONNECTION are left out.
	Client, Server netip.AddrPort
	// TTY is the terminal's path and Term its type; empty without a terminal.
	TTY, Term string
	// Original is the command that a forced command replaced.
	Original string
	// Agent is the forwarded agent's socket, Display the forwarded X display.
	Agent, Display string

	accepted []string
	size     int
}

// ErrVariable refuses a variable from a client.
var ErrVariable = errors.New("environment variable is not accepted")

// Set takes a variable that the client sent, if accept lets it.
func (e *Environment) Set(accept AcceptEnv, name, value string) error {
	if !accept.Accepts(name) {
		return fmt.Errorf("%w: %q", ErrVariable, name)
	}
	return e.add(name, value)
}

// SetFromKey takes the environment options of the key that logged in; call it
// only where the server permits that (PermitUserEnvironment). Dangerous names
// are passed over.
func (e *Environment) SetFromKey(r *Restrictions) error {
	for _, v := range r.Environment {
		name, value, _ := strings.Cut(v, "=")
		if dangerous(name) {
			continue
		}
		if err := e.add(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (e *Environment) add(name, value string) error {
	more := len(name) + len(value) + 2
	if len(e.accepted) >= maxVariables || e.size+more > maxEnvironment || strings.IndexByte(value, 0) >= 0 {
		return fmt.Errorf("%w: %q: too many, too long or malformed", ErrVariable, name)
	}
	e.accepted = append(e.accepted, name+"="+value)
	e.size += more
	return nil
}

// The search paths of Debian's sshd.
const (
	userPath = "/usr/local/bin:/usr/bin:/bin:/usr/games"
	rootPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// List returns NAME=value for each variable, each name once. What the session
// must be able to trust (HOME, PATH, SSH_*…) overrides what the client sent.
// ~/.ssh/environment is not read. The caller owns the slice.
func (e *Environment) List() []string {
	u := e.User
	path := userPath
	if u.root() {
		path = rootPath
	}
	own := []string{
		"USER=" + u.Name, "LOGNAME=" + u.Name, "HOME=" + u.Home, "PATH=" + path,
		"SHELL=" + u.Shell, "MAIL=/var/mail/" + u.Name,
	}
	add := func(name, value string) {
		if value != "" {
			own = append(own, name+"="+value)
		}
	}
	add("TZ", os.Getenv("TZ"))
	if c, s := e.Client, e.Server; c.IsValid() && s.IsValid() {
		ca, sa := c.Addr().Unmap(), s.Addr().Unmap()
		add("SSH_CLIENT", fmt.Sprintf("%s %d %d", ca, c.Port(), s.Port()))
		add("SSH_CONNECTION", fmt.Sprintf("%s %d %s %d", ca, c.Port(), sa, s.Port()))
	}
	add("SSH_TTY", e.TTY)
	add("TERM", noNUL(e.Term))
	add("DISPLAY", noNUL(e.Display))
	add("SSH_ORIGINAL_COMMAND", noNUL(e.Original))
	add("SSH_AUTH_SOCK", e.Agent)
	return merge(e.accepted, own)
}

// merge joins two lists; of variables with one name the last stays.
func merge(lists ...[]string) []string {
	var out []string
	at := make(map[string]int)
	for _, list := range lists {
		for _, v := range list {
			name, _, _ := strings.Cut(v, "=")
			if i, ok := at[name]; ok {
				out[i] = v
				continue
			}
			at[name] = len(out)
			out = append(out, v)
		}
	}
	return out
}

// noNUL cuts a value at its first zero byte: beyond it no program would see
// anything, and the kernel takes no such value.
func noNUL(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}
