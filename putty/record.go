package putty

import (
	"strconv"
	"strings"
)

// A Setting is one value of a record.
type Setting struct {
	Name string
	// Text is the value; of a number its decimal digits.
	Text string
	// Number says that the registry has it as REG_DWORD. A file doesn't tell.
	Number bool
	// List says that the registry has it, and those of the same name beside it,
	// as REG_MULTI_SZ.
	List bool
}

// A Record is a session's or an authority's settings, in order. A list is
// several under one name.
type Record []Setting

// Get returns a setting's text. Case doesn't count, as in the registry.
func (r Record) Get(name string) (string, bool) {
	for _, s := range r {
		if strings.EqualFold(s.Name, name) {
			return s.Text, true
		}
	}
	return "", false
}

// List returns all of a setting's texts.
func (r Record) List(name string) []string {
	var list []string
	for _, s := range r {
		if strings.EqualFold(s.Name, name) {
			list = append(list, s.Text)
		}
	}
	return list
}

// Int returns a number, or what is meant where there is none.
func (r Record) Int(name string, missing int) int {
	text, ok := r.Get(name)
	if !ok {
		return missing
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return missing
	}
	return n
}

// Set gives a setting one text, in its place or at the end.
func (r *Record) Set(name, text string) { r.set(Setting{Name: name, Text: text}) }

// SetInt gives a setting a number.
func (r *Record) SetInt(name string, n int) {
	r.set(Setting{Name: name, Text: strconv.Itoa(n), Number: true})
}

func (r *Record) set(s Setting) {
	for i := range *r {
		if strings.EqualFold((*r)[i].Name, s.Name) {
			(*r)[i] = s
			return
		}
	}
	*r = append(*r, s)
}

func (r Record) without(name string) Record {
	var kept Record
	for _, s := range r {
		if !strings.EqualFold(s.Name, name) {
			kept = append(kept, s)
		}
	}
	return kept
}
