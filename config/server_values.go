package config

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

func ports() value[Server] {
	return value[Server]{
		parse: func(to *Server, a *args) error {
			word, err := a.next()
			if err != nil {
				return complain("missing port number.")
			}
			port, err := parsePort(word)
			if err != nil {
				return complain("Badly formatted port number.")
			}
			if len(to.Port) >= maxPorts {
				return complain("too many ports.")
			}
			to.Port = append(to.Port, port)
			return nil
		},
		show: func(of *Server) []string {
			var lines []string
			for _, port := range of.Port {
				lines = append(lines, strconv.Itoa(port))
			}
			return lines
		},
	}
}

func listenAddress() value[Server] {
	return value[Server]{
		parse: func(to *Server, a *args) error {
			word, err := a.next()
			if err != nil {
				return complain("missing address")
			}
			at, err := parseListen(word)
			if err != nil {
				return err
			}
			if len(a.words) > 0 {
				return complain("bad ListenAddress syntax: routing domains are not supported.")
			}
			if len(to.ListenAddress) >= maxPorts {
				return complain("too many addresses.")
			}
			to.ListenAddress = append(to.ListenAddress, at)
			return nil
		},
		show: func(of *Server) []string {
			_, addresses := of.Addresses()
			for i, address := range addresses {
				if host, port, err := net.SplitHostPort(address); err == nil && host == "" {
					addresses[i] = net.JoinHostPort("*", port)
				}
			}
			return addresses
		},
	}
}

// parseListen reads host, host:port, [v6], [v6]:port, v6, and * for any host.
func parseListen(word string) (ListenAddress, error) {
	host, port, colon := word, "", false
	switch {
	case strings.HasPrefix(word, "["):
		inner, rest, ok := strings.Cut(word[1:], "]")
		if !ok || rest != "" && rest[0] != ':' {
			return ListenAddress{}, complain("bad address:port usage")
		}
		host = inner
		port, colon = strings.CutPrefix(rest, ":")
	case strings.Count(word, ":") == 1:
		host, port, colon = strings.Cut(word, ":")
	}
	at := ListenAddress{Host: host}
	if host == "*" {
		at.Host = ""
	}
	if colon {
		n, err := parsePort(port)
		if err != nil {
			return at, complain("bad port number")
		}
		at.Port = n
	}
	if host == "" && !colon {
		return at, complain("bad address:port usage")
	}
	return at, nil
}

// serverCompression is yes, delayed (the same) or no.
func serverCompression() value[Server] {
	return value[Server]{
		parse: func(to *Server, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			switch strings.ToLower(word) {
			case "yes", "delayed":
				to.Compression = true
			case "no":
				to.Compression = false
			default:
				return complain("unsupported option \"%s\".", printable(word))
			}
			return nil
		},
		show: func(of *Server) []string { return []string{showFlag(of.Compression)} },
	}
}

// fileName is a path; a relative one is taken from the working directory now,
// because the server changes it.
func fileName(field func(*Server) *string) value[Server] {
	return value[Server]{
		parse: func(to *Server, a *args) error {
			word, err := a.next()
			if err != nil {
				return complain("missing file name.")
			}
			*field(to), err = absolute(word)
			return err
		},
		show: func(of *Server) []string { return []string{orElse(*field(of), "none")} },
	}
}

func absolute(word string) (string, error) {
	if strings.EqualFold(word, "none") || filepath.IsAbs(word) || strings.HasPrefix(word, "/") {
		return word, nil
	}
	if strings.HasPrefix(word, "~") {
		return tilde(word, home())
	}
	return filepath.Abs(word)
}

// hostFile collects paths, a line each.
func hostFile(field func(*Server) *[]string, tooMany string) value[Server] {
	return value[Server]{
		parse: func(to *Server, a *args) error {
			word, err := a.next()
			if err != nil {
				return complain("missing file name.")
			}
			if len(*field(to)) >= maxPorts {
				return complain("%s", tooMany)
			}
			if word, err = absolute(word); err == nil {
				*field(to) = append(*field(to), word)
			}
			return err
		},
		show: func(of *Server) []string { return *field(of) },
	}
}

