package server

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/kex"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/transport"
)

// Config says who is let in and what they get. HostKeys, a policy and a Handler
// (or HandOver) are needed; the zero value of every other field is usable. A
// Config is not changed once it was given to a [Server].
type Config struct {
	// HostKeys prove who the server is; at most one of a type is used.
	HostKeys []key.Signer
	// Policy knows the users. PolicyFor, if set, makes one for each
	// connection instead: for policies that look at where the peer is.
	Policy    auth.Policy
	PolicyFor func(Peer) auth.Policy
	// Handler starts what sessions ask for; nil refuses it.
	Handler Handler

	Algorithms transport.Algorithms
	// ParseUserKey reads the keys that users show; nil: key.ParsePublic. With
	// cert.ParsePublic accounts are asked about certificates, too.
	ParseUserKey func(blob []byte) (key.Public, error)
	// UserKeyAlgorithms are the signature algorithms taken for publickey;
	// empty: auth.DefaultAlgorithms.
	UserKeyAlgorithms []string
	RequiredRSASize   int // bits; 0: 1024
	RequireStrictKex  bool
	Moduli            kex.Moduli // nil: the built-in groups
	RekeyBytes        uint64     // 0: by cipher
	RekeyInterval     time.Duration
	// Banner is shown before authentication; nil: none.
	Banner               func(user string) string
	PermitEmptyPasswords bool
	MaxAuthTries         int           // 0: 6
	LoginGraceTime       time.Duration // 0: two minutes; negative: no limit
	// Gate decides which connections are begun at all; nil lets all in.
	Gate Gate

	MaxSessions int // at once, on one connection; 0: 10; negative: none at all
	// Subsystems are command lines by the name that clients ask for.
	Subsystems map[string]string
	// AcceptEnv says which variables clients may set; nil: none.
	AcceptEnv    func(name string) bool
	NoPTY        bool // nobody gets a terminal
	Forwarding   Forwarding
	KeepAlive    time.Duration // silence after which the client is asked for a sign of life; 0: never
	KeepAliveMax int
	// QoS are the classes of service of packets; nil leaves them alone.
	QoS *mux.QoS
	// Timeouts close idle channels, and UnusedTimeout ends connections
	// without any; 0: never.
	Timeouts      []mux.Timeout
	UnusedTimeout time.Duration

	// HandOver, if set, gets every connection once it is authenticated, and
	// gives it to another process. The socket stays the server's, who closes
	// its own copy afterwards. An error ends the connection.
	HandOver func(ctx context.Context, h *Handover) error

	Logger *slog.Logger // nil: silent
}

// LevelVerbose is sshd's VERBOSE: between slog's info and debug.
const LevelVerbose = slog.Level(-2)

// Defaults, as in sshd_config(5).
const (
	defaultGrace    = 2 * time.Minute
	defaultSessions = 10
)

// Limits of ours.
const (
	// maxVariables and maxEnvironment cap what one session may set before it
	// starts, in variables and bytes.
	maxVariables   = 128
	maxEnvironment = 64 << 10
	maxTerm        = 256 // bytes of a terminal's name
	// maxProofs caps the host keys that one request asks proofs of.
	maxProofs = 64
)

// Peer is where a connection comes from and goes to. The addresses are invalid
// where there are none (a Unix socket, a pipe).
type Peer struct {
	Remote, Local netip.AddrPort
	Log           *slog.Logger // the connection's own; never nil
}

// Gate decides about new connections from what they are before anything is read
// of them. It must not wait. Safe for concurrent use; *login.Startups is one.
type Gate interface {
	// Admit counts a connection in, or says why it is dropped.
	Admit(from netip.Addr, now time.Time) error
	// Done counts a connection out that was let in: it has logged in, or it
	// is gone.
	Done(from netip.Addr)
}

// settings is a Config with what is made of it once.
type settings struct {
	Config
	transport transport.Config
}

func newSettings(c Config) (*settings, error) {
	switch {
	case len(c.HostKeys) == 0:
		return nil, errors.New("a server needs at least one host key")
	case c.Policy == nil && c.PolicyFor == nil:
		return nil, errors.New("a server needs a policy that says who may log in")
	}
	return settingsOf(c), nil
}

func settingsOf(c Config) *settings {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.LoginGraceTime == 0 {
		c.LoginGraceTime = defaultGrace
	}
	if c.MaxSessions == 0 {
		c.MaxSessions = defaultSessions
	}
	return &settings{Config: c, transport: transport.Config{
		Algorithms: c.Algorithms, RekeyBytes: c.RekeyBytes, RekeyInterval: c.RekeyInterval,
		RequireStrictKex: c.RequireStrictKex, HostKeys: c.HostKeys, UserKeyAlgorithms: announced(c.UserKeyAlgorithms),
		Moduli: c.Moduli, Exportable: c.HandOver != nil,
	}}
}

// announced are the algorithms for server-sig-algs, which names those that
// signatures are made with: a certificate's are its key's (RFC 8308,
// section 3.1).
func announced(algorithms []string) []string {
	var plain []string
	for _, name := range algorithms {
		if name = cert.Plain(name); !slices.Contains(plain, name) {
			plain = append(plain, name)
		}
	}
	return plain
}
