package getopt

import (
	"sort"
	"strings"
)

const usageWidth = 79 // columns, as the original programs wrap

// Usage returns the "usage:" text of a program: the letters that take nothing
// in one bracket, then each option with its argument, then the operands (given
// as they shall be printed, such as "destination [command [argument ...]]").
// It ends with a newline.
func (t Table) Usage(program, operands string) string {
	words := t.usageWords()
	if operands != "" {
		words = append(words, strings.Fields(operands)...)
	}
	var b strings.Builder
	b.WriteString("usage: " + program)
	indent := len("usage: ") + len(program) + 1
	column := indent - 1
	for _, word := range words {
		if column+1+len(word) > usageWidth && column > indent {
			b.WriteString("\n" + strings.Repeat(" ", indent-1))
			column = indent - 1
		}
		b.WriteString(" " + word)
		column += 1 + len(word)
	}
	b.WriteString("\n")
	return b.String()
}

func (t Table) usageWords() []string {
	rows := append(Table(nil), t...)
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].sortKey() < rows[j].sortKey() })
	flags, words := "", []string(nil)
	for _, row := range rows {
		switch {
		case row.Letter == 0:
			words = append(words, "["+row.spelling()+"]")
		case row.Arg == "":
			flags += string(rune(row.Letter))
		default:
			words = append(words, "[-"+string(rune(row.Letter))+" "+row.Arg+"]")
		}
	}
	if flags != "" {
		words = append([]string{"[-" + flags + "]"}, words...)
	}
	return words
}

// sortKey orders digits first, then letters regardless of case with the
// capital first, then long names.
func (r Row) sortKey() string {
	if r.Letter == 0 {
		return "~" + r.Long
	}
	c := string(rune(r.Letter))
	return strings.ToLower(c) + c
}

func (r Row) spelling() string {
	s := ""
	if r.Letter != 0 {
		s = "-" + string(rune(r.Letter))
	}
	if r.Long != "" {
		if s != "" {
			s += ", "
		}
		s += "--" + r.Long
	}
	if r.Arg != "" {
		s += " " + r.Arg
	}
	return s
}

// Help returns one line for each option that has a Help text, in the table's
// order.
func (t Table) Help() string {
	width := 0
	for _, row := range t {
		if n := len(row.spelling()); row.Help != "" && n > width && n <= 24 {
			width = n
		}
	}
	var b strings.Builder
	for _, row := range t {
		if row.Help == "" {
			continue
		}
		s := row.spelling()
		b.WriteString("  " + s)
		if len(s) > width {
			b.WriteString("\n  " + strings.Repeat(" ", width))
		} else {
			b.WriteString(strings.Repeat(" ", width-len(s)))
		}
		b.WriteString("  " + row.Help + "\n")
	}
	return b.String()
}
