package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// A Server is what sshd_config says, with defaults filled in. It is read only
// once loaded.
type Server struct {
	Port          []int // at least one
	AddressFamily string
	ListenAddress []ListenAddress // see Addresses
	HostKey       []string        // absolute paths
	PidFile       string          // "" for none
	ModuliFile    string

	LogLevel       LogLevel
	SyslogFacility string

	AuthorizedKeysFile           []string // as written; AuthorizedKeysFiles expands
	PasswordAuthentication       bool
	PubkeyAuthentication         bool
	KbdInteractiveAuthentication bool
	PermitEmptyPasswords         bool
	PermitRootLogin              PermitRootLogin
	HostCertificate              []string // absolute paths
	TrustedUserCAKeys            string   // a path; "" for none
	RevokedKeys                  string   // likewise
	AuthorizedPrincipalsFile     string   // as written; "" for none
	CASignatureAlgorithms        []string
	StrictModes                  bool
	AuthenticationMethods        [][]string // alternatives, each a sequence; empty for any one method
	AllowUsers, DenyUsers        []string   // see Permits
	AllowGroups, DenyGroups      []string
	LoginGraceTime               time.Duration // 0: no limit
	MaxAuthTries                 int
	MaxSessions                  int
	MaxStartups                  MaxStartups
	ClientAliveInterval          time.Duration // 0: off
	ClientAliveCountMax          int
	TCPKeepAlive                 bool
	Banner                       string // a path; "" for none
	PrintMotd, PrintLastLog      bool
	PermitTTY                    bool
	AcceptEnv                    []string // patterns
	Subsystem                    []Subsystem
	Compression                  bool
	KexAlgorithms, Ciphers, MACs []string // best first
	HostKeyAlgorithms            []string
	PubkeyAcceptedAlgorithms     []string
	RequiredRSASize              int // bits
	RekeyLimit                   RekeyLimit
	RequireStrictKex             bool // nacre's own: refuse a peer without strict key exchange
	Forwarding                   ServerForwarding
	IPQoS                        IPQoS
	ChannelTimeout               []ChannelTimeout
	UnusedConnectionTimeout      time.Duration // 0: never
	usePAM, permitUserEnv        bool          // always no; the table shows them
	notes                        []Note
	origins                      map[string]Origin
	query                        ServerQuery // for For, with the two below
	snap                         *snapshot
	conditional                  bool // see HasMatch
}

// A ServerQuery says which file to read. The zero value reads the system's.
type ServerQuery struct {
	File    string   // -f's argument; "" for SystemDir/sshd_config; "none" for no file
	Options []string // -o arguments and their like, in order
	// Ports are -p arguments; with any, the file's Port lines don't count.
	Ports []int
	Known Known // the engine's algorithm names

	SystemDir string // "" for /etc/ssh

	// Connection judges the Match blocks; without one they are left out but
	// for "Match all", and [Server.For] judges them later.
	Connection *Connection
	// OnlyShow asks for an answer to look at (sshd -T): what isn't supported is
	// no error in the blocks that are left out.
	OnlyShow bool
}

// LoadServer reads the configuration for q. Its errors are *Error for lines that
// can't be used, *RefusedError for what isn't supported, and plain sentences
// for files.
func LoadServer(q ServerQuery) (*Server, error) { return loadServerWith(q, newSnapshot()) }

func loadServerWith(q ServerQuery, snap *snapshot) (*Server, error) {
	if q.SystemDir == "" {
		q.SystemDir = systemDir()
	}
	table := serverTable()
	l := &serverLoader{loader: newLoader(table, serverOthers(), serverAliases(), &q.Known), q: q, snap: snap}
	l.cased, l.everywhere = true, q.Connection == nil && !q.OnlyShow
	if err := l.load(); err != nil {
		return nil, err
	}
	if err := l.judge(nil, false); err != nil {
		return nil, err
	}
	if err := l.fill(table); err != nil {
		return nil, err
	}
	s := l.into
	s.notes, s.origins = l.notes, l.origins
	s.query, s.snap, s.conditional = q, snap, l.conditional
	return s, s.finish(q.SystemDir)
}

