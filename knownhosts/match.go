package knownhosts

import (
	"bytes"
	"strconv"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// Name is how a file names a host: "host" at port 22 (or 0), "[host]:port" at
// any other, in lower case.
func Name(host string, port int) string {
	host = lower(host)
	if port == 0 || port == defaultPort {
		return host
	}
	return "[" + host + "]:" + strconv.Itoa(port)
}

// lower folds ASCII alone: what else a name holds is compared as it is.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = pattern.Lower(c)
	}
	return string(b)
}

// A matcher compares one host's name with the names of lines.
type matcher struct {
	name string // as [Name] returns it
	hash *hasher
}

func newMatcher(name string) *matcher {
	return &matcher{name: name, hash: newHasher(name)}
}

// matches reports whether a line's names, plain or hashed, mean the host.
func (m *matcher) matches(names []byte) bool {
	if len(names) > 0 && names[0] == '|' {
		return m.hash.matches(names)
	}
	found := false
	for len(names) > 0 {
		word := names
		if comma := bytes.IndexByte(names, ','); comma >= 0 {
			word, names = names[:comma], names[comma+1:]
		} else {
			names = nil
		}
		negated := len(word) > 0 && word[0] == '!'
		if negated {
			word = word[1:]
		}
		if len(word) != len(m.name) && bytes.IndexByte(word, '*') < 0 {
			continue // what most words are, seen at once
		}
		if len(word) > maxPattern || !pattern.MatchFold(m.name, word) {
			continue
		}
		if negated {
			return false // whatever else the line names
		}
		found = true
	}
	return found
}
