package cert

import (
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/key"
)

// A KRL is a key revocation list (PROTOCOL.krl). The zero value revokes
// nothing. Looking up is safe for concurrent use as long as nobody adds.
type KRL struct {
	Version   uint64
	Generated uint64 // seconds since 1970
	Comment   string

	keys    map[string]key.Public // by blob
	sha1s   map[[sha1.Size]byte]struct{}
	sha256s map[[sha256.Size]byte]struct{}
	// authorities are in the order they were added; the one with a nil key is
	// every authority.
	authorities []*revokedCerts
	ranges      int // of all authorities, against maxRanges
}

// revokedCerts are the certificates that one authority's list revokes.
type revokedCerts struct {
	authority key.Public
	serials   []span // sorted by lo, disjoint and not adjacent once tidied
	tidy      bool
	ids       map[string]struct{}
}

// A span is a range of serials with both its ends.
type span struct{ lo, hi uint64 }

// ErrRevoked is wrapped by what [KRL.Check] returns.
var ErrRevoked = errors.New("key is revoked")

// Check returns an error when a key, or for a certificate its key, its
// authority, its serial or its key id, is revoked.
func (l *KRL) Check(k key.Public) error {
	plain := PlainKey(k)
	if l.hasKey(plain) {
		return ErrRevoked
	}
	c, ok := k.(*Certificate)
	if !ok {
		return nil
	}
	if l.hasKey(c.Authority) {
		return fmt.Errorf("%w: it is the certificate's authority", ErrRevoked)
	}
	for _, a := range l.authorities {
		if (a.authority == nil || key.Equal(a.authority, c.Authority)) && a.holds(&c.Contents) {
			return fmt.Errorf("%w: the certificate with serial %d and id %q", ErrRevoked, c.Serial, c.KeyID)
		}
	}
	return nil
}

func (l *KRL) hasKey(k key.Public) bool {
	if _, ok := l.keys[string(k.Blob())]; ok {
		return true
	}
	if len(l.sha1s) > 0 {
		if _, ok := l.sha1s[sha1.Sum(k.Blob())]; ok {
			return true
		}
	}
	if len(l.sha256s) > 0 {
		if _, ok := l.sha256s[sha256.Sum256(k.Blob())]; ok {
			return true
		}
	}
	return false
}

// holds looks the id and the serial up. Serial 0 is what authorities sign that
// don't number their certificates: it means none in particular.
func (a *revokedCerts) holds(c *Contents) bool {
	if _, ok := a.ids[c.KeyID]; ok {
		return true
	}
	if c.Serial == 0 {
		return false
	}
	_, found := slices.BinarySearchFunc(a.serials, c.Serial, func(s span, n uint64) int {
		switch {
		case s.hi < n:
			return -1
		case s.lo > n:
			return 1
		}
		return 0
	})
	return found
}

// RevokeKey revokes a plain key; of a certificate, its key.
func (l *KRL) RevokeKey(k key.Public) {
	if l.keys == nil {
		l.keys = map[string]key.Public{}
	}
	k = PlainKey(k)
	l.keys[string(k.Blob())] = k
}

// RevokeSHA1 and RevokeSHA256 revoke the key whose blob has a digest.
func (l *KRL) RevokeSHA1(digest [sha1.Size]byte) {
	if l.sha1s == nil {
		l.sha1s = map[[sha1.Size]byte]struct{}{}
	}
	l.sha1s[digest] = struct{}{}
}

// RevokeSHA256 is the better of the two.
func (l *KRL) RevokeSHA256(digest [sha256.Size]byte) {
	if l.sha256s == nil {
		l.sha256s = map[[sha256.Size]byte]struct{}{}
	}
	l.sha256s[digest] = struct{}{}
}

// RevokeSerials revokes the certificates from lo to hi, both included, of an
// authority; nil means of every authority.
func (l *KRL) RevokeSerials(authority key.Public, lo, hi uint64) error {
	if lo == 0 || hi < lo {
		return fmt.Errorf("serials from %d to %d: they begin with 1", lo, hi)
	}
	a, err := l.of(authority)
	if err != nil {
		return err
	}
	if err := l.add(a, span{lo, hi}); err != nil {
		return err
	}
	a.sort()
	return nil
}

// RevokeID revokes the certificates with a key id.
func (l *KRL) RevokeID(authority key.Public, id string) error {
	if strings.IndexByte(id, 0) >= 0 {
		return errors.New("key id has a NUL in it")
	}
	a, err := l.of(authority)
	if err != nil {
		return err
	}
	if a.ids == nil {
		a.ids = map[string]struct{}{}
	}
	a.ids[id] = struct{}{}
	return nil
}

// Revoke revokes a key, or a certificate by its serial, or by its id where it
// has no serial.
func (l *KRL) Revoke(k key.Public) error {
	c, ok := k.(*Certificate)
	switch {
	case !ok:
		l.RevokeKey(k)
		return nil
	case c.Serial == 0:
		return l.RevokeID(c.Authority, c.KeyID)
	}
	return l.RevokeSerials(c.Authority, c.Serial, c.Serial)
}

// of finds an authority's list, or begins it.
func (l *KRL) of(authority key.Public) (*revokedCerts, error) {
	for _, a := range l.authorities {
		if a.authority == nil && authority == nil || key.Equal(a.authority, authority) {
			return a, nil
		}
	}
	if len(l.authorities) == maxAuthorities {
		return nil, fmt.Errorf("there are more than %d authorities", maxAuthorities)
	}
	a := &revokedCerts{authority: authority, tidy: true}
	l.authorities = append(l.authorities, a)
	return a, nil
}

// add appends a span; [revokedCerts.sort] must follow before anybody looks.
func (l *KRL) add(a *revokedCerts, s span) error {
	if n := len(a.serials); n > 0 && a.tidy && s.lo > a.serials[n-1].hi {
		// The common case: in order.
		if s.lo-1 == a.serials[n-1].hi {
			a.serials[n-1].hi = s.hi
			return nil
		}
	} else if n > 0 {
		a.tidy = false
	}
	if l.ranges++; l.ranges > maxRanges {
		return fmt.Errorf("there are more than %d ranges of serials", maxRanges)
	}
	a.serials = append(a.serials, s)
	return nil
}

// sort brings the spans in order and joins those that touch.
func (a *revokedCerts) sort() {
	if a.tidy {
		return
	}
	a.tidy = true
	slices.SortFunc(a.serials, func(x, y span) int {
		switch {
		case x.lo < y.lo:
			return -1
		case x.lo > y.lo:
			return 1
		}
		return 0
	})
	joined := a.serials[:1]
	for _, s := range a.serials[1:] {
		last := &joined[len(joined)-1]
		if last.hi == Forever || s.lo <= last.hi+1 {
			last.hi = max(last.hi, s.hi)
			continue
		}
		joined = append(joined, s)
	}
	a.serials = joined
}
