package cert

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/internal/pattern"
	"github.com/nacre-ssh/nacre/key"
)

// Why a certificate is refused.
var (
	ErrKind        = errors.New("certificate is for the other kind of holder")
	ErrAuthority   = errors.New("certificate is signed by an authority that is not trusted")
	ErrAlgorithm   = errors.New("certificate is signed with an algorithm that is not accepted")
	ErrNotYet      = errors.New("certificate is not valid yet")
	ErrExpired     = errors.New("certificate has expired")
	ErrNoPrincipal = errors.New("certificate lacks principals: it would be anybody's")
	ErrPrincipal   = errors.New("certificate is not for this name")
	ErrCritical    = errors.New("certificate has a critical option that is not known")
	ErrSource      = errors.New("certificate is not valid from this address")
)

// A Use is what a certificate is shown for. Its zero value refuses everything.
type Use struct {
	Kind Kind
	// Principal is the name that the certificate must hold: a user's, compared
	// to the letter, or a host's, where the certificate may have wildcards.
	Principal string
	// Principals, where it is not nil, asks instead of Principal for one of
	// these names (AuthorizedPrincipalsFile). Never for hosts.
	Principals []string
	// AnyPrincipal asks for no name in particular, but for one at least.
	AnyPrincipal bool
	Now          time.Time
	// Source is where the holder comes from; users only. Anywhere is for a
	// certificate that is not shown over a connection.
	Source   netip.Addr
	Anywhere bool
	// Authority says whether a key may sign such certificates. Nil: none may.
	Authority func(k key.Public) bool
	// Algorithms are what the authority may have signed with; nil means
	// [AuthorityAlgorithms].
	Algorithms []string
	// RequiredRSASize is in bits; 0: no more than the key room asks for.
	RequiredRSASize int
	// Revoked returns an error when the certificate, the key in it or the
	// authority was revoked; it is asked last. Nil: nothing was.
	Revoked func(c *Certificate) error
}

// AuthorityAlgorithms is what an authority may have signed with unless
// CASignatureAlgorithms says otherwise. RSA with SHA-1 is not among it. The
// caller owns the list.
func AuthorityAlgorithms() []string {
	return []string{
		key.TypeEd25519, key.TypeECDSA256, key.TypeECDSA384, key.TypeECDSA521,
		key.TypeSKEd25519, key.TypeSKECDSA, key.AlgRSASHA512, key.AlgRSASHA256,
	}
}

// Verify is the one judgement about certificates, of users and of hosts: kind,
// authority, the algorithm of its signature, time, principals, critical options,
// address, revocation. What it returns is all that the holder may do.
func Verify(c *Certificate, u Use) (*Grant, error) {
	if c == nil || c.Kind != u.Kind || c.Kind != User && c.Kind != Host {
		return nil, ErrKind
	}
	if u.Authority == nil || !u.Authority(c.Authority) {
		return nil, ErrAuthority
	}
	if err := u.signature(c); err != nil {
		return nil, err
	}
	if err := u.time(c); err != nil {
		return nil, err
	}
	if err := u.principal(c); err != nil {
		return nil, err
	}
	g, err := u.grant(c)
	if err != nil {
		return nil, err
	}
	if u.Revoked != nil {
		if err := u.Revoked(c); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (u *Use) signature(c *Certificate) error {
	algorithms := u.Algorithms
	if algorithms == nil {
		algorithms = AuthorityAlgorithms()
	}
	if !slices.Contains(algorithms, c.SignatureAlgorithm) {
		return fmt.Errorf("%w: %q", ErrAlgorithm, c.SignatureAlgorithm)
	}
	for _, k := range []key.Public{c.Key, c.Authority} {
		if _, isRSA := k.Crypto().(*rsa.PublicKey); isRSA && k.Bits() < u.RequiredRSASize {
			return &key.SizeError{Type: key.TypeRSA, Bits: k.Bits()}
		}
	}
	return nil
}

func (u *Use) time(c *Certificate) error {
	now := u.Now.Unix()
	switch {
	case u.Now.IsZero() || now < 0 || uint64(now) < c.ValidAfter:
		return ErrNotYet
	case uint64(now) >= c.ValidBefore:
		return ErrExpired
	}
	return nil
}

func (u *Use) principal(c *Certificate) error {
	if len(c.Principals) == 0 {
		return ErrNoPrincipal
	}
	if u.AnyPrincipal {
		return nil
	}
	if c.Kind == Host {
		name := strings.ToLower(u.Principal)
		if name != "" && slices.ContainsFunc(c.Principals, func(p string) bool { return pattern.MatchFold(name, p) }) {
			return nil
		}
		return ErrPrincipal
	}
	wanted := u.Principals
	if wanted == nil {
		wanted = []string{u.Principal}
	}
	for _, name := range wanted {
		if name != "" && slices.Contains(c.Principals, name) {
			return nil
		}
	}
	return ErrPrincipal
}

// grant reads the options. There are none that are critical for a host.
func (u *Use) grant(c *Certificate) (*Grant, error) {
	if c.Kind == Host {
		if len(c.Critical) > 0 {
			return nil, fmt.Errorf("%w: %q", ErrCritical, c.Critical[0].Name)
		}
		return &Grant{Expires: c.Expires()}, nil
	}
	g, err := c.grant()
	if err != nil {
		return nil, err
	}
	if !u.Anywhere && !g.from(u.Source) {
		return nil, ErrSource
	}
	return g, nil
}
