package applet

import (
	"fmt"
	"io"
	"strings"

	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/term"
)

// A doctorReport is what doctor prints: a line for each thing that it looked at,
// then the cause and what to do. Text from elsewhere is escaped.
type doctorReport struct {
	out    io.Writer
	via    string // "[jump] " before the lines about a host in between
	advice []remedy
	bad    bool // a problem was found
}

// A remedy is one thing to do: a sentence, and the commands to paste.
type remedy struct {
	text     string
	commands []string
}

func do(text string, commands ...string) remedy { return remedy{text, commands} }

func (r *doctorReport) line(word, step, format string, args ...any) {
	fmt.Fprintf(r.out, "%-8s %s%s: %s\n", word, r.via, step, oneLine(fmt.Sprintf(format, args...)))
}

func (r *doctorReport) ok(step, format string, args ...any) { r.line("ok", step, format, args...) }

// note is something that is worth knowing and stops nothing.
func (r *doctorReport) note(step, format string, args ...any) { r.line("note", step, format, args...) }

func (r *doctorReport) problem(step, format string, args ...any) {
	r.bad = true
	r.line("problem", step, format, args...)
}

// advise keeps what to do about something that didn't stop the login.
func (r *doctorReport) advise(list ...remedy) { r.advice = append(r.advice, list...) }

// cause ends the report of a failure. The name is for scripts, and for asking
// others about it.
func (r *doctorReport) cause(name, text string, list []remedy) {
	fmt.Fprintf(r.out, "\ncause (%s): %s\n", name, oneLine(text))
	r.remedies("what to do", append(list, r.advice...))
}

// done ends the report of a success.
func (r *doctorReport) done(text string) {
	fmt.Fprintf(r.out, "\n%s\n", oneLine(text))
	r.remedies("worth doing", r.advice)
}

func (r *doctorReport) remedies(title string, list []remedy) {
	for i, m := range list {
		if i == 0 {
			fmt.Fprintf(r.out, "\n%s\n", title)
		}
		fmt.Fprintf(r.out, "  - %s\n", oneLine(m.text))
		for _, c := range m.commands {
			fmt.Fprintf(r.out, "        %s\n", oneLine(c))
		}
	}
}

// oneLine makes a text fit for a line of the report, of which nobody else may
// begin another.
func oneLine(text string) string { return strings.ReplaceAll(term.Printable(text), "\n", " ") }

// sentenceOfWords writes words as a person would type them.
func sentenceOfWords(words []string) string {
	typed := make([]string, len(words))
	for i, w := range words {
		typed[i] = getopt.Word(w)
	}
	return strings.Join(typed, " ")
}

// excerpt is the start of a text from elsewhere, for a sentence.
func excerpt(text string) string {
	const most = 120
	text = strings.TrimSpace(text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strings.ReplaceAll(term.Printable(text), "\n", " / ")
}
