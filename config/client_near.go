package config

import (
	"slices"
	"strings"
)

// NearHosts returns the names of Host lines that q.Host may have been meant for:
// those that differ by their case or by a letter or two, at most a few. Patterns
// with wildcards are no names. What can't be read has no names.
func NearHosts(q ClientQuery) []string {
	q.OnlyShow = true
	q.Exec = func(string) (bool, error) { return false, nil }
	q.Lookup = func(string) (string, error) { return "", nil }
	l, err := newClientLoader(q)
	if err != nil {
		return nil
	}
	var names []string
	l.all = true
	l.opened = func(b *blockLine) {
		if b.kind == "Host" && !l.final && len(names) < maxList {
			names = append(names, b.words...)
		}
	}
	if err := l.load(); err != nil && len(names) == 0 {
		return nil
	}
	return nearNames(q.Host, names)
}

// maxNear is how many names are proposed.
const maxNear = 3

// nearNames are the names that a name may have been meant for, best first.
func nearNames(name string, known []string) []string {
	type candidate struct {
		name string
		far  int
	}
	var found []candidate
	for _, other := range known {
		if strings.ContainsAny(other, "*?!") || other == name {
			continue
		}
		far := distance(strings.ToLower(name), strings.ToLower(other))
		if far <= nearEnough(name) && !slices.ContainsFunc(found, func(c candidate) bool { return c.name == other }) {
			found = append(found, candidate{other, far})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.far - b.far })
	var names []string
	for _, c := range found[:min(len(found), maxNear)] {
		if c.far > 0 && found[0].far == 0 {
			break // another case alone: that is it
		}
		names = append(names, c.name)
	}
	return names
}

// nearEnough is how many letters may be wrong: in a short name few.
func nearEnough(name string) int { return min(2, len(name)/3) }
