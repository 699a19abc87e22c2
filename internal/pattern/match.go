package pattern

import "strings"

// Special are the characters that make a word more than itself.
const Special = "*?!"

// text is what a match reads; it keeps none of it.
type text interface{ ~string | ~[]byte }

// Match says whether all of s matches a pattern in which "*" stands for any run
// of bytes and "?" for one.
func Match[S, P text](s S, pattern P) bool {
	return match(s, pattern, false)
}

// MatchFold is Match for an s in lower case and a pattern in any: only ASCII
// has case.
func MatchFold[S, P text](s S, pattern P) bool {
	return match(s, pattern, true)
}

// Lower folds one ASCII byte.
func Lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// match goes back to the last star alone: an earlier one that took more could
// not help, because what is between them has matched as early as it can.
func match[S, P text](s S, pattern P, fold bool) bool {
	si, pi := 0, 0
	star, resume := -1, 0 // where the last * is, and up to where it took s
	for si < len(s) {
		switch {
		case pi < len(pattern) && pattern[pi] == '*':
			star, resume = pi, si
			pi++
		case pi < len(pattern) && (pattern[pi] == '?' || pattern[pi] == s[si] || fold && Lower(pattern[pi]) == s[si]):
			pi++
			si++
		case star >= 0:
			resume++
			pi, si = star+1, resume
		default:
			return false
		}
	}
	for pi < len(pattern) && pattern[pi] == '*' {
		pi++
	}
	return pi == len(pattern)
}

// A Verdict is what a list says of a name.
type Verdict int

// A negated pattern that matches decides, whatever else does.
const (
	No      Verdict = 0
	Yes     Verdict = 1
	Negated Verdict = -1 // a pattern with "!" before it matches
)

// List matches s against patterns with commas between them.
func List(s, list string) Verdict {
	verdict := No
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if !Match(s, pattern) {
			continue
		}
		if negated {
			return Negated
		}
		verdict = Yes
	}
	return verdict
}

// Any says whether s matches one of the patterns; none is negated.
func Any(s string, patterns ...string) bool {
	for _, pattern := range patterns {
		if Match(s, pattern) {
			return true
		}
	}
	return false
}
