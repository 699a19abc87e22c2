package knownhosts

import (
	"bytes"
	"io"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// Hide writes a sound line with its names hashed, one line for each, as
// ssh-keygen -H does, and reports whether there were names to hash. A line that
// is hashed already, has a marker or wildcards is written as it is.
func Hide(w io.Writer, l *Line) (hidden bool, err error) {
	if l.Marker != Plain || bytes.HasPrefix(l.Names, []byte{'|'}) || HasWildcard(l) {
		return false, l.Keep(w)
	}
	for name := range bytes.SplitSeq(l.Names, []byte{','}) {
		if len(name) == 0 {
			break
		}
		if _, err := io.WriteString(w, hashed(lower(string(name)))+" "+string(l.Rest)+"\n"); err != nil {
			return hidden, err
		}
		hidden = true
	}
	return hidden, nil
}

// HasWildcard reports whether a line's names are patterns.
func HasWildcard(l *Line) bool { return bytes.ContainsAny(l.Names, pattern.Special) }

// Hash hides every name of a file that can be hidden, and reports whether there
// was one; if not the file is not touched.
func Hash(path string) (hidden bool, err error) {
	err = Rewrite(path, func(w io.Writer, l *Line) error {
		if l.Status != Sound {
			return l.Keep(w)
		}
		one, err := Hide(w, l)
		hidden = hidden || one
		return err
	}, func(io.Writer) error {
		if !hidden {
			return ErrKeep
		}
		return nil
	})
	return hidden, err
}

// HashName is a host's name as it can't be read back. The name is as [Name]
// returns it; its salt is another one each time.
func HashName(name string) string { return hashed(name) }
