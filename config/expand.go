package config

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// tokens are what the %-letters stand for.
type tokens struct {
	localHost  string // %l, and %L up to its first dot
	home       string // %d
	localUser  string // %u
	uid        string // %i
	host       string // %h
	typed      string // %n
	port       int    // %p
	remoteUser string // %r
	keyAlias   string // %k
	jump       string // %j
	getenv     func(string) (string, bool)
	more       map[byte]string // what one keyword has besides
}

// replace gives a letter's text.
func (t *tokens) replace(letter byte) (string, bool) {
	switch letter {
	case '%':
		return "%", true
	case 'C':
		return t.hash(), true
	case 'd':
		return t.home, true
	case 'h':
		return t.host, true
	case 'i':
		return t.uid, true
	case 'j':
		return t.jump, true
	case 'k':
		return t.keyAlias, true
	case 'L':
		short, _, _ := strings.Cut(t.localHost, ".")
		return short, true
	case 'l':
		return t.localHost, true
	case 'n':
		return t.typed, true
	case 'p':
		return strconv.Itoa(t.port), true
	case 'r':
		return t.remoteUser, true
	case 'u':
		return t.localUser, true
	}
	text, ok := t.more[letter]
	return text, ok
}

// hash is %C: one name for this host, that host, its port, user and jump hosts.
// SHA-1 names files that other programs look for too; it protects nothing.
func (t *tokens) hash() string {
	sum := sha1.Sum([]byte(t.localHost + t.host + strconv.Itoa(t.port) + t.remoteUser + t.jump))
	return hex.EncodeToString(sum[:])
}

// percent expands %-letters; only limits them to a few ("" allows all).
func (t *tokens) percent(s, only string) (string, error) {
	return t.expand(s, only, false)
}

// expand expands %-letters and, with env, ${NAME}. What is put in is not
// expanded again.
func (t *tokens) expand(s, only string, env bool) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case env && strings.HasPrefix(s[i:], "${"):
			value, n, err := t.variable(s[i:])
			if err != nil {
				return "", err
			}
			b.WriteString(value)
			i += n - 1
		case env && systemVariable(s[i:], t.getenv) > 0:
			n := systemVariable(s[i:], t.getenv)
			value, _ := t.getenv(s[i+1 : i+n-1])
			b.WriteString(value)
			i += n - 1
		case s[i] == '%':
			i++
			if i == len(s) {
				return "", fmt.Errorf("'%s' ends with a lone %%: write %%%% for a percent sign", printable(s))
			}
			value, ok := t.replace(s[i])
			if !ok || only != "" && strings.IndexByte(only+"%", s[i]) < 0 {
				return "", fmt.Errorf("unknown token %%%s in '%s': write %%%% for a percent sign", printable(s[i:i+1]), printable(s))
			}
			b.WriteString(value)
		default:
			b.WriteByte(s[i])
		}
		if b.Len() > maxExpanded {
			return "", fmt.Errorf("'%s' expands to more than %d bytes", printable(s), maxExpanded)
		}
	}
	return b.String(), nil
}

// variables expands ${NAME} alone.
func (t *tokens) variables(s string) (string, error) {
	if !strings.Contains(s, "${") {
		return s, nil
	}
	return t.expand(strings.ReplaceAll(s, "%", "%%"), "", true)
}

// validEnvName says whether $NAME may stand for a variable.
func validEnvName(name string) bool {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if c != '_' && (c < '0' || c > '9') {
				return false
			}
		}
	}
	return name != ""
}

const maxExpanded = 64 << 10

// variable reads the "${NAME}" that s starts with and says how long it is.
func (t *tokens) variable(s string) (value string, n int, err error) {
	end := strings.IndexByte(s, '}')
	if end < 0 {
		return "", 0, fmt.Errorf("environment variable '%s' lacks its closing '}'", printable(s[2:]))
	}
	name := s[2:end]
	value, ok := t.getenv(name)
	if name == "" || !ok {
		return "", 0, fmt.Errorf("environment variable ${%s} has no value", printable(name))
	}
	return value, end + 1, nil
}

// tilde replaces a leading ~ or ~user by that home directory.
func tilde(path, home string) (string, error) {
	if !strings.HasPrefix(path, "~") {
		return path, nil
	}
	name, rest := path[1:], ""
	if end := strings.IndexFunc(name, isSeparator); end >= 0 {
		name, rest = name[:end], name[end:]
	}
	if name != "" {
		account, err := user.Lookup(name)
		if err != nil {
			return "", fmt.Errorf("%s: no such user %s", printable(path), printable(name))
		}
		home = account.HomeDir
	}
	rest = strings.TrimLeftFunc(rest, isSeparator)
	if home != "" && os.IsPathSeparator(home[len(home)-1]) {
		return home + rest, nil
	}
	return home + "/" + rest, nil
}

// isSeparator is / and, on Windows, a backslash too.
func isSeparator(c rune) bool { return c < 0x80 && os.IsPathSeparator(byte(c)) }

// path expands a file name: ~, then tokens and variables.
func (t *tokens) path(s string) (string, error) {
	s, err := tilde(inSystem(s), t.home)
	if err != nil {
		return "", err
	}
	return t.expand(s, "", true)
}
