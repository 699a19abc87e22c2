package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// A row is one keyword of a table: everything there is to know about it.
type row[T any] struct {
	name string // as the manual spells it
	value[T]
	def   string // in the words of the file; "" leaves the zero value
	multi bool   // each line adds to the value; otherwise the first one wins
	scope scope
	doc   string // one sentence for the manual
}

// A scope says where a keyword may stand.
type scope int

const (
	anywhere   scope = iota
	globalOnly       // sshd_config: not in a Match block
)

// An other is a keyword that OpenSSH has and nacre has not.
type other struct {
	names string // separated by blanks, as the manual spells them
	// accept are the values, lower case and separated by blanks, that ask for
	// nothing we lack; "*" accepts every value with a note.
	accept string
	// why says what ignoring the keyword would do (for a refusal), or what
	// doesn't happen (for a note).
	why  string
	warn bool // the note is printed always
}

// A setting is the first value of a keyword that isn't supported.
type setting struct {
	Origin
	name  string
	value string
	other *other
}

// A loader reads lines into a T by a table. One goroutine, one use.
type loader[T any] struct {
	into   *T
	rows   map[string]*row[T] // by name in lower case, old names too
	others map[string]*other
	known  *Known
	getenv func(string) (string, bool)

	// seen, if set, is told of each line that sets a keyword of the table: value
	// is what it says, won that it counts.
	seen func(r *row[T], at Origin, value string, won bool)
	// all goes on after a file with problems, to find those of the next;
	// untrusted are the files that others may write then.
	all       bool
	untrusted []string

	inBlock bool     // lines are in a Match block of sshd_config
	fixed   []string // keywords whose lists are complete, though lines could add to them

	// everywhere has lines that don't apply checked for what isn't supported.
	everywhere bool

	active   bool // lines apply: not inside a Host or Match that didn't match
	origins  map[string]Origin
	written  map[string]string // the first value of each keyword, as it stands
	settings map[string]setting
	notes    []Note
	problems []Problem
	files    int    // read so far
	ignored  string // IgnoreUnknown
	cased    bool   // bad keywords are printed as written (sshd)
}

func newLoader[T any](table []row[T], others []other, aliases [][2]string, known *Known) *loader[T] {
	l := &loader[T]{
		into:     new(T),
		rows:     make(map[string]*row[T], len(table)+len(aliases)),
		others:   make(map[string]*other, 2*len(others)),
		known:    known,
		active:   true,
		origins:  make(map[string]Origin),
		written:  make(map[string]string),
		settings: make(map[string]setting),
	}
	for i := range table {
		l.rows[strings.ToLower(table[i].name)] = &table[i]
	}
	for i := range others {
		for _, name := range strings.Fields(others[i].names) {
			l.others[strings.ToLower(name)] = &others[i]
		}
	}
	for _, alias := range aliases {
		l.rows[strings.ToLower(alias[0])] = l.rows[strings.ToLower(alias[1])]
	}
	return l
}

// set applies one keyword with its words; an error is the line's problem.
func (l *loader[T]) set(keyword string, a *args, at Origin) error {
	name := strings.ToLower(keyword)
	if name == "ignoreunknown" && l.rows[name] != nil && l.active && l.ignored == "" && len(a.words) > 0 {
		l.ignored = a.words[0]
	}
	if r := l.rows[name]; r != nil {
		return l.setRow(r, keyword, a, at)
	}
	if o := l.others[name]; o != nil {
		l.setOther(o, name, a, at)
		return nil
	}
	if l.ignored != "" && pattern.List(name, strings.ToLower(l.ignored)) == pattern.Yes {
		l.note(Note{Origin: at, Keyword: keyword, Text: "unknown, and ignored because of IgnoreUnknown"})
		return nil
	}
	if !l.cased {
		keyword = name
	}
	return unknownKeyword(keyword)
}

// unknownKeyword is the error of a keyword that nobody knows.
type unknownKeyword string

func (e unknownKeyword) Error() string {
	return "Bad configuration option: " + printable(string(e))
}

// setRow parses into the real value only where the line counts; elsewhere it
// parses into a scratch value, so that a bad line is found all the same.
func (l *loader[T]) setRow(r *row[T], keyword string, a *args, at Origin) error {
	name := strings.ToLower(r.name)
	if r.scope == globalOnly && l.inBlock {
		return complain("Directive '%s' is not allowed within a Match block", printable(keyword))
	}
	_, taken := l.origins[name]
	more := r.multi && !slices.Contains(l.fixed, name)
	to := l.into
	if !l.active || taken && !more {
		to = new(T)
	}
	a.known, a.getenv, a.origins, a.commandLine = l.known, l.getenv, l.origins, at.Line == 0
	text := strings.Join(a.words, " ")
	if err := r.parse(to, a); err != nil {
		return l.keywordError(keyword, err)
	}
	if len(a.words) > 0 {
		return fmt.Errorf("keyword %s extra arguments at end of line", strings.ToLower(keyword))
	}
	if l.seen != nil {
		l.seen(r, at, text, l.active && (!taken || more))
	}
	if l.active && !taken {
		l.origins[name], l.written[name] = at, text
	}
	return nil
}

