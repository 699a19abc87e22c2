package putty

// matchWild matches PuTTY's wildcards: * any run, ? one byte, [a-z] one of a
// set. A set that doesn't end matches nothing. It goes back to the last star
// alone, so that its time is at most the product of both lengths.
func matchWild(pattern, s string) bool {
	p, i, star, resume := 0, 0, -1, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, resume = p, i
			p++
			continue
		}
		if n, ok := matchOne(pattern[p:], s[i]); ok {
			p += n
			i++
			continue
		}
		if star < 0 {
			return false
		}
		resume++
		p, i = star+1, resume
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchOne matches a byte with what the pattern begins with, and says how long
// that is.
func matchOne(pattern string, c byte) (n int, ok bool) {
	switch {
	case pattern == "":
		return 0, false
	case pattern[0] == '?':
		return 1, true
	case pattern[0] == '[':
		return matchSet(pattern, c)
	}
	return 1, pattern[0] == c
}

func matchSet(pattern string, c byte) (n int, ok bool) {
	i := 1
	for i < len(pattern) && pattern[i] != ']' {
		if i+2 < len(pattern) && pattern[i+1] == '-' && pattern[i+2] != ']' {
			ok = ok || c >= pattern[i] && c <= pattern[i+2]
			i += 3
			continue
		}
		ok = ok || c == pattern[i]
		i++
	}
	if i == len(pattern) {
		return 0, false
	}
	return i + 1, ok
}
