package keys

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/key"
)

const keyscanUsage = `usage: ssh-keyscan [-46cDHqv] [-f file] [-O option] [-p port] [-T timeout]
                   [-t type] [host | addrlist namelist]
`

// maxScans is how many connections are open at a time.
const maxScans = 128

// maxHostLine caps a line of -f in bytes.
const maxHostLine = 64 * 1024

// A scanType is one type of -t; each costs a connection.
type scanType struct {
	name       string
	off        bool // not asked for by default
	algorithms []string
}

// scanTypes are in the order in which they are asked for.
func scanTypes() []scanType {
	return []scanType{
		{"dsa", true, []string{key.TypeDSA}},
		{"rsa", false, []string{key.AlgRSASHA512, key.AlgRSASHA256, key.AlgRSASHA1}},
		{"ecdsa", false, []string{key.TypeECDSA256, key.TypeECDSA384, key.TypeECDSA521}},
		{"ed25519", false, []string{key.TypeEd25519}},
		{"ecdsa-sk", false, []string{key.TypeSKECDSA}},
		{"ed25519-sk", false, []string{key.TypeSKEd25519}},
	}
}

// keyscan is one run of ssh-keyscan.
type keyscan struct {
	*door.Env
	network      string // "tcp", "tcp4" or "tcp6"
	certificates bool   // -c
	records      bool   // -D
	hash         bool   // -H
	quiet        bool   // -q
	verbose      bool   // -v
	port         int
	timeout      time.Duration
	types        []scanType
	digest       int // of SSHFP records: 1, 2, or 0 for both
	files        []string

	mu    sync.Mutex // output comes in whole lines
	found bool
}

// runKeyscan is the ssh-keyscan door.
func runKeyscan(ctx context.Context, e *door.Env) int {
	s := &keyscan{Env: e, network: "tcp", port: 22, timeout: 5 * time.Second}
	for _, t := range scanTypes() {
		if !t.off {
			s.types = append(s.types, t)
		}
	}
	hosts, err := s.table().Parse(e.Args, 0)
	var fatal *keygenError
	switch {
	case errors.As(err, &fatal):
		e.Errorf("%v", err)
		return codeFatal
	case errors.As(err, new(scanPortError)):
		e.Errorf("%v", err)
		return codeFailed
	case err != nil:
		e.Errorf("%v", err)
		return s.usage()
	case len(hosts) == 0 && len(s.files) == 0:
		return s.usage()
	}
	return s.all(ctx, hosts)
}

func (s *keyscan) usage() int {
	fmt.Fprint(s.Stderr, keyscanUsage)
	return codeFailed
}

// A scanPortError is a -p that is no port, after which the original doesn't show
// its usage.
type scanPortError string

func (e scanPortError) Error() string { return "Bad port '" + string(e) + "'" }

// A scanTimeError is a -T that is no time.
type scanTimeError string

func (e scanTimeError) Error() string { return "Bad timeout '" + string(e) + "'" }

func (s *keyscan) table() getopt.Table {
	network := func(name string) func(string) error {
		return func(string) error { s.network = name; return nil }
	}
	return getopt.Table{
		{Letter: '4', Help: "IPv4 addresses only", Do: network("tcp4")},
		{Letter: '6', Help: "IPv6 addresses only", Do: network("tcp6")},
		{Letter: 'c', Help: "ask for certificates instead of plain keys", Do: getopt.Flag(&s.certificates)},
		{Letter: 'D', Help: "print SSHFP records", Do: getopt.Flag(&s.records)},
		{Letter: 'H', Help: "hash the names", Do: getopt.Flag(&s.hash)},
		{Letter: 'f', Arg: "file", Help: "file with hosts, - for stdin", Do: func(name string) error {
			if name == "-" {
				name = ""
			}
			s.files = append(s.files, name)
			return nil
		}},
		{Letter: 'O', Arg: "option", Help: "hashalg=sha1 or hashalg=sha256 for SSHFP records", Do: s.setOption},
		{Letter: 'p', Arg: "port", Help: "port", Do: s.setPort},
		{Letter: 'q', Help: "don't print the servers' versions", Do: getopt.Flag(&s.quiet)},
		{Letter: 'T', Arg: "timeout", Help: "give a host up that is silent for so long", Do: s.setTimeout},
		{Letter: 't', Arg: "type", Help: "types of keys to ask for, with commas", Do: s.setTypes},
		{Letter: 'v', Help: "say what happens", Do: getopt.Flag(&s.verbose)},
	}
}

