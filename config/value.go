package config

import (
	"fmt"
	"slices"
	"strings"
)

// A value knows how to read and show one field of a Client or a Server.
type value[T any] struct {
	parse func(to *T, a *args) error
	// show returns the texts to dump, one line each; none prints nothing.
	show func(of *T) []string
	// printed is the dump's name for the keyword where it isn't the keyword in
	// lower case.
	printed string
}

func flag[T any](field func(*T) *bool) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			*field(to), err = parseFlag(word)
			return err
		},
		show: func(of *T) []string { return []string{showFlag(*field(of))} },
	}
}

func parseFlag(word string) (bool, error) {
	switch strings.ToLower(word) {
	case "yes", "true":
		return true, nil
	case "no", "false":
		return false, nil
	}
	return false, complain("unsupported option \"%s\".", word)
}

func showFlag(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

// text is one word, "" when nothing was said; shown only when set.
func text[T any](field func(*T) *string) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			word, err := a.next()
			*field(to) = word
			return err
		},
		show: func(of *T) []string { return nonBlank(*field(of)) },
	}
}

// command is the rest of the line as it stands.
func command[T any](field func(*T) *string) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			line, err := a.line()
			if strings.EqualFold(line, "none") {
				line = ""
			}
			*field(to) = line
			return err
		},
		show: func(of *T) []string { return nonBlank(*field(of)) },
	}
}

func nonBlank(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// choice is one of a few words: pairs of what is written and what it means. The
// dump prints the first spelling of a meaning, which for some keywords isn't
// the one the manual prefers (ssh -G prints "false" for "no").
func choice[T any, V ~string](field func(*T) *V, pairs ...string) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			for i := 0; i < len(pairs); i += 2 {
				if strings.EqualFold(word, pairs[i]) {
					*field(to) = V(pairs[i+1])
					return nil
				}
			}
			return complain("unsupported option \"%s\".", word)
		},
		show: func(of *T) []string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i+1] == string(*field(of)) {
					return []string{pairs[i]}
				}
			}
			return nil
		},
	}
}

func logLevel[T any](field func(*T) *LogLevel) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			*field(to), err = parseLogLevel(word)
			return err
		},
		show: func(of *T) []string { return []string{(*field(of)).String()} },
	}
}

func facility[T any](field func(*T) *string) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			for _, name := range strings.Fields("DAEMON USER AUTH AUTHPRIV LOCAL0 LOCAL1 LOCAL2 LOCAL3 LOCAL4 LOCAL5 LOCAL6 LOCAL7") {
				if strings.EqualFold(word, name) {
					*field(to) = name
					return nil
				}
			}
			return complain("unsupported log facility '%s'", word)
		},
		show: func(of *T) []string { return nonBlank(*field(of)) },
	}
}

// algorithms is a list of names of one kind; text is OpenSSH's for a
// bad one, with %s for the value.
func algorithms[T any](field func(*T) *[]string, kind func(*Known) Algorithms, wildcards bool, text string) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			if a.byDefault {
				*field(to) = slices.Clone(kind(a.known).Default)
				return nil
			}
			names, err := kind(a.known).resolve(word, wildcards)
			if err != nil {
				return complain(text+" (%v)", word, err)
			}
			*field(to) = names
			return nil
		},
		show: func(of *T) []string { return nonBlank(strings.Join(*field(of), ",")) },
	}
}

// words is a list on one line, where a later line doesn't add to it. "none"
// must stand alone and leaves the list empty.
func words[T any](field func(*T) *[]string) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			list, err := a.all()
			if err != nil {
				return err
			}
			if hasNone(list) && len(list) > 1 {
				return aloneError("none")
			}
			if hasNone(list) {
				list = nil
			}
			*field(to) = list
			return nil
		},
		show: func(of *T) []string {
			if len(*field(of)) == 0 {
				return []string{"none"}
			}
			return []string{strings.Join(*field(of), " ")}
		},
	}
}

// collect is a list to which each line adds, after check has seen each word;
// the dump has a line for each.
func collect[T any](field func(*T) *[]string, check func(string) error) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			list, err := a.all()
			if err != nil {
				return err
			}
			for _, word := range list {
				if err := check(word); err != nil {
					return err
				}
			}
			if len(*field(to))+len(list) > maxList {
				return fmt.Errorf("too many entries (at most %d)", maxList)
			}
			*field(to) = append(*field(to), list...)
			return nil
		},
		show: func(of *T) []string { return *field(of) },
	}
}

func hasNone(list []string) bool {
	for _, word := range list {
		if strings.EqualFold(word, "none") {
			return true
		}
	}
	return false
}

func envName(word string) error {
	if strings.Contains(word, "=") {
		return complain("Invalid environment name.")
	}
	return nil
}

// Limits of ours.
const (
	maxList    = 4096    // entries that a collecting keyword may have
	maxFile    = 4 << 20 // bytes in one configuration file
	maxDepth   = 16      // Include within Include, as in OpenSSH
	maxInclude = 1024    // files that are read in all
)
