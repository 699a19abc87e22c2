package config

import (
	"strings"
	"time"
)

// someWords takes the words of a line: "none" and the like stand alone, and
// check sees each of the others.
func someWords(a *args, check func(string) error, special ...string) ([]string, error) {
	list, err := a.all()
	if err != nil {
		return nil, err
	}
	for _, word := range list {
		if hasFold(special, word) {
			if len(list) > 1 {
				return nil, aloneError(word)
			}
			return list, nil
		}
		if err := check(word); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func hasFold(words []string, s string) bool {
	for _, word := range words {
		if strings.EqualFold(word, s) {
			return true
		}
	}
	return false
}

// globalFiles shows the names as they are written: ~ is expanded later.
func globalFiles() value[Client] {
	v := words(func(c *Client) *[]string { return &c.GlobalKnownHostsFile })
	v.show = func(of *Client) []string { return []string{orElse(strings.Join(of.globalFiles, " "), "none")} }
	return v
}

func domains() value[Client] {
	return value[Client]{
		parse: func(to *Client, a *args) error {
			list, err := someWords(a, checkDomain, "none")
			if err != nil {
				return err
			}
			for i := range list {
				list[i] = strings.TrimSuffix(strings.ToLower(list[i]), ".")
			}
			if !hasNone(list) {
				to.CanonicalDomains = list
			}
			return nil
		},
		show: func(of *Client) []string { return []string{orElse(strings.Join(of.CanonicalDomains, " "), "none")} },
	}
}

// checkDomain says what is wrong with a domain name, in OpenSSH's words.
func checkDomain(name string) error {
	letter := func(c byte) bool {
		return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_'
	}
	switch {
	case name == "":
		return complain("empty domain name")
	case !letter(name[0]):
		return complain("domain name \"%.100s\" starts with invalid character", printable(name))
	case strings.Contains(name, ".."):
		return complain("domain name \"%.100s\" contains consecutive separators", printable(name))
	}
	for i := 0; i < len(name); i++ {
		if !letter(name[i]) && name[i] != '.' && name[i] != '-' {
			return complain("domain name \"%.100s\" contains invalid characters", printable(name))
		}
	}
	return nil
}

func cnameRules() value[Client] {
	return value[Client]{
		printed: "canonicalizePermittedcnames",
		parse: func(to *Client, a *args) error {
			list, err := someWords(a, checkCNAMERule, "none")
			if err != nil || hasNone(list) {
				return err
			}
			for _, word := range list {
				from, target, _ := strings.Cut(word, ":")
				if word == "*" {
					target = "*"
				}
				to.CanonicalizePermittedCNAMEs = append(to.CanonicalizePermittedCNAMEs, CNAMERule{strings.ToLower(from), strings.ToLower(target)})
			}
			return nil
		},
		show: func(of *Client) []string {
			var words []string
			for _, rule := range of.CanonicalizePermittedCNAMEs {
				words = append(words, rule.From+":"+rule.To)
			}
			return []string{orElse(strings.Join(words, " "), "none")}
		},
	}
}

func checkCNAMERule(word string) error {
	if _, target, ok := strings.Cut(word, ":"); word != "*" && (!ok || target == "") {
		return complain("Invalid permitted CNAME \"%s\"", printable(word))
	}
	return nil
}

// channelTimeouts are type=time words; each has a pattern of types.
func channelTimeouts[T any](field func(*T) *[]ChannelTimeout) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			list, err := someWords(a, func(word string) error { _, err := parseChannelTimeout(word); return err }, "none")
			if err != nil || hasNone(list) {
				return err
			}
			for _, word := range list {
				timeout, _ := parseChannelTimeout(word) // was checked above
				*field(to) = append(*field(to), timeout)
			}
			return nil
		},
		show: func(of *T) []string {
			var words []string
			for _, timeout := range *field(of) {
				words = append(words, timeout.text)
			}
			return []string{orElse(strings.Join(words, " "), "none")}
		},
	}
}

func parseChannelTimeout(word string) (ChannelTimeout, error) {
	bad := complain("invalid channel timeout %s", printable(word))
	kind, text, ok := strings.Cut(word, "=")
	if !ok || kind == "" {
		return ChannelTimeout{}, bad
	}
	d, err := ParseTime(text)
	if err != nil {
		return ChannelTimeout{}, bad
	}
	return ChannelTimeout{Type: kind, Interval: d.Round(time.Second), text: word}, nil
}

func permitOpen() value[Client] {
	return value[Client]{
		parse: func(to *Client, a *args) error {
			list, err := someWords(a, checkPermitOpen, "any", "none")
			switch {
			case err != nil:
				return err
			case hasNone(list):
				list = []string{}
			case strings.EqualFold(list[0], "any"):
				list = nil
			}
			to.PermitRemoteOpen = list
			return nil
		},
		show: func(of *Client) []string {
			if of.PermitRemoteOpen == nil {
				return []string{"any"}
			}
			return []string{orElse(strings.Join(of.PermitRemoteOpen, " "), "none")}
		},
	}
}

func checkPermitOpen(word string) error {
	host, port := splitPermitOpen(word)
	if host == "" {
		return complain("missing host in permitremoteopen")
	}
	if _, err := parsePort(port); err != nil && port != "*" {
		return complain("bad port number in permitremoteopen")
	}
	return nil
}

// splitPermitOpen splits host:port and [host]:port.
func splitPermitOpen(word string) (host, port string) {
	if rest, bracket := strings.CutPrefix(word, "["); bracket {
		host, port, _ = strings.Cut(rest, "]")
		return host, strings.TrimPrefix(port, ":")
	}
	host, port, _ = strings.Cut(word, ":")
	return host, port
}
