package auth

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
)

// A Permit says that a step of authentication succeeded and what the session
// may do. It is immutable: nobody changes it, or what it refers to, once it was
// returned. The zero Permit restricts nothing; a nil *Permit is a refusal.
type Permit struct {
	// Sources are where the user may come from: every list must match. A list
	// holds addresses, CIDR ranges and wildcards, "!" negates, as in
	// authorized_keys' from option; a list without entries matches nowhere.
	Sources [][]string
	// Expires is when the permit ends. Zero: never.
	Expires time.Time
	// ForceCommand is run in place of what the client asks for. Empty: none.
	ForceCommand string
	// Environment are NAME=VALUE settings for the session.
	Environment []string
	// PermitOpen and PermitListen are the host:port pairs that may be
	// forwarded to, and listened on: every list must match. No lists: any. A
	// list without entries permits nothing.
	PermitOpen   [][]string
	PermitListen [][]string

	// Tunnels are numbers of network devices: the one that a tunnel has must be
	// every one of them. None: any.
	Tunnels []int

	NoPTY         bool
	NoPortForward bool
	NoTunnel      bool
	NoAgent       bool
	NoX11         bool
	NoUserRC      bool

	// NoTouchRequired lets a security key sign without its holder's touch, the
	// one field that permits more; VerifyRequired demands a PIN or a finger as
	// well. Both are about the key of this step.
	NoTouchRequired bool
	VerifyRequired  bool

	// Steps tell how the user got here, in order, for the log. Server fills
	// them in.
	Steps []Step
}

// A Step is one successful method.
type Step struct {
	Method      string
	KeyType     string // publickey: the key's type
	Algorithm   string // publickey: what it signed with
	Fingerprint string // publickey: SHA256:...
}

// Why a permit doesn't hold.
var (
	ErrForcedCommands = errors.New("the steps of this login force different commands")
	ErrSource         = errors.New("the login is not permitted from this address")
	ErrExpired        = errors.New("the permit has expired")
	ErrNotTouched     = errors.New("the security key was not touched")
	ErrNotVerified    = errors.New("the security key did not ask for a PIN or a finger")
)

// Merge returns the permit of a login that took both steps: whatever either
// restricts is restricted. Different forced commands can't both be kept, which
// is an error. Of settings of the same name in the environment the first
// step's stays. A nil first permit is no step.
func Merge(first, second *Permit) (*Permit, error) {
	if second == nil {
		return nil, errors.New("a refused step can't be merged")
	}
	if first == nil {
		first = &Permit{}
	}
	command, err := mergeCommand(first.ForceCommand, second.ForceCommand)
	if err != nil {
		return nil, err
	}
	return &Permit{
		Sources:       slices.Concat(first.Sources, second.Sources),
		Expires:       earlier(first.Expires, second.Expires),
		ForceCommand:  command,
		Environment:   mergeEnvironment(first.Environment, second.Environment),
		PermitOpen:    slices.Concat(first.PermitOpen, second.PermitOpen),
		PermitListen:  slices.Concat(first.PermitListen, second.PermitListen),
		Tunnels:       slices.Concat(first.Tunnels, second.Tunnels),
		NoPTY:         first.NoPTY || second.NoPTY,
		NoPortForward: first.NoPortForward || second.NoPortForward,
		NoTunnel:      first.NoTunnel || second.NoTunnel,
		NoAgent:       first.NoAgent || second.NoAgent,
		NoX11:         first.NoX11 || second.NoX11,
		NoUserRC:      first.NoUserRC || second.NoUserRC,

		NoTouchRequired: first.NoTouchRequired && second.NoTouchRequired,
		VerifyRequired:  first.VerifyRequired || second.VerifyRequired,

		Steps: slices.Concat(first.Steps, second.Steps),
	}, nil
}

func mergeCommand(first, second string) (string, error) {
	if first != "" && second != "" && first != second {
		return "", ErrForcedCommands
	}
	if first != "" {
		return first, nil
	}
	return second, nil
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func mergeEnvironment(first, second []string) []string {
	merged := slices.Clone(first)
	for _, setting := range second {
		name, _, _ := strings.Cut(setting, "=")
		taken := slices.ContainsFunc(first, func(s string) bool { return strings.HasPrefix(s, name+"=") })
		if !taken {
			merged = append(merged, setting)
		}
	}
	return merged
}

// Check is the one place where a permit is held against where the user comes
// from and when: every step of every method passes through it, with the permits
// of the steps before merged in. host is the peer's verified name, or empty. An
// invalid addr (a peer without an IP address) fails any restriction.
func (p *Permit) Check(addr netip.Addr, host string, now time.Time) error {
	if !p.Expires.IsZero() && !now.Before(p.Expires) {
		return ErrExpired
	}
	for _, list := range p.Sources {
		if !matchSource(list, addr, host) {
			return ErrSource
		}
	}
	return nil
}

// checkTouch holds the flags of a security key's signature against the permit.
func (p *Permit) checkTouch(flags byte) error {
	if !p.NoTouchRequired && flags&key.SKUserPresent == 0 {
		return ErrNotTouched
	}
	if p.VerifyRequired && flags&key.SKUserVerified == 0 {
		return ErrNotVerified
	}
	return nil
}

// CertificatePermit is what a certificate's grant leaves its holder. It is the
// one place where a certificate's options become restrictions: what an extension
// doesn't permit is refused.
func CertificatePermit(g *cert.Grant) *Permit {
	p := &Permit{
		ForceCommand: g.ForceCommand, Expires: g.Expires,
		NoPTY: !g.PTY, NoPortForward: !g.PortForwarding, NoAgent: !g.AgentForwarding,
		NoX11: !g.X11Forwarding, NoUserRC: !g.UserRC,
		NoTouchRequired: g.NoTouchRequired, VerifyRequired: g.VerifyRequired,
	}
	if g.Sources != nil {
		p.Sources = [][]string{g.Sources}
	}
	return p
}
