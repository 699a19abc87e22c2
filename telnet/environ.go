package telnet

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// A Variable is one environment variable that the user wants the other side to
// know.
type Variable struct{ Name, Value string }

// Check refuses what must not be sent: a name that is none, what is too long,
// and a USER that a login program would take for an option ("-f root" logs root
// in without a password where telnetd passes it on unchecked).
func (v Variable) Check() error {
	if v.Name == "" || strings.ContainsAny(v.Name, "=\x00") {
		return fmt.Errorf("%q can't name a variable", v.Name)
	}
	if len(v.Name)+len(v.Value) > maxVariable {
		return fmt.Errorf("variable %s is longer than %d bytes", v.Name, maxVariable)
	}
	if v.Name == "USER" {
		return CheckUser(v.Value)
	}
	return nil
}

// CheckUser refuses a user's name that a login program on the other side could
// take for something else: options begin with a dash, control characters end
// what the name stands in.
func CheckUser(name string) error {
	switch {
	case strings.HasPrefix(name, "-"):
		return fmt.Errorf("user name %q begins with a dash, which login programs take for an option: not sent", name)
	case len(name) > maxName:
		return fmt.Errorf("user name is longer than %d bytes", maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("user name %q has control characters", name)
	}
	return nil
}

// A dialect is the codes of ENVIRON's sub-negotiations. RFC 1408's VAR and
// VALUE were swapped in the BSD programs of its time, so servers of both kinds
// exist; RFC 1572 settled on BSD's under a new number.
type dialect struct{ variable, value, escape, user byte }

// RFC 1572, section 2; RFC 1408, section 2.
func newDialect() dialect { return dialect{variable: 0, value: 1, escape: 2, user: 3} }
func rfc1408() dialect    { return dialect{variable: 1, value: 0, escape: 2, user: 3} }

// The first byte of a sub-negotiation, for TERMINAL-TYPE, TERMINAL-SPEED and
// ENVIRON alike: RFC 1091, section 2, and others.
const (
	subIs   = 0
	subSend = 1
)

// environ answers a request, which is what followed SEND, with the variables
// that the user named; nil when there is nothing to say. A name that was asked
// for and isn't known is answered without a value. Nothing is told twice,
// however often it is asked for.
func (d dialect) environ(request []byte, known []Variable) []byte {
	b := []byte{subIs}
	for _, w := range d.wanted(request, known) {
		b = d.appendText(append(b, d.kind(w.name)), w.name)
		if w.known {
			b = d.appendText(append(b, d.value), w.value)
		}
	}
	return b
}

// A want is a variable to tell.
type want struct {
	name, value string
	known       bool
}

// wanted reads a request: kinds alone ask for all of the kind, kinds with a name
// for one, an empty request for all.
func (d dialect) wanted(request []byte, known []Variable) []want {
	var list []want
	add := func(w want) {
		if !slices.ContainsFunc(list, func(o want) bool { return o.name == w.name }) {
			list = append(list, w)
		}
	}
	all := func(kind byte) {
		for _, v := range known {
			if kind == anyKind || d.kind(v.Name) == kind {
				add(want{v.Name, v.Value, true})
			}
		}
	}
	if len(request) == 0 {
		all(anyKind)
	}
	for len(request) > 0 {
		kind := request[0]
		var name string
		name, request = d.text(request[1:])
		if name == "" {
			all(kind)
			continue
		}
		at := slices.IndexFunc(known, func(v Variable) bool { return v.Name == name })
		if at < 0 {
			add(want{name: name})
			continue
		}
		add(want{name, known[at].Value, true})
	}
	return list
}

const anyKind = 0xff

// text reads up to the next code that isn't escaped.
func (d dialect) text(b []byte) (string, []byte) {
	var text []byte
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == d.escape && i+1 < len(b):
			i++
		case d.code(b[i]):
			return string(text), b[i:]
		}
		text = append(text, b[i])
	}
	return string(text), nil
}

func (d dialect) appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if d.code(text[i]) || text[i] == d.escape {
			b = append(b, d.escape)
		}
		b = append(b, text[i])
	}
	return b
}

func (d dialect) code(c byte) bool { return c == d.variable || c == d.value || c == d.user }

// kind is VAR for the names that RFC 1572, section 4, lists, USERVAR for others.
func (d dialect) kind(name string) byte {
	switch name {
	case "USER", "JOB", "ACCT", "PRINTER", "SYSTEMTYPE", "DISPLAY":
		return d.variable
	}
	return d.user
}

// oldDialect finds out which way round the other side has VAR and VALUE: a
// request holds no values. Where it doesn't show, byRFC decides.
func oldDialect(request []byte, byRFC bool) dialect {
	rfc := rfc1408()
	if at := bytes.IndexAny(request, "\x00\x01"); at >= 0 {
		byRFC = request[at] == rfc.variable
	}
	if byRFC {
		return rfc
	}
	return newDialect()
}