type serverLoader struct {
	*loader[Server]
	q      ServerQuery
	depth  int
	blocks bool // this reading is for the lines of Match blocks
	snap   *snapshot
	// conditional: there are Match blocks
	conditional bool
	never       bool // an Include in a block that doesn't apply: lines are only checked
}

func (l *serverLoader) load() error {
	name, data, err := l.main()
	if err != nil {
		return err
	}
	if l.q.Connection != nil {
		if err := l.loadFor(name, data); err != nil {
			return err
		}
	}
	if len(l.q.Ports) > 0 {
		l.into.Port = append([]int(nil), l.q.Ports...)
		l.origins["port"] = Origin{"command-line", 0}
	}
	for _, option := range l.q.Options {
		if err := l.override(option); err != nil {
			return err
		}
	}
	l.active, l.inBlock = true, false
	return l.lines(name, data, l.block)
}

// main reads the main file.
func (l *serverLoader) main() (name string, data []byte, err error) {
	if l.q.File == "none" {
		return "none", nil, nil
	}
	if name = l.q.File; name == "" {
		name = filepath.Join(l.q.SystemDir, "sshd_config")
	}
	if data, err = l.text(name); err != nil {
		err = fmt.Errorf("%s: %w", printable(name), cause(err))
	}
	return name, data, err
}

// block handles the keywords that steer reading, and -p's way with Port.
func (l *serverLoader) block(keyword string, a *args, at Origin) (bool, error) {
	switch strings.ToLower(keyword) {
	case "match":
		return true, l.matchLine(a)
	case "include":
		return true, l.includeLine(a)
	case "port":
		return len(l.q.Ports) > 0, nil
	}
	return false, nil
}