func authorizedKeysFile() value[Server] {
	v := words(func(s *Server) *[]string { return &s.AuthorizedKeysFile })
	read := v.parse
	v.parse = func(to *Server, a *args) error {
		if err := read(to, a); err != nil {
			return err
		}
		for i, file := range to.AuthorizedKeysFile {
			if _, err := expandAuthorized(file, "u", "/h", "0"); err != nil {
				return err // now, not when the first user comes
			}
			if strings.HasPrefix(file, "~") {
				name, err := tilde(file, home())
				if err != nil {
					return err
				}
				to.AuthorizedKeysFile[i] = name
			}
		}
		return nil
	}
	return v
}

// principalsFile is a path with a user's tokens.
func principalsFile() value[Server] {
	return value[Server]{
		parse: func(to *Server, a *args) error {
			word, err := a.next()
			if err != nil {
				return complain("missing file name.")
			}
			if !strings.EqualFold(word, "none") {
				if _, err := expandAuthorized(word, "u", "/h", "0"); err != nil {
					return err
				}
			}
			to.AuthorizedPrincipalsFile = word
			return nil
		},
		show: func(of *Server) []string { return []string{orElse(of.AuthorizedPrincipalsFile, "none")} },
	}
}

// authenticationMethods reads alternatives, each a list with commas, or any.
func authenticationMethods() value[Server] {
	return value[Server]{
		parse: func(to *Server, a *args) error {
			lists, err := a.all()
			if err != nil {
				return err
			}
			to.AuthenticationMethods = nil
			for _, list := range lists {
				if list == "any" && len(lists) > 1 {
					return fmt.Errorf("\"any\" must appear alone in AuthenticationMethods")
				}
				if list == "any" {
					return nil
				}
				methods := strings.Split(list, ",")
				if err := knownMethods(methods); err != nil {
					return err
				}
				to.AuthenticationMethods = append(to.AuthenticationMethods, methods)
			}
			return nil
		},
		show: func(of *Server) []string {
			if len(of.AuthenticationMethods) == 0 {
				return []string{"any"}
			}
			var lists []string
			for _, methods := range of.AuthenticationMethods {
				lists = append(lists, strings.Join(methods, ","))
			}
			return []string{strings.Join(lists, " ")}
		},
	}
}

func knownMethods(methods []string) error {
	for _, method := range methods {
		switch method {
		case "publickey", "password", "keyboard-interactive":
		default:
			return complain("invalid AuthenticationMethods method list: '%s' is not publickey, password or keyboard-interactive.", printable(method))
		}
	}
	return nil
}

// subsystem: the first line for a name wins.
func subsystem() value[Server] {
	return value[Server]{
		parse: func(to *Server, a *args) error {
			name, err := a.next()
			if err != nil {
				return err
			}
			if len(a.words) == 0 || a.words[0] == "" {
				return complain("Missing subsystem command.")
			}
			command := joinWords(a.words)
			a.words = nil
			for _, have := range to.Subsystem {
				if have.Name == name {
					return nil
				}
			}
			if len(to.Subsystem) >= maxPorts {
				return complain("too many subsystems.")
			}
			to.Subsystem = append(to.Subsystem, Subsystem{name, command})
			return nil
		},
		show: func(of *Server) []string {
			var lines []string
			for _, sub := range of.Subsystem {
				lines = append(lines, sub.Name+" "+sub.Command)
			}
			return lines
		},
	}
}

// maxStartups reads start:rate:full, or one number for a hard limit.
func maxStartups() value[Server] {
	return value[Server]{
		parse: func(to *Server, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			to.MaxStartups, err = parseMaxStartups(word)
			return err
		},
		show: func(of *Server) []string {
			m := of.MaxStartups
			return []string{fmt.Sprintf("%d:%d:%d", m.Start, m.Rate, m.Full)}
		},
	}
}

func parseMaxStartups(word string) (MaxStartups, error) {
	bad := complain("Invalid MaxStartups spec.")
	var n []int
	for _, part := range strings.Split(word, ":") {
		v, err := strconv.ParseInt(part, 10, 32)
		if err != nil || v < 1 {
			return MaxStartups{}, bad
		}
		n = append(n, int(v))
	}
	switch {
	case len(n) == 1:
		return MaxStartups{n[0], 30, n[0]}, nil
	case len(n) == 3 && n[0] <= n[2] && n[1] <= 100:
		return MaxStartups{n[0], n[1], n[2]}, nil
	}
	return MaxStartups{}, bad
}