func (s *keyscan) setPort(text string) error {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return scanPortError(text)
	}
	s.port = int(n)
	return nil
}

func (s *keyscan) setTimeout(text string) error {
	d, err := config.ParseTime(text)
	if err != nil || d == 0 {
		return scanTimeError(text)
	}
	s.timeout = d
	return nil
}

func (s *keyscan) setTypes(list string) error {
	s.types = nil
	for name := range strings.SplitSeq(list, ",") {
		t, ok := scanTypeOf(name)
		if !ok {
			return fatalf("Unknown key type \"%s\"", name)
		}
		s.types = append(s.types, t)
	}
	return nil
}

func scanTypeOf(name string) (scanType, bool) {
	for _, t := range scanTypes() {
		if strings.EqualFold(t.name, name) {
			return t, true
		}
	}
	return scanType{}, false
}

func (s *keyscan) setOption(option string) error {
	name, ok := strings.CutPrefix(option, "hashalg=")
	switch {
	case !ok:
		return fatalf("Unsupported -O option")
	case name == "sha1":
		s.digest = 1
	case name == "sha256":
		s.digest = 2
	default:
		return fatalf("Unsupported hash algorithm")
	}
	return nil
}

// all scans what the files and then the command line name, maxScans connections
// at a time.
func (s *keyscan) all(ctx context.Context, hosts []string) int {
	var running sync.WaitGroup
	room := make(chan struct{}, maxScans)
	scan := func(h scanHost) {
		for _, t := range s.types {
			room <- struct{}{}
			running.Go(func() {
				defer func() { <-room }()
				s.one(ctx, h, t)
			})
		}
	}
	for _, name := range s.files {
		if err := s.file(name, scan); err != nil {
			running.Wait()
			s.Errorf("ssh-keyscan: %s: %s", name, systemText(err))
			return codeFatal
		}
	}
	for _, host := range hosts {
		for h := range expand(host) {
			scan(h)
		}
	}
	running.Wait()
	if !s.found {
		return codeFailed
	}
	return 0
}

// A scanHost is one thing to connect to: the first of some addresses that
// answers, and the names to print.
type scanHost struct {
	addresses string // with commas
	names     string // "": the addresses
}

// file reads a file's lines: "addresses" or "addresses names", with comments.
func (s *keyscan) file(name string, scan func(scanHost)) error {
	var r io.Reader = s.Stdin
	if name != "" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		r = f
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxHostLine)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		for h := range expand(strings.TrimRight(line, " \t\r")) {
			scan(h)
		}
	}
	return lines.Err()
}

// expand is the hosts that a line means: all addresses of a network, or one.
func expand(line string) iter.Seq[scanHost] {
	return func(yield func(scanHost) bool) {
		if line == "" {
			return
		}
		network, err := netip.ParsePrefix(line)
		if err != nil {
			at := strings.IndexAny(line, " \t")
			if at < 0 {
				yield(scanHost{addresses: line})
				return
			}
			yield(scanHost{line[:at], strings.TrimLeft(line[at:], " \t")})
			return
		}
		for a := network.Addr(); network.Contains(a); a = a.Next() {
			if !yield(scanHost{addresses: a.String()}) {
				return
			}
		}
	}
}

// algorithms are what one connection asks for.
func (s *keyscan) algorithms(t scanType) []string {
	if !s.certificates {
		return t.algorithms
	}
	var names []string
	for _, plain := range t.algorithms {
		if name := cert.CertifiedAlgorithm(plain); name != "" {
			names = append(names, name)
		}
	}
	return names
}