func (l *serverLoader) includeLine(a *args) error {
	list, err := a.all()
	if err != nil {
		return err
	}
	if l.depth++; l.depth > maxDepth {
		return errors.New("too many recursive configuration includes")
	}
	active, never, inBlock := l.active, l.never, l.inBlock
	defer func() { l.depth--; l.active, l.never, l.inBlock = active, never, inBlock }()
	l.never = never || inBlock && !active
	for _, word := range list {
		names, err := l.glob(word)
		if err != nil {
			return err
		}
		for _, name := range names {
			data, err := l.text(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			l.active, l.inBlock = active, inBlock
			if err := l.lines(name, data, l.block); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish settles what rows can't see alone.
func (s *Server) finish(systemDir string) error {
	if len(s.HostKey) == 0 {
		for _, name := range []string{"ssh_host_rsa_key", "ssh_host_ecdsa_key", "ssh_host_ed25519_key"} {
			s.HostKey = append(s.HostKey, filepath.Join(systemDir, name))
		}
	}
	for _, list := range []*string{&s.PidFile, &s.Banner, &s.TrustedUserCAKeys, &s.RevokedKeys, &s.AuthorizedPrincipalsFile} {
		if strings.EqualFold(*list, "none") {
			*list = ""
		}
	}
	return nil
}

// HostKeysGiven says whether HostKey lines were written: the default ones may
// be missing, given ones may not.
func (s *Server) HostKeysGiven() bool { _, given := s.Origin("HostKey"); return given }

// Addresses returns what to listen on, as net.Listen takes it, in order:
// network is "tcp", "tcp4" or "tcp6", and an address without a host stands for
// the whole machine.
func (s *Server) Addresses() (network string, addresses []string) {
	network = map[string]string{"inet": "tcp4", "inet6": "tcp6"}[s.AddressFamily]
	list := s.ListenAddress
	if len(list) == 0 {
		list = []ListenAddress{{}}
	}
	for _, at := range list {
		ports := s.Port
		if at.Port != 0 {
			ports = []int{at.Port}
		}
		for _, port := range ports {
			addresses = append(addresses, net.JoinHostPort(at.Host, strconv.Itoa(port)))
		}
	}
	return orElse(network, "tcp"), unique(addresses)
}

// AuthorizedKeysFiles returns the absolute names of a user's authorized_keys
// files: %u, %h, %U and %% expanded, relative ones under the home directory.
// It is empty for "none".
func (s *Server) AuthorizedKeysFiles(name, home, uid string) ([]string, error) {
	var files []string
	for _, file := range s.AuthorizedKeysFile {
		path, err := expandAuthorized(file, name, home, uid)
		if err != nil {
			return nil, fmt.Errorf("expanding AuthorizedKeysFile: %w", err)
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(home, path)
		}
		files = append(files, path)
	}
	return files, nil
}

func expandAuthorized(file, name, home, uid string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(file); i++ {
		if file[i] != '%' {
			b.WriteByte(file[i])
			continue
		}
		i++
		letter := "" // a lone % at the end is an unknown token too
		if i < len(file) {
			letter = file[i : i+1]
		}
		switch letter {
		case "%":
			b.WriteByte('%')
		case "u":
			b.WriteString(name)
		case "h":
			b.WriteString(home)
		case "U":
			b.WriteString(uid)
		default:
			return "", fmt.Errorf("unknown token %%%s in '%s': write %%%% for a percent sign", printable(letter), printable(file))
		}
	}
	return b.String(), nil
}

// Permits says whether DenyUsers, AllowUsers, DenyGroups and AllowGroups, in
// this order, let a user in; reason is for the log. host is the peer's name or
// its address where the name isn't known; groups are all of the user's.
func (s *Server) Permits(name, host, addr string, groups []string) (ok bool, reason string) {
	denied, err := matchUser(name, host, addr, s.DenyUsers)
	if err != nil {
		return false, "malformed DenyUsers: " + err.Error()
	}
	allowed, err := matchUser(name, host, addr, s.AllowUsers)
	if err != nil {
		return false, "malformed AllowUsers: " + err.Error()
	}
	switch {
	case denied:
		return false, "listed in DenyUsers"
	case len(s.AllowUsers) > 0 && !allowed:
		return false, "not listed in AllowUsers"
	case matchGroup(groups, s.DenyGroups):
		return false, "a group is listed in DenyGroups"
	case len(s.AllowGroups) > 0 && !matchGroup(groups, s.AllowGroups):
		return false, "none of the user's groups is listed in AllowGroups"
	}
	return true, ""
}

// matchUser: a pattern is USER or USER@HOST, where HOST is a list of names,
// addresses and networks.
func matchUser(name, host, addr string, patterns []string) (bool, error) {
	ip, _ := netip.ParseAddr(addr)
	for _, word := range patterns {
		at := strings.LastIndexByte(word, '@')
		if at < 0 {
			if pattern.Match(name, word) {
				return true, nil
			}
			continue
		}
		if !pattern.Match(name, word[:at]) {
			continue
		}
		if from, err := pattern.Addr(ip, host, strings.Split(word[at+1:], ",")); from || err != nil {
			return from, err
		}
	}
	return false, nil
}

// matchGroup: a pattern with "!" before it that matches a group ends the search
// without a match.
func matchGroup(groups, patterns []string) bool {
	for _, group := range groups {
		for _, word := range patterns {
			if v := pattern.List(group, word); v != pattern.No {
				return v == pattern.Yes
			}
		}
	}
	return false
}

// Notes returns what was accepted without effect, in the order it was read.
func (s *Server) Notes() []Note { return s.notes }

// Origin says which line gave a keyword its value; ok is false when the value
// is the default.
func (s *Server) Origin(keyword string) (at Origin, ok bool) {
	at = s.origins[strings.ToLower(keyword)]
	return at, at.File != ""
}

// Dump returns the values as "sshd -T" prints them, a line each.
func (s *Server) Dump() []string { return dump(serverTable(), s) }

// ServerDocs returns the manual of sshd_config, a keyword each.
func ServerDocs() []Doc { return docs(serverTable()) }

// home is the home directory of the user who runs the server, for "~".
func home() string {
	if account, err := user.Current(); err == nil {
		return account.HomeDir
	}
	return os.Getenv("HOME")
}
