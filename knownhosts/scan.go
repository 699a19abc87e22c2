package knownhosts

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"

	"github.com/nacre-ssh/nacre/key"
)

// A Marker is the word with @ that may begin a line.
type Marker string

// The markers there are; a line with another one is passed over.
const (
	Plain     Marker = ""
	Authority Marker = "@cert-authority" // the key signs hosts' certificates
	Revoked   Marker = "@revoked"        // the key must never be accepted
)

// A line is one line that could be split, not decoded; its parts are parts of
// the scanner's buffer.
type line struct {
	number int
	marker Marker
	names  []byte
	typ    []byte
	key    []byte // base64
	rest   []byte // comment
}

// A scanner reads a file line by line in one buffer.
type scanner struct {
	r      *bufio.Reader
	number int
	// raw is the current line with its newline, if it has one. For a line
	// beyond MaxLine it is the beginning, and tooLong is set.
	raw     []byte
	tooLong bool

	// mark is what every plain line that could matter holds, nil for unknown;
	// looked is how many bytes ahead were searched for it, and must be read line
	// by line.
	mark   []byte
	looked int
}

func newScanner(r io.Reader) *scanner {
	return &scanner{r: bufio.NewReaderSize(r, MaxLine)}
}

// seek has the scanner pass over whole buffers without a line for a name: no
// hashed name, no wildcard, and nowhere the longest part of the name that upper
// and lower case can't change. Counting lines and searching for a few bytes is
// much less work than looking at each line.
func (s *scanner) seek(name string) {
	s.mark = nil
	run := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && (name[i] < 'a' || name[i] > 'z') && (name[i] < 'A' || name[i] > 'Z') {
			run++
			continue
		}
		if run > len(s.mark) {
			s.mark = []byte(name[i-run : i])
		}
		run = 0
	}
}

// skip passes over buffers until one could hold a line of interest.
func (s *scanner) skip() {
	for s.mark != nil && s.looked <= 0 && !s.tooLong {
		ahead, _ := s.r.Peek(s.r.Size()) // an error comes again when the line is read
		whole := ahead[:bytes.LastIndexByte(ahead, '\n')+1]
		if len(whole) == 0 {
			return
		}
		for _, sign := range [...]byte{'|', '*', '?'} {
			if bytes.IndexByte(whole, sign) >= 0 {
				s.looked = len(whole)
				return
			}
		}
		if s.marked(whole) {
			s.looked = len(whole)
			return
		}
		s.number += bytes.Count(whole, []byte{'\n'})
		s.r.Discard(len(whole))
	}
}

// marked reports whether the names of a line among whole lines could hold the
// mark. What is behind the names, most of a file, is not searched.
func (s *scanner) marked(lines []byte) bool {
	for len(lines) > 0 {
		end := bytes.IndexByte(lines, '\n') // it is there
		first := lines[0]
		if first == '@' || first == ' ' || first == '\t' {
			return true // the names aren't the first word
		}
		names := lines[:end]
		if space := bytes.IndexByte(names, ' '); space >= 0 {
			names = names[:space]
		}
		if bytes.Contains(names, s.mark) {
			return true
		}
		lines = lines[end+1:]
	}
	return false
}

// next steps to the next line. The rest of a line that is too long goes to
// spill, unless that is nil. It returns io.EOF after the last line.
func (s *scanner) next(spill io.Writer) error {
	for s.tooLong {
		chunk, err := s.r.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull && err != io.EOF {
			return err
		}
		if spill != nil {
			if err == io.EOF && len(chunk) > 0 {
				chunk = append(bytes.Clone(chunk), '\n') // as every line that is written has one
			}
			if _, err := spill.Write(chunk); err != nil {
				return err
			}
		}
		s.tooLong = err == bufio.ErrBufferFull
	}
	s.skip()
	raw, err := s.r.ReadSlice('\n')
	s.looked -= len(raw)
	if len(raw) == 0 && err != nil {
		return err
	}
	if err != nil && err != bufio.ErrBufferFull && err != io.EOF {
		return err
	}
	s.number++
	s.raw, s.tooLong = raw, err == bufio.ErrBufferFull
	return nil
}

// names splits off what is needed to see whether the current line is of
// interest: most lines are not, and are looked at no further.
func (s *scanner) names() (l line, ok bool) {
	rest := skipBlanks(s.raw)
	if s.tooLong || len(rest) == 0 || rest[0] == '#' {
		return l, false
	}
	l.number = s.number
	if rest[0] == '@' {
		var word []byte
		word, rest = cut(rest)
		switch {
		case string(word) == string(Authority):
			l.marker = Authority
		case string(word) == string(Revoked):
			l.marker = Revoked
		default:
			return l, false
		}
	}
	l.names, l.rest = cut(rest)
	return l, true
}

// split splits what is behind the names, and reports whether a key is there.
func (l *line) split() bool {
	rest := bytes.TrimRight(l.rest, " \t\r\n")
	if bytes.IndexByte(l.names, 0) >= 0 || bytes.IndexByte(rest, 0) >= 0 {
		return false
	}
	l.typ, rest = cut(rest)
	l.key, l.rest = cut(rest)
	return len(l.key) > 0
}

// cut splits at the first run of spaces and tabs.
func cut(b []byte) (word, rest []byte) {
	end := bytes.IndexByte(b, ' ')
	if end < 0 {
		end = len(b)
	}
	if tab := bytes.IndexByte(b[:end], '\t'); tab >= 0 {
		end = tab
	}
	return b[:end], skipBlanks(b[end:])
}

func skipBlanks(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	return b
}

// blob decodes the key's base64.
func (l *line) blob() ([]byte, error) {
	if len(l.key) > base64.StdEncoding.EncodedLen(key.MaxBlob) {
		return nil, errors.New("key is too long")
	}
	return base64.StdEncoding.AppendDecode(nil, l.key)
}

// entry decodes a line. Its Key is nil where the type isn't known or the key is
// damaged: such a line says nothing about another key, as in OpenSSH.
func (l *line) entry(file string) Entry {
	e := Entry{
		File: file, Line: l.number, Marker: l.marker,
		Names: string(l.names), Type: string(l.typ), Comment: string(l.rest),
	}
	blob, err := l.blob()
	if err != nil {
		return e
	}
	if k, err := key.ParsePublic(blob); err == nil && k.Type() == e.Type {
		e.Key = k
	}
	return e
}

// holds reports whether the line's key is the one with this blob and its
// base64. A revoked key is recognised in any spelling.
func (l *line) holds(blob, encoded []byte) bool {
	if bytes.Equal(l.key, encoded) {
		return true
	}
	if l.marker != Revoked {
		return false
	}
	b, err := l.blob()
	return err == nil && bytes.Equal(b, blob)
}
