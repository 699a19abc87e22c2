package proxy

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// FromCommand reads the command line of a program that only asks a proxy:
// corkscrew, nc -X, ncat --proxy, connect. It is for where that program is
// missing, so ok is false as well when it is there, and for every other line.
// What the program would have connected to is the Target.
func FromCommand(line string) (p *Proxy, to Target, ok bool, err error) {
	words, simple := splitWords(line)
	if len(words) > 0 && words[0] == "exec" {
		words = words[1:]
	}
	if !simple || len(words) == 0 {
		return nil, to, false, nil
	}
	if _, err := exec.LookPath(words[0]); err == nil {
		return nil, to, false, nil
	}
	name := strings.TrimSuffix(filepath.Base(words[0]), ".exe")
	for _, h := range helpers {
		if h.name == name {
			p, to, err = h.read(words[1:])
			return p, to, err == nil && p != nil, err
		}
	}
	return nil, to, false, nil
}

// helpers are the programs whose place can be taken.
var helpers = [...]struct {
	name string
	read func([]string) (*Proxy, Target, error)
}{
	{"corkscrew", readCorkscrew},
	{"nc", readNetcat},
	{"netcat", readNetcat},
	{"nc.openbsd", readNetcat},
	{"ncat", readNcat},
	{"connect", readConnect},
	{"connect-proxy", readConnect},
}

// readCorkscrew is "corkscrew proxy port host port [authfile]".
func readCorkscrew(words []string) (*Proxy, Target, error) {
	if len(words) != 4 && len(words) != 5 {
		return nil, Target{}, errors.New("corkscrew takes proxy, port, host, port and perhaps a file with user:password")
	}
	p, err := newProxy("http", words[0], words[1])
	if err != nil {
		return nil, Target{}, err
	}
	if len(words) == 5 {
		if err := p.ReadAuthFile(words[4]); err != nil {
			return nil, Target{}, err
		}
	}
	to, err := newTarget(words[2], words[3])
	return p, to, err
}

// maxAuthFile caps the file with user and password, in bytes.
const maxAuthFile = 4096

// ReadAuthFile reads corkscrew's file: user:password on its first line. It is
// sent unasked, as corkscrew does.
func (p *Proxy) ReadAuthFile(path string) error {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		path = filepath.Join(home, rest)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxAuthFile))
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	user, password, ok := strings.Cut(strings.TrimSuffix(line, "\r"), ":")
	if !ok {
		return fmt.Errorf("%s: its first line must be user:password", path)
	}
	p.User, p.Password, p.HasPassword, p.Preemptive = user, password, true, true
	return nil
}

// readNetcat is OpenBSD's nc: -X 4|5|connect, -x host[:port], -P user.
func readNetcat(words []string) (*Proxy, Target, error) {
	kinds := map[string]string{"": "socks5", "5": "socks5", "4": "socks4", "connect": "http"}
	kind, at, user := "", "", ""
	rest, ok := options(words, map[string]*string{"-X": &kind, "-x": &at, "-P": &user, "-w": new(string)}, "46CDklNnrStUuvz")
	scheme, known := kinds[strings.ToLower(kind)]
	if !ok || !known || at == "" || len(rest) != 2 {
		return nil, Target{}, nil
	}
	return helper(scheme, at, user, rest)
}

// readNcat is nmap's: --proxy host[:port] --proxy-type http|socks4|socks5
// --proxy-auth user[:password].
func readNcat(words []string) (*Proxy, Target, error) {
	kind, at, user := "http", "", ""
	rest, ok := options(words, map[string]*string{"--proxy": &at, "--proxy-type": &kind, "--proxy-auth": &user}, "46nv")
	if !ok || at == "" || len(rest) != 2 || kind != "http" && kind != "socks4" && kind != "socks5" {
		return nil, Target{}, nil
	}
	return helper(kind, at, user, rest)
}

// readConnect is connect-proxy's: -H|-S|-4|-5 [user@]host[:port].
func readConnect(words []string) (*Proxy, Target, error) {
	http, five, four := "", "", ""
	rest, ok := options(words, map[string]*string{"-H": &http, "-S": &five, "-5": &five, "-4": &four}, "dn")
	if !ok || len(rest) != 2 {
		return nil, Target{}, nil
	}
	for _, k := range []struct{ scheme, at string }{{"http", http}, {"socks5", five}, {"socks4", four}} {
		if k.at != "" {
			user, at, found := strings.Cut(k.at, "@")
			if !found {
				user, at = "", k.at
			}
			return helper(k.scheme, at, user, rest)
		}
	}
	return nil, Target{}, nil
}

// helper puts together what the programs' options say.
func helper(scheme, at, user string, rest []string) (*Proxy, Target, error) {
	host, port := at, ""
	if i := strings.LastIndexByte(at, ':'); i >= 0 && !strings.HasSuffix(at, "]") {
		host, port = at[:i], at[i+1:]
	}
	if port == "" {
		port = map[bool]string{true: "3128", false: "1080"}[scheme == "http"]
	}
	p, err := newProxy(scheme, strings.Trim(host, "[]"), port)
	if err != nil {
		return nil, Target{}, err
	}
	p.User, p.Password, p.HasPassword = strings.Cut(user, ":")
	to, err := newTarget(rest[0], rest[1])
	return p, to, err
}

func newProxy(scheme, host, port string) (*Proxy, error) {
	at, err := newTarget(host, port)
	return &Proxy{Scheme: scheme, Target: at}, err
}

func newTarget(host, port string) (Target, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Target{}, fmt.Errorf("%q is no port", port)
	}
	t := Target{strings.Trim(host, "[]"), int(n)}
	return t, t.check()
}

// options takes options with an argument, glued or following, and letters
// without one; ok is false for all others.
func options(words []string, takes map[string]*string, letters string) (rest []string, ok bool) {
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if word == "" || word[0] != '-' || word == "-" {
			rest = append(rest, word)
			continue
		}
		name, value, glued := strings.Cut(word, "=")
		if !strings.HasPrefix(word, "--") && len(word) > 2 && takes[word[:2]] != nil {
			name, value, glued = word[:2], word[2:], true
		}
		into := takes[name]
		switch {
		case into == nil && strings.Trim(word[1:], letters) != "":
			return nil, false
		case into == nil:
		case glued:
			*into = value
		case len(words) == 0:
			return nil, false
		default:
			*into, words = words[0], words[1:]
		}
	}
	return rest, true
}

// splitWords splits a line that needs no shell: blanks, and quotes around what
// has nothing special in it.
func splitWords(line string) (words []string, simple bool) {
	var word []byte
	quote, open := byte(0), false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if open {
				words = append(words, string(word))
			}
			word, open = nil, false
		case quote != '\'' && strings.IndexByte("$`\\", c) >= 0, quote == 0 && strings.IndexByte("|&;<>()*?#!\n", c) >= 0:
			return nil, false
		default:
			word, open = append(word, c), true
		}
	}
	if open {
		words = append(words, string(word))
	}
	return words, quote == 0
}
