package knownhosts

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"

	"github.com/nacre-ssh/nacre/key"
)

// A DB is a list of known_hosts files. It is immutable and safe for concurrent
// use; the zero value knows no host.
type DB struct {
	sources []source
}

// A source is a file, or a text in memory that stands for one.
type source struct {
	name string
	text []byte // nil: the file of that name
}

// An Entry is one line.
type Entry struct {
	File    string
	Line    int // from 1
	Marker  Marker
	Names   string // as written: patterns with commas, or one hashed name
	Type    string // as written before the key
	Key     key.Public
	Comment string
}

// Open names the files, the user's before the system's. They are read at each
// question; one that isn't there is an empty one.
func Open(paths ...string) *DB {
	db := new(DB)
	for _, path := range paths {
		db.sources = append(db.sources, source{name: path})
	}
	return db
}

// Parse takes a file's text, which the caller must not change any more. The
// name is what errors show.
func Parse(name string, text []byte) *DB {
	if text == nil {
		text = []byte{}
	}
	return &DB{[]source{{name, text}}}
}

// Join is all that several know, in their order.
func Join(dbs ...*DB) *DB {
	all := new(DB)
	for _, db := range dbs {
		all.sources = append(all.sources, db.sources...)
	}
	return all
}

func (s *source) open() (io.ReadCloser, error) {
	if s.text != nil {
		return io.NopCloser(bytes.NewReader(s.text)), nil
	}
	return os.Open(s.name)
}

// each calls visit for every line that names a host, until it returns false.
func (db *DB) each(name string, visit func(file string, l *line) bool) error {
	if len(name) == 0 || len(name) > maxName {
		return fmt.Errorf("host name has %d bytes, 1 to %d are taken", len(name), maxName)
	}
	m := newMatcher(name)
	for i := range db.sources {
		more, err := db.sources[i].each(name, m.matches, visit)
		if err != nil {
			return fmt.Errorf("read known hosts: %w", err)
		}
		if !more {
			return nil
		}
	}
	return nil
}

// each passes the lines on whose names are wanted, which name hints at: "" for
// any.
func (s *source) each(name string, wanted func(names []byte) bool, visit func(file string, l *line) bool) (more bool, err error) {
	r, err := s.open()
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer r.Close()
	lines := newScanner(r)
	if name != "" {
		lines.seek(name)
	}
	for {
		if err := lines.next(nil); err == io.EOF {
			return true, nil
		} else if err != nil {
			return false, err
		}
		l, ok := lines.names()
		if !ok || !wanted(l.names) || !l.split() {
			continue
		}
		found := l // on the heap, unlike l
		if !visit(s.name, &found) {
			return false, nil
		}
	}
}

// Lookup returns the lines for a host, with markers and without, at most
// MaxEntries. An Entry's Key is nil where the key can't be read.
func (db *DB) Lookup(host string, port int) ([]Entry, error) {
	var found []Entry
	err := db.each(Name(host, port), func(file string, l *line) bool {
		found = append(found, l.entry(file))
		return len(found) < MaxEntries
	})
	return found, err
}

// LookupKey returns the lines that show a key, whatever the host, at most
// MaxEntries; those with a marker are left out.
func (db *DB) LookupKey(k key.Public) ([]Entry, error) {
	blob := k.Blob()
	encoded := base64.StdEncoding.AppendEncode(nil, blob)
	var found []Entry
	for i := range db.sources {
		more, err := db.sources[i].each("", func([]byte) bool { return true }, func(file string, l *line) bool {
			if l.marker == Plain && l.holds(blob, encoded) {
				found = append(found, l.entry(file))
			}
			return len(found) < MaxEntries
		})
		if err != nil {
			return found, fmt.Errorf("read known hosts: %w", err)
		}
		if !more {
			break
		}
	}
	return found, nil
}

// Check judges the key that a host presented. It returns nil when the key is
// known, *[UnknownError] when no key is, *[OtherTypeError] when only keys of
// other types are, *[ChangedError] when another one of its type is,
// *[RevokedError] when it is revoked, and any other error when a file can't be
// read, which must not pass for an unknown host.
//
// A host at another port than 22 is also known by the key that its name has at
// port 22. With addr (nil unless CheckHostIP is on) a known key must not
// contradict what is known of the address either.
func (db *DB) Check(host string, port int, addr net.Addr, k key.Public) error {
	name := Name(host, port)
	v, err := db.examine(name, k)
	if err != nil {
		return err
	}
	if err := v.refusal(name, k, false); err != nil {
		return err
	}
	if v.known {
		return db.checkAddress(name, port, addr, k)
	}
	if bare := Name(host, 0); bare != name {
		v, err := db.examine(bare, k)
		if err != nil {
			return err
		}
		if v.revoked != nil {
			return v.refusal(bare, k, false)
		}
		if v.known {
			return nil
		}
	}
	return &UnknownError{name, k}
}

func (db *DB) checkAddress(name string, port int, addr net.Addr, k key.Public) error {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || tcp == nil {
		return nil
	}
	ip := Name((&net.IPAddr{IP: tcp.IP, Zone: tcp.Zone}).String(), port)
	if ip == name {
		return nil
	}
	v, err := db.examine(ip, k)
	if err != nil {
		return err
	}
	return v.refusal(ip, k, true)
}

// A verdict is what the lines for one name say about one key.
type verdict struct {
	known   bool
	revoked *Entry
	others  []Entry
}

func (db *DB) examine(name string, k key.Public) (v verdict, err error) {
	blob := k.Blob()
	encoded := base64.StdEncoding.AppendEncode(nil, blob)
	err = db.each(name, func(file string, l *line) bool {
		same := l.holds(blob, encoded)
		switch {
		case l.marker == Revoked && same:
			e := l.entry(file)
			v.revoked = &e
			return false
		case l.marker != Plain:
		case same && string(l.typ) == k.Type():
			v.known = true // and yet a later line may revoke it
		case len(v.others) < MaxEntries:
			if e := l.entry(file); e.Key != nil {
				v.others = append(v.others, e)
			}
		}
		return true
	})
	return v, err
}

func (v *verdict) refusal(name string, k key.Public, byAddress bool) error {
	if v.revoked != nil {
		return &RevokedError{name, v.revoked.File, v.revoked.Line, k}
	}
	if v.known || len(v.others) == 0 {
		return nil
	}
	// The line to look at is the one that holds a key of the same type.
	at := slices.IndexFunc(v.others, func(e Entry) bool { return e.Type == k.Type() })
	if at < 0 && byAddress {
		return nil // no contradiction: the key is known under the name
	}
	if at < 0 {
		return &OtherTypeError{Host: name, Known: v.others, Presented: k}
	}
	return &ChangedError{
		Host: name, ByAddress: byAddress, File: v.others[at].File, Line: v.others[at].Line,
		Known: v.others, Presented: k,
	}
}
