package applet

import (
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/proxy"
)

// ssh is the command that connects as this examination does, with more options,
// which count before those that were given.
func (x *exam) ssh(options ...string) string {
	program := []string{"ssh"}
	if x.run.conf != nil && x.run.conf.ProxyURL != "" {
		program = []string{"nacre", "ssh"} // OpenSSH's has no ProxyURL
	}
	return sentenceOfWords(slices.Concat(program, options, x.words()))
}

// words are the destination and the options that lead to it, as they were given.
func (x *exam) words() []string { return x.typed("46ipJ") }

// typed is words for a program that has some of the letters 4, 6, i, p and J, but
// for keywords that are said otherwise, or shall not be.
func (x *exam) typed(letters string, without ...string) []string {
	l := x.run.line
	var words []string
	if l.file != "" {
		words = append(words, "-F", l.file)
	}
	for _, option := range slices.Concat(l.overWay(), l.first) {
		keyword, value := config.SplitOption(option)
		if !slices.ContainsFunc(without, func(name string) bool { return equalFold(name, keyword) }) {
			words = append(words, typedOption(letters, keyword, value, option)...)
		}
	}
	host := l.host
	if l.user != "" {
		host = l.user + "@" + host
	}
	return append(words, host)
}

// overWay are the options without a place of their own in the order that say how
// a connection is made, of which the last one counts.
func (l *sshLine) overWay() []string {
	var options []string
	for _, option := range slices.Backward(l.over) {
		switch keyword, _ := config.SplitOption(option); keyword {
		case "AddressFamily", "BindAddress", "BindInterface", "Ciphers", "MACs":
			options = append(options, option)
		}
	}
	return options
}

// typedOption are the words for one option. What may hold a secret is left out:
// reports are shown to others.
func typedOption(letters, keyword, value, option string) []string {
	for _, row := range [...]struct{ keyword, value, letter string }{
		{"AddressFamily", "inet", "4"}, {"AddressFamily", "inet6", "6"},
	} {
		if equalFold(row.keyword, keyword) && row.value == value && strings.Contains(letters, row.letter) {
			return []string{"-" + row.letter}
		}
	}
	for _, row := range [...]struct{ keyword, letter string }{{"Port", "p"}, {"ProxyJump", "J"}, {"IdentityFile", "i"}} {
		// A % would be a token after -o, and none after -i.
		if equalFold(row.keyword, keyword) && strings.Contains(letters, row.letter) && !strings.Contains(value, "%") {
			return []string{"-" + row.letter, value}
		}
	}
	switch {
	case equalFold(keyword, "SetEnv"):
		return nil
	case equalFold(keyword, "ProxyURL"):
		p, err := proxy.ParseURL(value)
		if err != nil {
			return nil
		}
		return []string{"-o", "ProxyURL=" + p.String()} // without its password
	}
	return []string{"-o", option}
}
