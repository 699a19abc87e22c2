package getopt

import "strings"

// Quoted writes text as one word of a line that a person pastes into a shell of
// the Bourne family: whatever is in it, the shell reads nothing into it.
func Quoted(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// Word is Quoted where a shell would read more into text than one word, and else
// text as it is.
func Word(text string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@%=:,"
	if text != "" && strings.Trim(text, plain) == "" {
		return text
	}
	return Quoted(text)
}
