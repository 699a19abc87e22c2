package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// A Jump is one host on the way.
type Jump struct {
	User string // "" when not given
	Host string
	Port int // 0 when not given
}

// maxHops is how many hosts a ProxyJump may name.
const maxHops = 64

// ParseDestination reads what a person types for a host: [user@]host or
// ssh://[user@]host[:port].
func ParseDestination(text string) (Jump, error) {
	if rest, ok := cutScheme(text); ok {
		return parseURI(rest)
	}
	d := Jump{Host: text}
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		d.User, d.Host = text[:at], text[at+1:]
		if at == 0 {
			return Jump{}, errors.New("no user before the @")
		}
	}
	if d.Host == "" {
		return Jump{}, errors.New("no host")
	}
	return d, nil
}

// cutScheme takes "ssh://" off.
func cutScheme(text string) (string, bool) {
	const scheme = "ssh://"
	if len(text) < len(scheme) || !strings.EqualFold(text[:len(scheme)], scheme) {
		return text, false
	}
	return text[len(scheme):], true
}

// parseURI reads [user[;parameters]@]host[:port][/].
func parseURI(text string) (Jump, error) {
	bad := fmt.Errorf("'ssh://%s' is no ssh://[user@]host[:port]", printable(text))
	var d Jump
	if info, rest, ok := strings.Cut(text, "@"); ok {
		name, _, _ := strings.Cut(info, ";") // connection parameters mean nothing to us
		user, err := url.PathUnescape(strings.ReplaceAll(name, "+", " "))
		if err != nil || user == "" || strings.ContainsRune(user, 0) {
			return Jump{}, bad
		}
		d.User, text = user, rest
	}
	host, port, ok := cutPort(strings.TrimSuffix(text, "/"))
	if !ok || host == "" || strings.ContainsAny(host, "/?#@") {
		return Jump{}, bad
	}
	d.Host, d.Port = host, port
	return d, nil
}

// cutPort splits host, host:port, [host] and [host]:port; the port is 0 where
// there is none.
func cutPort(text string) (host string, port int, ok bool) {
	word := ""
	if strings.HasPrefix(text, "[") {
		host, word, ok = strings.Cut(text[1:], "]")
		if !ok || word != "" && word[0] != ':' {
			return "", 0, false
		}
		word = strings.TrimPrefix(word, ":")
	} else {
		host, word, _ = strings.Cut(text, ":")
	}
	if word == "" {
		return host, 0, true
	}
	port, err := parsePort(word)
	return host, port, err == nil
}

// ParseJump reads ProxyJump's value: destinations with commas between them, in
// the order to connect; "none" is no hop. With strict, names must also be safe
// wherever names go: -J's argument may come from elsewhere.
func ParseJump(text string, strict bool) ([]Jump, error) {
	text, _, _ = strings.Cut(text, "#")
	text = strings.TrimRight(text, blanks)
	if strings.EqualFold(text, "none") {
		return nil, nil
	}
	words := strings.Split(text, ",")
	if len(words) > maxHops {
		return nil, fmt.Errorf("more than %d hosts to jump over", maxHops)
	}
	hops := make([]Jump, 0, len(words))
	for _, word := range words {
		hop, err := parseHop(word)
		if err != nil {
			return nil, err
		}
		if strict && !ValidHost(hop.Host) {
			return nil, fmt.Errorf("invalid hostname \"%s\"", printable(hop.Host))
		}
		if strict && hop.User != "" && !ValidUser(hop.User) {
			return nil, fmt.Errorf("invalid username \"%s\"", printable(hop.User))
		}
		hops = append(hops, hop)
	}
	return hops, nil
}

// parseHop reads ssh://… or [user@]host[:port].
func parseHop(word string) (Jump, error) {
	if rest, ok := cutScheme(word); ok {
		return parseURI(rest)
	}
	user, where := "", word
	if at := strings.LastIndexByte(word, '@'); at >= 0 {
		user, where = word[:at], word[at+1:]
		if user == "" {
			return Jump{}, fmt.Errorf("'%s' has no user before its @", printable(word))
		}
	}
	host, port, ok := cutPort(where)
	if !ok || host == "" {
		return Jump{}, fmt.Errorf("'%s' is no [user@]host[:port]", printable(word))
	}
	return Jump{user, host, port}, nil
}

// String is the hop as it is written: [user@]host[:port].
func (j Jump) String() string {
	s := j.Host
	if strings.Contains(s, ":") || strings.Trim(s, "0123456789.") == "" {
		s = "[" + s + "]"
	}
	if j.User != "" {
		s = j.User + "@" + s
	}
	if j.Port != 0 {
		s += ":" + strconv.Itoa(j.Port)
	}
	return s
}

// Address is host:port with 22 for no port, as net.Dial takes it.
func (j Jump) Address() string { return net.JoinHostPort(j.Host, strconv.Itoa(orPort(j.Port))) }
