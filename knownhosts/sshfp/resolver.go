package sshfp

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// Limits of resolv.conf(5), and its defaults.
const (
	maxServers      = 3 // MAXNS
	defaultTimeout  = 5 * time.Second
	maxTimeout      = 30 * time.Second // RES_MAXRETRANS
	defaultAttempts = 2
	maxAttempts     = 5 // RES_MAXRETRY
	maxFile         = 1 << 16
)

// A Resolver asks name servers. The zero value asks the one of this machine. It
// is read only and safe for concurrent use.
type Resolver struct {
	// Servers are addresses with ports. Empty: 127.0.0.1:53.
	Servers []string
	// Timeout is how long to wait for each answer; 0 is 5 s.
	Timeout time.Duration
	// Attempts is how often each server is asked; 0 is twice.
	Attempts int
	// TCP leaves datagrams out.
	TCP bool
	// TrustAD believes the servers that they have checked signatures.
	TrustAD bool
}

// System is the resolver that resolv.conf and RES_OPTIONS describe.
func System() *Resolver {
	r := new(Resolver)
	if f, err := os.Open("/etc/resolv.conf"); err == nil {
		defer f.Close()
		text, _ := io.ReadAll(io.LimitReader(f, maxFile)) // what can be read counts
		r = Parse(text)
	}
	r.options(strings.Fields(os.Getenv("RES_OPTIONS")))
	return r
}

// Parse reads resolv.conf(5). What it doesn't know it leaves out, as every
// reader of that file does.
func Parse(text []byte) *Resolver {
	r := new(Resolver)
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) < 2:
		case words[0] == "nameserver":
			r.server(words[1])
		case words[0] == "options":
			r.options(words[1:])
		}
	}
	return r
}

func (r *Resolver) server(word string) {
	addr, err := netip.ParseAddr(word)
	if err == nil && len(r.Servers) < maxServers {
		r.Servers = append(r.Servers, net.JoinHostPort(addr.String(), "53"))
	}
}

func (r *Resolver) options(words []string) {
	for _, word := range words {
		name, value, _ := strings.Cut(word, ":")
		n, err := strconv.ParseUint(value, 10, 16)
		switch {
		case word == "trust-ad":
			r.TrustAD = true
		case word == "use-vc":
			r.TCP = true
		case name == "timeout" && err == nil:
			r.Timeout = max(time.Second, min(time.Duration(n)*time.Second, maxTimeout))
		case name == "attempts" && err == nil:
			r.Attempts = max(1, min(int(n), maxAttempts))
		}
	}
}
