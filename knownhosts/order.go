package knownhosts

import (
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/key"
)

// certificate ends the name of every certificate's algorithm
// (PROTOCOL.certkeys).
const certificate = "-cert-v01@openssh.com"

// Types returns the types of the keys that are known for a host, in the files'
// order, as [DB.Check] would find them.
func (db *DB) Types(host string, port int) ([]string, error) {
	types, _, err := db.known(host, port)
	return types, err
}

// known says which types of keys are known for a host, and whether an authority
// is.
func (db *DB) known(host string, port int) (types []string, authority bool, err error) {
	for _, name := range names(host, port) {
		err := db.each(name, func(_ string, l *line) bool {
			authority = authority || l.marker == Authority
			if l.marker == Plain && !slices.Contains(types, string(l.typ)) && key.TypeOf(string(l.typ)) != "" {
				types = append(types, string(l.typ))
			}
			return len(types) < MaxEntries
		})
		if err != nil || len(types) > 0 || authority {
			return types, authority, err
		}
	}
	return nil, false, nil
}

// Algorithms returns offered with the algorithms first that what is known for
// the host can judge, both parts in their order: those of a known key, and
// certificates where an authority is known. When the files can't be read it
// returns offered as it is, and the error. The caller owns the result.
func (db *DB) Algorithms(host string, port int, offered []string) ([]string, error) {
	types, authority, err := db.known(host, port)
	rank := func(algorithm string) int {
		known := slices.Contains(types, key.TypeOf(algorithm))
		if strings.HasSuffix(algorithm, certificate) {
			known = authority
		}
		if known {
			return 0
		}
		return 1
	}
	ordered := slices.Clone(offered)
	slices.SortStableFunc(ordered, func(a, b string) int { return rank(a) - rank(b) })
	return ordered, err
}
