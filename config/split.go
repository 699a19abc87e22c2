package config

import (
	"errors"
	"strings"
)

const blanks = " \t\r\n"

var errQuotes = errors.New("invalid quotes")

// cutKeyword splits a line into its keyword and the text after it. One "="
// with blanks around it may stand between them. The keyword is "" for an empty
// line and for a comment.
func cutKeyword(line string) (keyword, rest string) {
	line = strings.TrimRight(line, blanks+"\f")
	line = strings.TrimLeft(line, blanks)
	if line != "" && line[0] == '=' { // not a comment, not a value: an error of the word after it
		line = strings.TrimLeft(line[1:], blanks)
	}
	if line == "" || line[0] == '#' {
		return "", ""
	}
	if line[0] == '"' {
		keyword, rest, _ = strings.Cut(line[1:], `"`)
		return keyword, strings.TrimLeft(rest, blanks)
	}
	end := strings.IndexAny(line, blanks+`"=`)
	if end < 0 {
		return line, ""
	}
	keyword, rest = line[:end], strings.TrimLeft(line[end:], blanks)
	if strings.HasPrefix(rest, "=") {
		rest = strings.TrimLeft(rest[1:], blanks)
	}
	return keyword, rest
}

// splitWords splits the text after a keyword into words, as OpenSSH's
// argv_split does: single and double quotes group, a backslash escapes a quote,
// a backslash and (outside quotes) a space; "#" at the start of a word begins a
// comment.
func splitWords(s string) ([]string, error) {
	var words []string
	for i := 0; i < len(s); {
		if s[i] == ' ' || s[i] == '\t' {
			i++
			continue
		}
		if s[i] == '#' {
			break
		}
		word, n, err := oneWord(s[i:])
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		i += n
	}
	return words, nil
}

// oneWord reads the word that s starts with and says how many bytes it took.
func oneWord(s string) (string, int, error) {
	var word []byte
	quote := byte(0)
	i := 0
	for ; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s) && escapable(s[i+1], quote):
			i++
			word = append(word, s[i])
		case quote == 0 && (c == ' ' || c == '\t'):
			return string(word), i, nil
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			word = append(word, c)
		}
	}
	if quote != 0 {
		return "", 0, errQuotes
	}
	return string(word), i, nil
}

func escapable(c, quote byte) bool {
	return c == '\'' || c == '"' || c == '\\' || quote == 0 && c == ' '
}

// joinWords writes words so that splitWords reads them back.
func joinWords(words []string) string {
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		if word != "" && !strings.ContainsAny(word, " \t'\"\\#") {
			b.WriteString(word)
			continue
		}
		b.WriteByte('"')
		for j := 0; j < len(word); j++ {
			if word[j] == '"' || word[j] == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(word[j])
		}
		b.WriteByte('"')
	}
	return b.String()
}

// Option writes a line for ClientQuery.Options or ServerQuery.Options from words
// that may hold anything, such as the file name of -i:
//
//	q.Options = append(q.Options, config.Option("IdentityFile", name))
func Option(keyword string, words ...string) string {
	return keyword + " " + joinWords(words)
}

// SplitOption gives an option's keyword and its value back, the words with blanks
// between them: what Option and -o write.
func SplitOption(option string) (keyword, value string) {
	keyword, rest := cutKeyword(option)
	words, err := splitWords(rest)
	if err != nil {
		return keyword, rest
	}
	return keyword, strings.Join(words, " ")
}

// args are the words after a keyword while a row's parser takes them.
type args struct {
	words []string
	text  string // the same, before splitting: for commands
	known *Known
	// byDefault says that the words are the row's own default, not a file's;
	// commandLine that they come from -o and its like.
	byDefault, commandLine bool

	getenv  func(string) (string, bool)
	origins map[string]Origin // of the keywords that have a value already
}

var errMissing = errors.New("missing argument")

// next takes one word; an empty one counts as missing, as in OpenSSH.
func (a *args) next() (string, error) {
	if len(a.words) == 0 || a.words[0] == "" {
		return "", errMissing
	}
	word := a.words[0]
	a.words = a.words[1:]
	return word, nil
}

// all takes the words that are left; there must be one, and none empty.
func (a *args) all() ([]string, error) {
	words := a.words
	a.words = nil
	if len(words) == 0 {
		return nil, errMissing
	}
	for _, word := range words {
		if word == "" {
			return nil, phrase("empty argument")
		}
	}
	return append([]string(nil), words...), nil
}

// line takes everything that is left, unsplit.
func (a *args) line() (string, error) {
	a.words = nil
	text := strings.TrimLeft(a.text, blanks+"=")
	if text == "" {
		return "", errMissing
	}
	return text, nil
}
