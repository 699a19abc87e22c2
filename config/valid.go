package config

import "strings"

// ValidUser says whether a user name from a command line or a token may be put
// into a command, a file name or a log. It is OpenSSH's rule: no leading "-",
// no control character, no quote or shell character, no backslash at the end.
func ValidUser(name string) bool {
	if name == "" || name[0] == '-' {
		return false
	}
	blank := false
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c < ' ' || c == 0x7f || strings.IndexByte("'`\";&<>|(){}$", c) >= 0 {
			return false
		}
		if blank && c == '-' { // " -" could become an option
			return false
		}
		blank = c == ' '
	}
	return name[len(name)-1] != '\\'
}

// ValidHost says whether a host name from outside may be put into a command, a
// file name or a log: no leading "-", no blank, control, quote or shell
// character.
func ValidHost(name string) bool {
	if name == "" || name[0] == '-' {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c <= ' ' || c == 0x7f || strings.IndexByte("'`\"$\\;&<>|(){},", c) >= 0 {
			return false
		}
	}
	return true
}
