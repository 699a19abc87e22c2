package applet

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
)

// A page is one page of the manual. Its lists come from the tables that the
// programs themselves work with, so that they can't say anything else.
type page struct {
	name     string
	section  int
	about    string   // the line of NAME
	synopsis []string // command lines; none for files
	parts    []part
}

// A part is a section of a page: paragraphs, then entries.
type part struct {
	title   string
	text    []string
	entries []entry
}

// An entry is a term and what it means.
type entry struct{ term, text string }

// pages are the whole manual.
func pages() []func() page {
	return []func() page{sshPage, sshConfigPage, sshdConfigPage}
}

func findPage(name string) (page, bool) {
	for _, write := range pages() {
		if p := write(); p.name == name {
			return p, true
		}
	}
	return page{}, false
}

// optionEntries are a program's options.
func optionEntries(t getopt.Table) []entry {
	var all []entry
	for _, row := range t {
		if row.Help == "" {
			continue // an old one
		}
		term := "--" + row.Long
		if row.Letter != 0 {
			term = "-" + string(rune(row.Letter))
		}
		if row.Arg != "" {
			term += " " + row.Arg
		}
		all = append(all, entry{term, helpSentence(row.Help)})
	}
	return all
}

// keywordEntries are a configuration file's keywords, with their defaults.
func keywordEntries(docs []config.Doc) []entry {
	var all []entry
	for _, d := range docs {
		text := d.Text
		if d.Default != "" && d.Default != "default" {
			text += " Default: " + d.Default + "."
		}
		all = append(all, entry{d.Name, text})
	}
	return all
}

// helpSentence makes a sentence of a help text.
func helpSentence(help string) string {
	return strings.ToUpper(help[:1]) + help[1:] + "."
}

// manualWidth is how many columns a page as text has.
const manualWidth = 78

// writeText prints a page as plain text.
func (p page) writeText(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s(%d)\n\nNAME\n", strings.ToUpper(p.name), p.section)
	fill(&b, 4, p.name+" - "+p.about)
	if len(p.synopsis) > 0 {
		b.WriteString("\nSYNOPSIS\n")
	}
	for _, line := range p.synopsis {
		fill(&b, 4, line)
	}
	for _, s := range p.parts {
		b.WriteString("\n" + s.title + "\n")
		for i, paragraph := range s.text {
			if i > 0 {
				b.WriteByte('\n')
			}
			fill(&b, 4, paragraph)
		}
		for i, e := range s.entries {
			if i > 0 || len(s.text) > 0 {
				b.WriteByte('\n')
			}
			fill(&b, 4, e.term)
			fill(&b, 8, e.text)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// fill writes words in lines of manualWidth, behind an indent.
func fill(b *bytes.Buffer, indent int, text string) {
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
			b.WriteString(strings.Repeat(" ", indent))
			column = indent
		case column+1+len(word) > manualWidth:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	b.WriteByte('\n')
}

// writeMan prints a page for man(1), in the macros of man(7).
func (p page) writeMan(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, ".TH %s %d \"\" \"%s\"\n.SH NAME\n%s \\- %s\n", roff(strings.ToUpper(p.name)), p.section, door.Version(), roff(p.name), roff(p.about))
	if len(p.synopsis) > 0 {
		b.WriteString(".SH SYNOPSIS\n")
	}
	for i, line := range p.synopsis {
		if i > 0 {
			b.WriteString(".br\n")
		}
		b.WriteString(roff(line) + "\n")
	}
	for _, s := range p.parts {
		fmt.Fprintf(&b, ".SH %s\n", roff(s.title))
		for i, paragraph := range s.text {
			if i > 0 {
				b.WriteString(".PP\n")
			}
			b.WriteString(roff(paragraph) + "\n")
		}
		for _, e := range s.entries {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n", roff(e.term), roff(e.text))
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// roff escapes what troff would take for itself, and has every sentence begin a
// line, as it asks for.
func roff(text string) string {
	text = strings.NewReplacer("\\", "\\e", "-", "\\-", "~", "\\(ti", "^", "\\(ha", "`", "\\(ga", "'", "\\(aq").Replace(text)
	lines := strings.Split(strings.ReplaceAll(text, ". ", ".\n"), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") {
			lines[i] = "\\&" + line
		}
	}
	return strings.Join(lines, "\n")
}
