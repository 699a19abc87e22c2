package getopt

import (
	"strings"
)

// A Row is one option: what it is called, what it takes, what it does.
type Row struct {
	Letter byte   // 'p' for -p; 0 when it has only a long name
	Long   string // "try" for --try; "" when it has only a letter
	Arg    string // the argument's name in the usage text; "" when it takes none
	Help   string // one line for the manual; "" hides the row from Help
	// Do is called for each occurrence, in order, with the option's argument
	// or "". Its error is passed on from Parse as it is. Nil: nothing to do.
	Do func(arg string) error
}

// A Table is a program's options, in the order of the manual. It is read only
// and may be shared.
type Table []Row

// An Error is a command line that the table doesn't allow. Its text has the
// words of OpenSSH's own getopt.
type Error struct {
	Option string // the letter, or the long name without its dashes
	Reason string // "unknown option", "option requires an argument", ...
}

func (e *Error) Error() string { return e.Reason + " -- " + e.Option }

const (
	unknown     = "unknown option"
	needsArg    = "option requires an argument"
	takesNoArg  = "option doesn't take an argument"
	maxArgument = 1 << 20 // bytes; longer ones can't be typed
)

// Parse reads args (without the program's name) and returns the operands; they
// share memory with args unless options stood between them.
//
// resume says after how many operands options may still follow. With 0 the
// first operand ends the options, as POSIX has it. ssh's 1 lets options follow
// the host but not the command ("ssh host -p 22 ls -l"). A negative number
// takes options anywhere. After "--" everything is an operand.
func (t Table) Parse(args []string, resume int) ([]string, error) {
	var before []string
	for {
		rest, ended, err := t.options(args)
		if err != nil {
			return nil, err
		}
		if ended || len(rest) == 0 || len(before) == resume {
			return append(before, rest...), nil
		}
		before = append(before, rest[0])
		args = rest[1:]
	}
}

// options consumes leading options and returns what is left; ended says that
// "--" was seen.
func (t Table) options(args []string) (rest []string, ended bool, err error) {
	for len(args) > 0 {
		word := args[0]
		if len(word) < 2 || word[0] != '-' {
			return args, false, nil
		}
		args = args[1:]
		switch {
		case word == "--":
			return args, true, nil
		case word[1] == '-' && t.hasLong():
			args, err = t.long(word[2:], args)
		default:
			args, err = t.letters(word[1:], args)
		}
		if err != nil {
			return nil, false, err
		}
	}
	return nil, false, nil
}

// letters handles one word of joined letters; args are the words after it.
func (t Table) letters(word string, args []string) ([]string, error) {
	for i := 0; i < len(word); i++ {
		row := t.letter(word[i])
		if row == nil {
			return nil, &Error{printable(word[i : i+1]), unknown}
		}
		if row.Arg == "" {
			if err := row.do(""); err != nil {
				return nil, err
			}
			continue
		}
		if i+1 < len(word) {
			return args, row.do(word[i+1:])
		}
		if len(args) == 0 {
			return nil, &Error{word[i : i+1], needsArg}
		}
		return args[1:], row.do(args[0])
	}
	return args, nil
}

// long handles one --word, given without its dashes.
func (t Table) long(word string, args []string) ([]string, error) {
	name, value, glued := strings.Cut(word, "=")
	row := t.byName(name)
	switch {
	case row == nil:
		return nil, &Error{printable(name), unknown}
	case row.Arg == "" && glued:
		return nil, &Error{name, takesNoArg}
	case row.Arg == "" || glued:
		return args, row.do(value)
	case len(args) == 0:
		return nil, &Error{name, needsArg}
	}
	return args[1:], row.do(args[0])
}

func (r *Row) do(arg string) error {
	if len(arg) > maxArgument {
		return &Error{r.name(), "option's argument is too long"}
	}
	if r.Do == nil {
		return nil
	}
	return r.Do(arg)
}

func (r *Row) name() string {
	if r.Letter != 0 {
		return string(rune(r.Letter))
	}
	return r.Long
}

func (t Table) letter(c byte) *Row {
	if c == '-' || c == ':' { // getopt never takes these for letters
		return nil
	}
	for i := range t {
		if t[i].Letter == c {
			return &t[i]
		}
	}
	return nil
}

// Flag is the Do of an option that turns something on.
func Flag(into *bool) func(string) error {
	return func(string) error { *into = true; return nil }
}

func (t Table) byName(name string) *Row {
	for i := range t {
		if name != "" && t[i].Long == name {
			return &t[i]
		}
	}
	return nil
}

func (t Table) hasLong() bool {
	for i := range t {
		if t[i].Long != "" {
			return true
		}
	}
	return false
}

// printable keeps what was typed from driving the terminal it is printed on.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return '?'
		}
		return r
	}, s)
}
