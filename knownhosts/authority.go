package knownhosts

import (
	"bytes"
	"encoding/base64"

	"github.com/nacre-ssh/nacre/key"
)

// CheckAuthority judges the authority behind a host's certificate. It returns
// nil when a line with @cert-authority trusts it for the host, *[RevokedError]
// when it or the certified key is revoked, *[UnknownAuthorityError] when nothing
// is known of it, and any other error when a file can't be read. The
// certificate itself is for the room cert to judge.
//
// A host at another port than 22 may also be vouched for by an authority of its
// name at port 22.
func (db *DB) CheckAuthority(host string, port int, authority, certified key.Public) error {
	if err := db.IsRevoked(host, port, certified); err != nil {
		return err
	}
	if err := db.IsRevoked(host, port, authority); err != nil {
		return err
	}
	for _, name := range names(host, port) {
		trusted, err := db.vouches(name, authority)
		if trusted || err != nil {
			return err
		}
	}
	return &UnknownAuthorityError{Name(host, port), authority}
}

// names are those that a host is known by, the one with its port first.
func names(host string, port int) []string {
	name, bare := Name(host, port), Name(host, 0)
	if name == bare {
		return []string{name}
	}
	return []string{name, bare}
}

func (db *DB) vouches(name string, authority key.Public) (trusted bool, err error) {
	blob := authority.Blob()
	encoded := base64.StdEncoding.AppendEncode(nil, blob)
	err = db.each(name, func(_ string, l *line) bool {
		trusted = l.marker == Authority && string(l.typ) == authority.Type() && bytes.Equal(l.key, encoded)
		return !trusted
	})
	return trusted, err
}

// Authorities returns the lines whose key may certify a host, at most
// MaxEntries; those that are revoked for it are left out.
func (db *DB) Authorities(host string, port int) ([]Entry, error) {
	var found []Entry
	for _, name := range names(host, port) {
		err := db.each(name, func(file string, l *line) bool {
			if l.marker == Authority {
				if e := l.entry(file); e.Key != nil {
					found = append(found, e)
				}
			}
			return len(found) < MaxEntries
		})
		if err != nil {
			return nil, err
		}
	}
	var trusted []Entry
	for _, e := range found {
		err := db.IsRevoked(host, port, e.Key)
		if _, revoked := err.(*RevokedError); err != nil && !revoked {
			return nil, err
		}
		if err == nil {
			trusted = append(trusted, e)
		}
	}
	return trusted, nil
}

// IsRevoked returns a *[RevokedError] when a key is revoked for a host, under
// its name with the port or without, whatever else is known of it.
func (db *DB) IsRevoked(host string, port int, k key.Public) error {
	for _, name := range names(host, port) {
		v, err := db.examine(name, k)
		if err != nil {
			return err
		}
		if v.revoked != nil {
			return v.refusal(name, k, false)
		}
	}
	return nil
}
