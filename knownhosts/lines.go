package knownhosts

import (
	"bytes"
	"errors"
	"io"

	"github.com/nacre-ssh/nacre/key"
)

// A Status says what a line is, as ssh-keygen sees it.
type Status int

// The kinds of lines.
const (
	Sound   Status = iota // names and a key of a known type, which is not decoded
	Comment               // blank, or it begins with #
	Invalid               // neither
)

// A Line is one line of a file that is looked through as a whole. What it holds
// is valid until the next one comes.
type Line struct {
	Number int // from 1
	Status Status
	Marker Marker
	Names  []byte // as written
	Rest   []byte // type, key and comment, as written
	// Raw is the line without its newline. Of a line beyond [MaxLine], which is
	// Invalid, it is the beginning.
	Raw []byte

	raw   []byte // with the newline, where there is one
	spill io.Writer
}

// Keep writes the line as it was. The last line of a file gets the newline that
// it may have lacked.
func (l *Line) Keep(w io.Writer) error {
	if _, err := w.Write(l.raw); err != nil || len(l.raw) == len(l.Raw)+1 || len(l.raw) >= MaxLine {
		return err
	}
	_, err := w.Write([]byte{'\n'})
	return err
}

// A Finder finds the lines that name a host.
type Finder struct{ m *matcher }

// NewFinder prepares for the questions about one host. The name is as [Name]
// returns it.
func NewFinder(name string) *Finder { return &Finder{newMatcher(lower(name))} }

var errHash = errors.New("hashed name is damaged")

// Find reports whether a line names the host; the error says that its hashed
// name is none.
func (f *Finder) Find(l *Line) (bool, error) {
	if f.m.matches(l.Names) {
		return true, nil
	}
	if bytes.HasPrefix(l.Names, []byte{'|'}) && !isHashed(l.Names) {
		return false, errHash
	}
	return false, nil
}

// Scan calls visit for each line, until it returns an error. It holds one line
// at a time.
func Scan(r io.Reader, visit func(l *Line) error) error {
	lines := newScanner(r)
	var l Line
	for {
		if err := lines.next(l.spill); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		l = lines.line(l.spill)
		if err := visit(&l); err != nil {
			return err
		}
	}
}

// Find calls visit for each sound line that names a host, until it returns an
// error. It looks at all others no further than at their names. The name is as
// [Name] returns it.
func Find(r io.Reader, name string, visit func(l *Line) error) error {
	m := newMatcher(lower(name))
	lines := newScanner(r)
	lines.seek(m.name)
	for {
		if err := lines.next(nil); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if parts, ok := lines.names(); !ok || !m.matches(parts.names) {
			continue
		}
		l := lines.line(nil)
		if l.Status != Sound {
			continue
		}
		if err := visit(&l); err != nil {
			return err
		}
	}
}

func (s *scanner) line(spill io.Writer) Line {
	l := Line{Number: s.number, Status: Invalid, Raw: bytes.TrimSuffix(s.raw, []byte{'\n'}), raw: s.raw, spill: spill}
	text := skipBlanks(s.raw)
	if len(text) == 0 || text[0] == '#' {
		l.Status = Comment
		return l
	}
	parts, ok := s.names()
	if !ok {
		return l
	}
	l.Marker, l.Names, l.Rest = parts.marker, parts.names, bytes.TrimSuffix(parts.rest, []byte{'\n'})
	if typ, rest := cut(l.Rest); key.TypeOf(string(typ)) != "" && len(rest) > 0 && rest[0] != '#' {
		l.Status = Sound
	}
	return l
}

// Entry decodes a sound line; see [Entry] for what becomes of a damaged key.
func (l *Line) Entry(file string) Entry {
	parts := line{number: l.Number, marker: l.Marker, names: l.Names, rest: l.Rest}
	if !parts.split() {
		return Entry{File: file, Line: l.Number, Marker: l.Marker, Names: string(l.Names)}
	}
	return parts.entry(file)
}
