package knownhosts

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/key"
)

// Remove takes every line for a host out of a file, as ssh-keygen -R does, and
// returns their numbers, none if there was no such line. The name is as [Name]
// returns it. Comments, order, lines that can't be read and lines with a marker
// stay.
func Remove(path, name string) (removed []int, err error) {
	m := newMatcher(lower(name))
	err = Rewrite(path, func(w io.Writer, l *Line) error {
		if l.Status == Sound && l.Marker == Plain && m.matches(l.Names) {
			removed = append(removed, l.Number)
			return nil
		}
		return l.Keep(w)
	}, func(io.Writer) error {
		if len(removed) == 0 {
			return ErrKeep
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("remove a known host: %w", err)
	}
	return removed, nil
}

// Replace makes keys all that a file knows of a host: a line for the host with
// another key goes, a key without a line gets one at the end, under a hashed
// name if hash is set. A line for other hosts, too, loses this one's name. It
// returns how many lines came and went or changed; when that is none the file is
// not touched. Lines with a marker or wildcards, which speak for hosts that
// nobody knows, stay.
func Replace(path, host string, port int, keys []key.Public, hash bool) (added, removed int, err error) {
	name := Name(host, port)
	m := newMatcher(name)
	missing := slices.Clone(keys)
	err = Rewrite(path, func(w io.Writer, l *Line) error {
		if l.Status != Sound || l.Marker != Plain || !m.matches(l.Names) {
			return l.Keep(w)
		}
		if slices.ContainsFunc(keys, l.holds) {
			missing = slices.DeleteFunc(missing, l.holds)
			return l.Keep(w)
		}
		if HasWildcard(l) {
			return l.Keep(w)
		}
		removed++
		return l.keepWithout(w, name)
	}, func(w io.Writer) error {
		added = len(missing)
		if added == 0 && removed == 0 {
			return ErrKeep
		}
		for _, k := range missing {
			text, err := lineOf(name, k, hash)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(w, text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("replace known host keys: %w", err)
	}
	return added, removed, nil
}

// keepWithout writes the line with one name less, or nothing if that was all.
func (l *Line) keepWithout(w io.Writer, name string) error {
	if bytes.HasPrefix(l.Names, []byte{'|'}) {
		return nil
	}
	words := strings.Split(string(l.Names), ",")
	words = slices.DeleteFunc(words, func(word string) bool { return lower(word) == name || word == "" })
	if len(words) == 0 {
		return nil
	}
	_, err := io.WriteString(w, strings.Join(words, ",")+" "+string(l.Rest)+"\n")
	return err
}

// holds reports whether a line shows a key.
func (l *Line) holds(k key.Public) bool {
	typ, rest := cut(l.Rest)
	encoded, _ := cut(rest)
	return string(typ) == k.Type() && string(encoded) == base64.StdEncoding.EncodeToString(k.Blob())
}
