package config

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Forwarding says which direction of forwarding a server offers.
type Forwarding string

// The values of AllowTcpForwarding and AllowStreamLocalForwarding: what a client
// listens on for itself is local, what it has the server listen on is remote.
const (
	ForwardingYes        Forwarding = "yes"
	ForwardingNo         Forwarding = "no"
	ForwardingLocalOnly  Forwarding = "local"
	ForwardingRemoteOnly Forwarding = "remote"
)

// The values of a server's GatewayPorts.
const (
	GatewayPortsNo        = "no"
	GatewayPortsYes       = "yes"
	GatewayPortsSpecified = "clientspecified" // the client chooses the address
)

// A ServerForwarding is what sshd_config says about forwarding.
type ServerForwarding struct {
	AllowTCP, AllowSockets Forwarding
	Disable                bool   // nothing is forwarded, whatever else is said
	GatewayPorts           string // one of the constants above
	// PermitOpen and PermitListen are host:port; nil for any, empty for none.
	PermitOpen, PermitListen []string
	SocketMask               fs.FileMode // mode bits that a socket doesn't get
	SocketUnlink             bool        // a socket's file is removed before it is made
	Tunnel                   string      // network devices: "no", "yes", "point-to-point" or "ethernet"
}

// forwardingRows are sshd_config's keywords about forwarding.
func forwardingRows() []row[Server] {
	type s = Server
	allow := func(field func(*s) *Forwarding) value[s] {
		return choice(field, "yes", "yes", "all", "yes", "no", "no", "local", "local", "remote", "remote")
	}
	return []row[s]{
		{"GatewayPorts", choice(func(s *s) *string { return &s.Forwarding.GatewayPorts }, "no", "no", "yes", "yes", "clientspecified", "clientspecified"), "no", false, anywhere, "Whether other machines reach ports that clients listen on: no, yes or clientspecified."},
		{"AllowTcpForwarding", allow(func(s *s) *Forwarding { return &s.Forwarding.AllowTCP }), "yes", false, anywhere, "Whether clients may forward ports: yes, no, local or remote."},
		{"DisableForwarding", flag(func(s *s) *bool { return &s.Forwarding.Disable }), "no", false, anywhere, "Forward nothing, whatever else is said."},
		{"AllowStreamLocalForwarding", allow(func(s *s) *Forwarding { return &s.Forwarding.AllowSockets }), "yes", false, anywhere, "Whether clients may forward Unix sockets: yes, no, local or remote."},
		{"StreamLocalBindMask", socketMask(), "0177", false, anywhere, "Mode bits that the file of a socket doesn't get, in octal."},
		{"StreamLocalBindUnlink", flag(func(s *s) *bool { return &s.Forwarding.SocketUnlink }), "no", false, anywhere, "Remove the file of a socket before it is made."},
		{"PermitOpen", permits("PermitOpen", false, func(s *s) *[]string { return &s.Forwarding.PermitOpen }), "any", false, anywhere, "host:port that clients may connect to; any or none."},
		{"PermitListen", permits("PermitListen", true, func(s *s) *[]string { return &s.Forwarding.PermitListen }), "any", false, anywhere, "host:port that clients may listen on; any or none."},
	}
}

func socketMask() value[Server] {
	return value[Server]{
		parse: func(to *Server, a *args) error {
			word, err := a.next()
			if err != nil {
				return complain("missing StreamLocalBindMask argument.")
			}
			n, err := strconv.ParseUint(word, 8, 32)
			if err != nil || n > 0o777 {
				return complain("Bad mask.")
			}
			to.Forwarding.SocketMask = fs.FileMode(n)
			return nil
		},
		show: func(of *Server) []string { return []string{fmt.Sprintf("0%o", of.Forwarding.SocketMask)} },
	}
}

// permits is a list of host:port. A bare port stands for every host where that
// is said.
func permits(keyword string, bare bool, field func(*Server) *[]string) value[Server] {
	return value[Server]{
		parse: func(to *Server, a *args) error {
			words, err := a.all()
			if err != nil || len(words) == 0 {
				return complain("%s missing argument.", keyword)
			}
			list := []string{}
			for _, word := range words {
				if word == "any" || word == "none" {
					if len(words) > 1 {
						return complain("%s must appear alone on a %s line.", word, keyword)
					}
					if word == "any" {
						list = nil
					}
					break
				}
				entry, err := permitEntry(keyword, word, bare)
				if err != nil {
					return err
				}
				list = append(list, entry)
			}
			*field(to) = list
			return nil
		},
		show: func(of *Server) []string {
			list := *field(of)
			if list == nil {
				return []string{"any"}
			}
			return []string{orElse(strings.Join(list, " "), "none")}
		},
	}
}

func permitEntry(keyword, word string, bare bool) (string, error) {
	if bare && !strings.Contains(word, ":") {
		word = "*:" + word
	}
	colon := strings.LastIndexByte(word, ':')
	if colon <= 0 {
		return "", complain("%s missing host", keyword)
	}
	if port := word[colon+1:]; port != "*" {
		if n, err := parsePort(port); err != nil || n == 0 {
			return "", complain("%s bad port number", keyword)
		}
	}
	return word, nil
}
