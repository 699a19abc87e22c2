package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// addUnreachable finds the lines that never take effect for any host, because a
// line before them sets the same keyword wherever they would.
func (r *Report) addUnreachable(lines []lineSeen) {
	first := map[string][]lineSeen{}
	for _, line := range lines {
		if line.row.multi || line.at.Line == 0 {
			continue
		}
		key := rivalry(line)
		if by := slices.IndexFunc(first[key], func(earlier lineSeen) bool { return covers(earlier.block, line.block) }); by >= 0 {
			r.add(Finding{Origin: line.at, Text: tooLate(line, first[key][by]), Hint: line.value == first[key][by].value})
			continue
		}
		if len(first[key]) < maxList {
			first[key] = append(first[key], line)
		}
	}
}

// rivalry is what a line competes for: ProxyJump and ProxyCommand exclude each
// other unless they say none.
func rivalry(line lineSeen) string {
	name := strings.ToLower(line.row.name)
	if (name == "proxyjump" || name == "proxycommand") && !strings.EqualFold(line.value, "none") {
		return "proxy"
	}
	return name
}

func tooLate(line, by lineSeen) string {
	where := fmt.Sprintf("line %d", by.at.Line)
	if by.at.File != line.at.File {
		where = fmt.Sprintf("%s line %d", by.at.File, by.at.Line)
	}
	block := "before any Host"
	if by.block != nil {
		block = by.block.String()
	}
	if line.value == by.value && line.row == by.row {
		return fmt.Sprintf("%s says again what %s (%s) says", line.row.name, where, block)
	}
	text := fmt.Sprintf("\"%s %s\" never takes effect: %s (%s) sets %s first, and the first value wins",
		line.row.name, printable(line.value), where, block, by.row.name)
	if by.block != nil && by.block != line.block && by.block.always() {
		text += ". Move that block to the end"
	}
	return text
}

// String is the line that opens the block.
func (b *blockLine) String() string { return b.kind + " " + printable(joinWords(b.words)) }

// always says whether a block is for every connection: Host * or Match all.
func (b *blockLine) always() bool {
	if b.kind == "Match" {
		return len(b.words) == 1 && strings.EqualFold(b.words[0], "all")
	}
	return slices.Contains(b.words, "*") && !slices.ContainsFunc(b.words, negatedWord)
}

func negatedWord(word string) bool { return strings.HasPrefix(word, "!") }

// covers says whether what holds for block b, with the blocks around its
// file, makes block a hold too: each condition of a follows from one of b's.
func covers(a, b *blockLine) bool {
	for ; a != nil; a = a.outer {
		if a.always() {
			continue
		}
		implied := false
		for other := b; other != nil && !implied; other = other.outer {
			implied = a == other || a.wider(other)
		}
		if !implied {
			return false
		}
	}
	return true
}

// wider says whether block a holds wherever b does. Only what can be told from
// the words counts.
func (a *blockLine) wider(b *blockLine) bool {
	if a.kind != b.kind {
		return false
	}
	if a.kind == "Match" {
		return slices.Equal(a.words, b.words) && a.steady()
	}
	if slices.ContainsFunc(a.words, negatedWord) {
		return slices.Equal(a.words, b.words)
	}
	for _, word := range b.words {
		if !negatedWord(word) && !slices.ContainsFunc(a.words, func(of string) bool { return widerPattern(of, word) }) {
			return false
		}
	}
	return true
}

// steady says whether a Match line has the same outcome wherever it stands:
// other conditions look at values that lines before it set.
func (b *blockLine) steady() bool {
	fixed := strings.Fields("originalhost localuser localnetwork version command canonical final all")
	for i := 0; i < len(b.words); i++ {
		name, _, glued := strings.Cut(strings.ToLower(strings.TrimPrefix(b.words[i], "!")), "=")
		if !slices.Contains(fixed, name) {
			return false
		}
		if !glued && !slices.Contains(fixed[len(fixed)-3:], name) {
			i++ // its argument
		}
	}
	return true
}

// widerPattern says whether every name that matches pattern b matches a: b's own
// wildcards are letters that only a's "*" can stand for.
func widerPattern(a, b string) bool {
	if strings.ContainsAny(b, "*?") && strings.Contains(a, "?") {
		return a == b
	}
	return pattern.Match(b, a)
}

// holds says whether a block, and those around it, are for the host that is
// asked about. Match lines were judged while reading and are not judged again:
// their commands have run.
func (l *clientLoader) holds(b *blockLine) bool {
	for ; b != nil; b = b.outer {
		if !b.held {
			return false
		}
	}
	return true
}
