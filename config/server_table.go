package config

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// serverTable is sshd_config: a row a keyword, in the order of sshd -T.
func serverTable() []row[Server] {
	type s = Server
	return append([]row[s]{
		{"Port", ports(), "22", true, globalOnly, "A port to listen on; may be given many times."},
		{"AddressFamily", choice(func(s *s) *string { return &s.AddressFamily }, "any", "any", "inet", "inet", "inet6", "inet6"), "any", false, globalOnly, "Which addresses to listen on: any, inet or inet6."},
		{"ListenAddress", listenAddress(), "", true, globalOnly, "An address, with or without a port, to listen on; may be given many times."},
		{"UsePAM", onlyNo(func(s *s) *bool { return &s.usePAM }, "UsePAM is not supported: passwords are checked against the shadow file. Set UsePAM no."), "no", false, globalOnly, "Must be no."},
		{"LoginGraceTime", seconds(func(s *s) *time.Duration { return &s.LoginGraceTime }, ""), "120", false, globalOnly, "How long a login may take; 0 for no limit."},
		{"MaxAuthTries", number(func(s *s) *int { return &s.MaxAuthTries }, 0), "6", false, anywhere, "How many attempts a connection has."},
		{"MaxSessions", number(func(s *s) *int { return &s.MaxSessions }, 0), "10", false, anywhere, "How many sessions a connection may have open."},
		{"ClientAliveInterval", seconds(func(s *s) *time.Duration { return &s.ClientAliveInterval }, ""), "0", false, anywhere, "How long to hear nothing before a keepalive is sent."},
		{"ClientAliveCountMax", number(func(s *s) *int { return &s.ClientAliveCountMax }, 0), "3", false, anywhere, "How many unanswered keepalives end the connection."},
		{"RequiredRSASize", number(func(s *s) *int { return &s.RequiredRSASize }, 0), "1024", false, anywhere, "The smallest RSA key to accept, in bits."},
		{"PermitRootLogin", choice(func(s *s) *PermitRootLogin { return &s.PermitRootLogin },
			"without-password", "prohibit-password", "prohibit-password", "prohibit-password",
			"forced-commands-only", "forced-commands-only", "yes", "yes", "no", "no"), "prohibit-password", false, anywhere, "How root may log in: yes, prohibit-password, forced-commands-only or no."},
		{"PubkeyAuthentication", flag(func(s *s) *bool { return &s.PubkeyAuthentication }), "yes", false, anywhere, "Let users log in with a key."},
		{"PasswordAuthentication", flag(func(s *s) *bool { return &s.PasswordAuthentication }), "yes", false, anywhere, "Let users log in with a password."},
		{"KbdInteractiveAuthentication", flag(func(s *s) *bool { return &s.KbdInteractiveAuthentication }), "yes", false, anywhere, "Let users log in by answering questions."},
		{"PrintMotd", flag(func(s *s) *bool { return &s.PrintMotd }), "yes", false, globalOnly, "Print /etc/motd to a new shell."},
		{"PrintLastLog", flag(func(s *s) *bool { return &s.PrintLastLog }), "yes", false, globalOnly, "Print the time of the last login to a new shell."},
		{"PermitTTY", flag(func(s *s) *bool { return &s.PermitTTY }), "yes", false, anywhere, "Let users have a terminal."},
		{"StrictModes", flag(func(s *s) *bool { return &s.StrictModes }), "yes", false, globalOnly, "Use a user's files only where nobody else can write them."},
		{"TCPKeepAlive", flag(func(s *s) *bool { return &s.TCPKeepAlive }), "yes", false, globalOnly, "Let the system notice a dead connection."},
		{"PermitEmptyPasswords", flag(func(s *s) *bool { return &s.PermitEmptyPasswords }), "no", false, anywhere, "Let users with an empty password log in with it."},
		{"Compression", serverCompression(), "delayed", false, globalOnly, "Let clients compress once they have logged in: yes or no."},
		{"RequireStrictKex", flag(func(s *s) *bool { return &s.RequireStrictKex }), "no", false, globalOnly, "Refuse a client without strict key exchange (nacre)."},
		{"PidFile", fileName(func(s *s) *string { return &s.PidFile }), "/run/sshd.pid", false, globalOnly, "The file that gets the server's process number; none for no file."},
		{"ModuliFile", fileName(func(s *s) *string { return &s.ModuliFile }), "/etc/ssh/moduli", false, globalOnly, "The file of Diffie-Hellman groups."},
		{"Ciphers", algorithms(func(s *s) *[]string { return &s.Ciphers }, func(k *Known) Algorithms { return k.Ciphers }, false, "Bad SSH2 cipher spec '%s'."), "default", false, globalOnly, "Ciphers, best first; +, - and ^ change the default list."},
		{"MACs", algorithms(func(s *s) *[]string { return &s.MACs }, func(k *Known) Algorithms { return k.MACs }, false, "Bad SSH2 mac spec '%s'."), "default", false, globalOnly, "Message authentication codes, best first."},
		{"Banner", fileName(func(s *s) *string { return &s.Banner }), "none", false, anywhere, "The file to show before login; none for nothing."},
		{"TrustedUserCAKeys", fileName(func(s *s) *string { return &s.TrustedUserCAKeys }), "none", false, anywhere, "The file of the keys that sign users' certificates."},
		{"RevokedKeys", fileName(func(s *s) *string { return &s.RevokedKeys }), "none", false, anywhere, "The file of keys that are never accepted: a list, or a KRL of ssh-keygen's."},
		{"AuthorizedPrincipalsFile", principalsFile(), "none", false, anywhere, "The file of the names that a user's certificate may have; %h, %u and %U as in AuthorizedKeysFile."},
		{"KexAlgorithms", algorithms(func(s *s) *[]string { return &s.KexAlgorithms }, func(k *Known) Algorithms { return k.Kex }, false, "Bad SSH2 KexAlgorithms '%s'."), "default", false, globalOnly, "Key exchanges, best first."},
		{"CASignatureAlgorithms", algorithms(func(s *s) *[]string { return &s.CASignatureAlgorithms }, func(k *Known) Algorithms { return k.CASignatures }, true, "Bad key types '%s'."), "default", false, anywhere, "What certificates may be signed with."},
		{"HostKeyAlgorithms", algorithms(func(s *s) *[]string { return &s.HostKeyAlgorithms }, func(k *Known) Algorithms { return k.HostKeys }, true, "Bad key types '%s'."), "default", false, globalOnly, "Host key algorithms to offer."},
		{"PubkeyAcceptedAlgorithms", algorithms(func(s *s) *[]string { return &s.PubkeyAcceptedAlgorithms }, func(k *Known) Algorithms { return k.Pubkey }, true, "Bad key types '%s'."), "default", false, anywhere, "Signature algorithms that users may log in with."},
		{"LogLevel", logLevel(func(s *s) *LogLevel { return &s.LogLevel }), "INFO", false, anywhere, "How much to log: QUIET, FATAL, ERROR, INFO, VERBOSE, DEBUG, DEBUG2, DEBUG3."},
		{"SyslogFacility", facility(func(s *s) *string { return &s.SyslogFacility }), "AUTH", false, globalOnly, "The facility of the system's log."},
		{"AuthorizedKeysFile", authorizedKeysFile(), ".ssh/authorized_keys .ssh/authorized_keys2", false, anywhere, "Files of a user's keys; %h, %u and %U are the home, the user and its number."},
		{"HostKey", hostFile(func(s *s) *[]string { return &s.HostKey }, "too many host keys."), "", true, globalOnly, "A private host key; may be given many times."},
		{"HostCertificate", hostFile(func(s *s) *[]string { return &s.HostCertificate }, "too many host certificates."), "", true, globalOnly, "A certificate of a host key; may be given many times."},
		{"AllowUsers", collect(func(s *s) *[]string { return &s.AllowUsers }, anyWord), "", true, anywhere, "Patterns of the users who may log in; USER@HOST limits where from."},
		{"DenyUsers", collect(func(s *s) *[]string { return &s.DenyUsers }, anyWord), "", true, anywhere, "Patterns of the users who may not log in."},
		{"AllowGroups", collect(func(s *s) *[]string { return &s.AllowGroups }, anyWord), "", true, anywhere, "Patterns of the groups whose members may log in."},
		{"DenyGroups", collect(func(s *s) *[]string { return &s.DenyGroups }, anyWord), "", true, anywhere, "Patterns of the groups whose members may not log in."},
		{"AcceptEnv", collect(func(s *s) *[]string { return &s.AcceptEnv }, envName), "", true, anywhere, "Patterns of the variables that clients may set."},
		{"AuthenticationMethods", authenticationMethods(), "any", false, anywhere, "Lists of methods, each with commas; one list must be completed."},
		{"Subsystem", subsystem(), "", true, anywhere, "A name and the command that serves it, or internal-sftp."},
		{"MaxStartups", maxStartups(), "10:30:100", false, globalOnly, "start:rate:full connections that have not logged in."},
		{"RekeyLimit", rekeyLimit(func(s *s) *RekeyLimit { return &s.RekeyLimit }), "default none", false, anywhere, "How many bytes, and how much time, until new keys are made."},
		{"PermitUserEnvironment", onlyNo(func(s *s) *bool { return &s.permitUserEnv }, "PermitUserEnvironment is not supported: users would set variables before their shell starts. Set it to no."), "no", false, globalOnly, "Must be no."},
	}, forwardingRows()...)
}

// serverAliases are old names, and what they are called now.
func serverAliases() [][2]string {
	return [][2]string{
		{"ChallengeResponseAuthentication", "KbdInteractiveAuthentication"},
		{"SKeyAuthentication", "KbdInteractiveAuthentication"},
		{"DSAAuthentication", "PubkeyAuthentication"},
		{"HostDSAKey", "HostKey"},
		{"KeepAlive", "TCPKeepAlive"},
		{"PubkeyAcceptedKeyTypes", "PubkeyAcceptedAlgorithms"},
	}
}

func anyWord(string) error { return nil }

// onlyNo is a flag that must not be set.
func onlyNo(field func(*Server) *bool, sentence string) value[Server] {
	v := flag(field)
	read := v.parse
	v.parse = func(to *Server, a *args) error {
		if err := read(to, a); err != nil || !*field(to) {
			return err
		}
		return complain("%s", sentence)
	}
	return v
}

const maxPorts = 256 // as in OpenSSH

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