// A complaint is an error in OpenSSH's own words, capitals and full stops
// included, because scripts and people look for them.
type complaint string

func (c complaint) Error() string { return string(c) }

func complain(format string, values ...any) error {
	return complaint(fmt.Sprintf(format, values...))
}

// keywordError names the keyword where the text alone wouldn't say which.
func (l *loader[T]) keywordError(keyword string, err error) error {
	var c complaint
	switch {
	case err == nil || errors.As(err, &c):
		return err
	case errors.Is(err, errMissing) && !l.cased:
		return complain("Missing argument.")
	}
	format := "keyword %s: %w"
	if p := phrase(""); errors.As(err, &p) {
		format = "keyword %s %w"
	}
	return fmt.Errorf(format, strings.ToLower(keyword), err)
}

// A phrase is an error that goes on after the keyword without a colon.
type phrase string

func (p phrase) Error() string { return string(p) }

// aloneError is a word that excludes others, among others.
func aloneError(word string) error { return phrase("\"" + word + "\" argument must appear alone.") }

func (l *loader[T]) setOther(o *other, name string, a *args, at Origin) {
	if l.all {
		l.note(Note{Origin: at, Keyword: o.nameOf(name), Text: "ignored: " + o.why})
	}
	if !l.active && l.everywhere {
		if value := strings.Join(a.words, " "); !o.accepts(value) && !strings.HasSuffix(o.accept, "*") {
			l.settings[fmt.Sprintf("%s %v", name, at)] = setting{at, o.nameOf(name), value, o}
		}
	}
	if !l.active || l.all {
		return
	}
	if _, taken := l.settings[name]; taken {
		return
	}
	l.settings[name] = setting{at, o.nameOf(name), strings.Join(a.words, " "), o}
}

// nameOf gives the manual's spelling back.
func (o *other) nameOf(lower string) string {
	for _, name := range strings.Fields(o.names) {
		if strings.EqualFold(name, lower) {
			return name
		}
	}
	return lower
}

// judge refuses the settings that can't be ignored and notes the rest. It is
// called once, when every file was read and it is known which value won.
// pending are rows of the table without behaviour; with onlyNote nothing is
// refused.
func (l *loader[T]) judge(pending []other, onlyNote bool) error {
	for i := range pending {
		for _, name := range strings.Fields(pending[i].names) {
			lower := strings.ToLower(name)
			if at, said := l.origins[lower]; said && at.File != "" {
				l.settings[lower] = setting{at, name, l.written[lower], &pending[i]}
			}
		}
	}
	names := slices.Sorted(maps.Keys(l.settings))
	for _, name := range names {
		s := l.settings[name]
		switch {
		case s.other.accepts(s.value):
		case strings.HasSuffix(s.other.accept, "*"):
			// Who typed it and asks for something would wait for it.
			typed := s.Line == 0 && s.other.accept != "*"
			l.note(Note{s.Origin, s.name, "ignored: " + s.other.why, s.other.warn || typed})
		case !onlyNote:
			return &RefusedError{s.Origin, s.name, s.other.why}
		}
	}
	return nil
}

func (o *other) accepts(value string) bool {
	for _, accepted := range strings.Fields(o.accept) {
		if strings.EqualFold(value, accepted) {
			return true
		}
	}
	return false
}

func (l *loader[T]) note(n Note) {
	if len(l.notes) < maxList {
		l.notes = append(l.notes, n)
	}
}

// fill gives each keyword that nobody set its default.
func (l *loader[T]) fill(table []row[T]) error {
	for i := range table {
		r := &table[i]
		if _, taken := l.origins[strings.ToLower(r.name)]; taken || r.def == "" {
			continue
		}
		a := &args{words: strings.Fields(r.def), text: r.def, known: l.known, byDefault: true, getenv: l.getenv, origins: l.origins}
		if err := r.parse(l.into, a); err != nil {
			return fmt.Errorf("default of %s: %w", r.name, err)
		}
	}
	return nil
}

// dump writes "keyword value" lines in the table's order.
func dump[T any](table []row[T], of *T) []string {
	var lines []string
	for i := range table {
		name := orElse(table[i].printed, strings.ToLower(table[i].name))
		for _, value := range table[i].show(of) {
			lines = append(lines, name+" "+value)
		}
	}
	return lines
}

// A Doc is what the manual says about a keyword.
type Doc struct{ Name, Default, Text string }

func docs[T any](table []row[T]) []Doc {
	list := make([]Doc, len(table))
	for i, r := range table {
		list[i] = Doc{r.name, r.def, r.doc}
	}
	return list
}

// printable keeps a file's bytes from driving the terminal they are shown on.
func printable(s string) string {
	if len(s) > 200 {
		s = s[:200]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return '?'
		}
		return r
	}, s)
}
