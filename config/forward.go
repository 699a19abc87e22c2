package config

import (
	"fmt"
	"strconv"
	"strings"
)

// An Endpoint is one end of a forward: a TCP address or a Unix socket.
type Endpoint struct {
	Host string
	// HostSet says that a host was written. An empty one then means every
	// address, like "*"; without it GatewayPorts decides.
	HostSet bool
	Port    int
	Path    string // a Unix socket; the other fields are empty then
}

// A Forward is one forwarding: what is listened on, and where it leads.
type Forward struct {
	Listen  Endpoint
	Dynamic bool     // each client says by SOCKS where it wants to go
	Target  Endpoint // zero for a dynamic forward
}

// A ForwardKind says what a forward's text may hold.
type ForwardKind int

// The kinds of ForwardKind, named after their options.
const (
	ForwardLocal   ForwardKind = iota // -L
	ForwardRemote                     // -R, dynamic ones too
	ForwardDynamic                    // -D, and -W's address
)

// Limits of a forward's names.
const (
	maxForwardHost = 1024 // NI_MAXHOST - 1, rounded up
	maxSocketPath  = 107  // bytes of sun_path without its zero
)

// ParseForward reads -L's, -R's or -D's argument with variables expanded by
// getenv:
//
//	[host:]port:host:port   [host:]port:path
//	path:host:port          path:path
//	[host:]port             (dynamic)
//
// A field in brackets stands as it is; outside of them a backslash takes the
// meaning off the next character. A field with a slash is a path.
func ParseForward(spec string, kind ForwardKind, getenv func(string) (string, bool)) (Forward, error) {
	bad := complain("Bad forwarding specification.")
	t := tokens{getenv: getenv}
	text, err := t.variables(spec)
	if err != nil {
		return Forward{}, bad
	}
	fields, ok := forwardFields(strings.TrimLeft(text, blanks))
	if !ok {
		return Forward{}, bad
	}
	f, ok := shapeForward(fields, kind)
	if !ok || !f.valid(kind) {
		return Forward{}, bad
	}
	return f, nil
}

// A field is one part of a forward's text between colons.
type field struct {
	text string
	path bool
}

// forwardFields cuts the text at its colons: one to four fields.
func forwardFields(text string) ([]field, bool) {
	var fields []field
	for text != "" {
		if len(fields) == 4 {
			return nil, false
		}
		f, rest, ok := forwardField(text)
		if !ok {
			return nil, false
		}
		fields, text = append(fields, f), rest
	}
	return fields, len(fields) > 0
}

func forwardField(text string) (f field, rest string, ok bool) {
	if text[0] == '[' {
		inner, rest, ok := strings.Cut(text[1:], "]")
		if !ok || rest != "" && rest[0] != ':' {
			return field{}, "", false
		}
		return field{inner, strings.Contains(inner, "/")}, strings.TrimPrefix(rest, ":"), true
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 == len(text):
			return field{}, "", false
		case c == '\\':
			i++
			b.WriteByte(text[i])
		case c == ':':
			return field{b.String(), f.path}, text[i+1:], true
		default:
			f.path = f.path || c == '/'
			b.WriteByte(c)
		}
	}
	return field{b.String(), f.path}, "", true
}

// shapeForward gives the fields their meaning by how many there are and which
// of them are paths.
func shapeForward(fields []field, kind ForwardKind) (f Forward, ok bool) {
	listen, rest, ok := takeListen(fields, kind)
	if !ok {
		return f, false
	}
	f.Listen = listen
	if len(rest) == 0 {
		f.Dynamic = true
		return f, kind != ForwardLocal
	}
	if kind == ForwardDynamic {
		return f, false
	}
	f.Target, ok = targetOf(rest)
	return f, ok
}

// takeListen takes the listening end off the front.
func takeListen(fields []field, kind ForwardKind) (Endpoint, []field, bool) {
	if fields[0].path {
		return Endpoint{Path: fields[0].text}, fields[1:], true
	}
	last := len(fields) - 1
	target := 2 // host and port
	if fields[last].path {
		target = 1
	}
	if kind == ForwardDynamic || last < target {
		target = 0
	}
	switch len(fields) - target {
	case 1:
		port, ok := forwardPort(fields[0].text)
		return Endpoint{Port: port}, fields[1:], ok
	case 2:
		port, ok := forwardPort(fields[1].text)
		return Endpoint{Host: fields[0].text, HostSet: true, Port: port}, fields[2:], ok && !fields[1].path
	}
	return Endpoint{}, nil, false
}

func targetOf(fields []field) (Endpoint, bool) {
	switch {
	case len(fields) == 1 && fields[0].path:
		return Endpoint{Path: fields[0].text}, true
	case len(fields) == 2:
		port, ok := forwardPort(fields[1].text)
		return Endpoint{Host: fields[0].text, HostSet: true, Port: port}, ok && port > 0
	}
	return Endpoint{}, false
}

// forwardPort also takes 0 and the names of services.
func forwardPort(word string) (int, bool) {
	if n, err := strconv.ParseUint(word, 10, 16); err == nil {
		return int(n), true
	}
	port, err := parsePort(word)
	return port, err == nil
}

func (f Forward) valid(kind ForwardKind) bool {
	if f.Listen.Path == "" && f.Listen.Port == 0 && kind != ForwardRemote {
		return false
	}
	for _, e := range []Endpoint{f.Listen, f.Target} {
		if len(e.Host) > maxForwardHost || len(e.Path) > maxSocketPath {
			return false
		}
	}
	return true
}

// String is the forward as "ssh -G" prints it: both ends with a blank between.
func (f Forward) String() string {
	if f.Dynamic {
		return f.Listen.String()
	}
	return f.Listen.String() + " " + f.Target.String()
}

// String is "[host]:port", "port" or a path.
func (e Endpoint) String() string {
	switch {
	case e.Path != "":
		return e.Path
	case e.HostSet:
		return fmt.Sprintf("[%s]:%d", e.Host, e.Port)
	}
	return strconv.Itoa(e.Port)
}
