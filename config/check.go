package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// A Report is what CheckClient found.
type Report struct {
	Client   *Client // what holds for the host; nil without one, or where Findings say why not
	Values   []Value // the keywords that somebody set for the host, in the dump's order
	Lost     []Lost  // lines that are for the host, and come too late for it
	Findings []Finding
}

// A Value is what one keyword came to, and the line that said so.
type Value struct {
	Keyword string
	Text    string
	Origin  Origin
}

// Lost is a line that another one was faster than.
type Lost struct {
	Keyword, Text string
	Origin        Origin
	By            Origin
}

// A Finding is one thing that is wrong or strange.
type Finding struct {
	Origin // the file, or a line of it
	Text   string
	// Hint says that nothing fails because of it.
	Hint bool
}

// String is "file line n: text" or "file: text".
func (f Finding) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Text
	}
	return fmt.Sprintf("%s line %d: %s", f.File, f.Line, f.Text)
}

// Bad says whether something is wrong, hints aside.
func (r *Report) Bad() bool {
	for _, f := range r.Findings {
		if !f.Hint {
			return true
		}
	}
	return false
}

// A line is one that sets a keyword, as the reading saw it.
type lineSeen struct {
	row   *row[Client]
	at    Origin
	value string
	won   bool
	block *blockLine
}

// noHost stands for a host where none is asked about: no pattern is meant for
// it, so that the lines alone are judged.
const noHost = "host.invalid"

// CheckClient reads the files as LoadClient does and says what is wrong in them:
// lines that can't be read, keywords that are unknown or of the past, lines that
// never take effect, files that others may write, keys that are missing. With
// q.Host it also explains what holds for that host, and why. The error is for a
// file that q.File names and nobody can read.
func CheckClient(q ClientQuery) (*Report, error) {
	asked := q.Host != ""
	if !asked {
		q.Host = noHost
		q.Exec = func(string) (bool, error) { return false, nil }
		q.Lookup = func(string) (string, error) { return "", nil }
	}
	q.OnlyShow = true
	l, err := newClientLoader(q)
	if err != nil {
		return nil, err
	}
	var lines []lineSeen
	l.all = true
	l.seen = func(r *row[Client], at Origin, value string, won bool) {
		if !l.final {
			lines = append(lines, lineSeen{r, at, value, won, l.here})
		}
	}
	report := new(Report)
	err = l.load()
	report.addProblems(l)
	if bad := new(Error); err != nil && !errors.As(err, &bad) {
		if len(lines) == 0 {
			return nil, err
		}
		report.add(Finding{Origin: Origin{File: q.Host}, Text: err.Error()})
	}
	report.addUnreachable(lines)
	if len(l.problems) == 0 && err == nil {
		report.explain(l, lines, asked)
	}
	return report, nil
}

func (r *Report) add(f Finding) {
	if len(r.Findings) < maxList && !slices.Contains(r.Findings, f) {
		r.Findings = append(r.Findings, f)
	}
}

// addProblems takes over what reading complained about.
func (r *Report) addProblems(l *clientLoader) {
	for _, p := range l.problems {
		text := p.Text
		if p.unknown {
			text += nearest(text, l.table)
		}
		r.add(Finding{Origin: p.Origin, Text: text})
	}
	for _, name := range l.untrusted {
		r.add(Finding{Origin: Origin{File: name}, Text: "others may write it, or it is somebody else's: what is in it runs commands as you; run: " + takeBack(name)})
	}
	for _, n := range l.notes {
		r.add(Finding{Origin: n.Origin, Text: n.Keyword + ": " + n.Text, Hint: true})
	}
}

// explain finishes the configuration and tells what holds.
func (r *Report) explain(l *clientLoader, lines []lineSeen, asked bool) {
	mark := len(l.notes)
	c, err := l.finish()
	if err != nil {
		r.add(Finding{Origin: Origin{File: l.q.Host}, Text: err.Error()})
		return
	}
	for _, n := range c.notes[mark:] {
		r.add(Finding{Origin: n.Origin, Text: n.Keyword + ": " + n.Text, Hint: true})
	}
	r.checkFiles(c, lines)
	if !asked {
		return
	}
	r.Client = c
	for i := range l.table {
		row := &l.table[i]
		at, said := c.Origin(row.name)
		if !said {
			continue
		}
		texts, from := row.show(c), origins(lines, row)
		for j, text := range texts {
			if row.multi && len(from) == len(texts) {
				at = from[j]
			}
			r.Values = append(r.Values, Value{row.name, text, at})
		}
	}
	r.addLost(l, lines)
}

// origins are the lines that a keyword's value is made of.
func origins(lines []lineSeen, of *row[Client]) []Origin {
	var from []Origin
	for _, line := range lines {
		if line.won && line.row == of {
			from = append(from, line.at)
		}
	}
	return from
}

// addLost lists the lines that are for the host but were not the first.
func (r *Report) addLost(l *clientLoader, lines []lineSeen) {
	for _, line := range lines {
		by, said := l.origins[strings.ToLower(line.row.name)]
		if line.won || !said || by == line.at || line.row.multi || !l.holds(line.block) {
			continue
		}
		r.Lost = append(r.Lost, Lost{line.row.name, line.value, line.at, by})
	}
}

// nearest proposes a keyword for one that nobody knows.
func nearest(text string, table []row[Client]) string {
	_, word, _ := strings.Cut(text, ": ")
	best, least := "", 3
	for i := range table {
		if d := distance(strings.ToLower(word), strings.ToLower(table[i].name)); d < least {
			best, least = table[i].name, d
		}
	}
	if best == "" {
		return ""
	}
	return " (" + best + " is meant?)"
}

// distance is how many letters have to be changed, added or left out.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return len(a) + len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := before
			if a[i-1] != b[j-1] {
				cost++
			}
			before, row[j] = row[j], min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// inHome shortens a path for people.
func inHome(path, home string) string {
	if rest, err := filepath.Rel(home, path); err == nil && !strings.HasPrefix(rest, "..") {
		return filepath.Join("~", rest)
	}
	return path
}
