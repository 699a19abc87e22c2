package keys

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/kex"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/knownhosts"
	"github.com/nacre-ssh/nacre/knownhosts/sshfp"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/transport"
)

// errScanned ends a connection that has shown its key.
var errScanned = errors.New("the key is known now")

// one asks a host for one type of key and prints it.
func (s *keyscan) one(ctx context.Context, h scanHost, t scanType) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	patience := time.AfterFunc(s.timeout, cancel)
	defer patience.Stop()
	nc, name := s.connect(ctx, strings.Split(h.addresses, ","))
	if nc == nil {
		return
	}
	greeting := &greeting{Conn: nc, heard: func() { patience.Reset(s.timeout) }, done: func(line string) { s.version(name, line) }}
	cfg := &transport.Config{
		Algorithms: transport.Algorithms{Kex: scanKex(), HostKeys: s.algorithms(t), Ciphers: packet.Ciphers(), MACs: packet.MACs()},
		VerifyHostKey: func(_ context.Context, k key.Public) error {
			s.print(h, k)
			return errScanned
		},
	}
	conn, err := transport.Client(ctx, greeting, cfg)
	if err == nil {
		conn.Close()
		return
	}
	s.failed(name, greeting.seen.Load(), err)
}

// scanKex has the exchanges first that cost the servers least: no secret is sent
// over these connections.
func scanKex() []string {
	const cheap = "curve25519-sha256"
	names := slices.DeleteFunc(kex.Methods(), func(name string) bool { return name == cheap })
	return append([]string{cheap}, names...)
}

// connect takes the first address that answers.
func (s *keyscan) connect(ctx context.Context, addresses []string) (net.Conn, string) {
	for _, name := range addresses {
		nc, err := new(net.Dialer).DialContext(ctx, s.network, net.JoinHostPort(name, strconv.Itoa(s.port)))
		if err == nil {
			return nc, name
		}
		s.unreachable(name, err)
	}
	return nil, ""
}

// unreachable is silent about hosts that are down, as the original.
func (s *keyscan) unreachable(name string, err error) {
	var lookup *net.DNSError
	var address *net.AddrError
	switch {
	case errors.As(err, &lookup):
		s.say("getaddrinfo %s: Name or service not known", name)
	case errors.As(err, &address):
		s.say("getaddrinfo %s: Address family for hostname not supported", name)
	case s.verbose:
		s.say("debug1: %s: %v", name, err)
	}
}

// failed tells what went wrong after a host was reached. That it has no key of a
// type is nothing to tell.
func (s *keyscan) failed(name string, greeted bool, err error) {
	var bad *transport.IdentificationError
	var other *transport.NegotiationError
	switch {
	case errors.Is(err, errScanned):
	case greeted && errors.As(err, &bad):
	case errors.As(err, &bad) && bad.Line != "":
		s.say("%s: bad greeting", name)
	case !greeted && (errors.As(err, &bad) || errors.Is(err, io.EOF)):
		s.say("%s: Connection closed by remote host", name)
	case !greeted && errors.Is(err, syscall.ECONNRESET):
		s.say("read (%s): Connection reset by peer", name)
	case s.verbose && !errors.As(err, &other):
		s.say("debug1: %s: %v", name, err)
	}
}

// say writes a line to stderr.
func (s *keyscan) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Errorf(format, args...)
}

func (s *keyscan) version(name, line string) {
	mark := "#"
	if s.records {
		mark = ";"
	}
	if !s.quiet {
		s.say("%s %s:%d %s", mark, name, s.port, term.Printable(line))
	}
}

// print writes a key under each name.
func (s *keyscan) print(h scanHost, k key.Public) {
	names := h.names
	if names == "" {
		names = h.addresses
	}
	list := strings.Split(names, ",")
	if !s.hash && s.port == 22 {
		list = []string{names}
	}
	var b strings.Builder
	for _, name := range list {
		b.WriteString(s.lines(name, k))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = true
	io.WriteString(s.Stdout, b.String())
}

func (s *keyscan) lines(name string, k key.Public) string {
	if s.records {
		return s.dnsRecords(name, k)
	}
	text := k.Type() + " " + base64.StdEncoding.EncodeToString(k.Blob()) + "\n"
	name = knownhosts.Name(name, s.port)
	switch {
	case s.certificates:
		return text
	case s.hash:
		return knownhosts.HashName(name) + " " + text
	}
	return name + " " + text
}

// dnsRecords are RFC 4255's, one for each digest.
func (s *keyscan) dnsRecords(name string, k key.Public) string {
	plain := cert.PlainKey(k)
	var b strings.Builder
	for _, hash := range []byte{sshfp.SHA1, sshfp.SHA256} {
		if s.digest == 0 || s.digest == int(hash) {
			fmt.Fprintf(&b, "%s IN SSHFP %d %d %x\n", name, sshfp.Algorithm(plain.Type()), hash, sshfp.Digest(hash, plain.Blob()))
		}
	}
	return b.String()
}

// A greeting is a connection that looks for the other side's version in what is
// read from it.
type greeting struct {
	net.Conn
	heard func()            // something came
	done  func(line string) // the version came
	seen  atomic.Bool
	text  []byte
}

// maxGreeting caps what a server may say before its version.
const maxGreeting = 64 * 1024

func (g *greeting) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if n > 0 {
		g.heard()
	}
	if !g.seen.Load() && len(g.text) < maxGreeting {
		g.text = append(g.text, b[:n]...)
		g.look()
	}
	return n, err
}

func (g *greeting) look() {
	for {
		line, rest, ok := bytes.Cut(g.text, []byte{'\n'})
		if !ok {
			return
		}
		g.text = rest
		if bytes.HasPrefix(line, []byte("SSH-")) {
			g.seen.Store(true)
			g.text = nil
			if bytes.HasPrefix(line, []byte("SSH-1.")) && !bytes.HasPrefix(line, []byte("SSH-1.99-")) {
				return // nothing can be asked of it
			}
			g.done(string(bytes.TrimRight(line, "\r")))
			return
		}
	}
}
