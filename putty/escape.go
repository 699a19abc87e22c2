package putty

import (
	"fmt"
	"strings"
)

// DefaultSettings is the name of the session that new ones begin as.
const DefaultSettings = "Default Settings"

// escape writes the bytes that must not stand in a name as %XX.
func escape(name string, keep func(i int, c byte) bool) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; keep(i, c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// EscapeFile is how a session's or an authority's name is a file's name on Unix.
// No name is [DefaultSettings].
func EscapeFile(name string) string {
	if name == "" {
		name = DefaultSettings
	}
	return escape(name, func(_ int, c byte) bool {
		return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("+-.@_", c) >= 0
	})
}

// EscapeKey is how a name is the name of a registry key or value. No name is
// [DefaultSettings].
func EscapeKey(name string) string {
	if name == "" {
		name = DefaultSettings
	}
	return escapeKey(name)
}

func escapeKey(name string) string {
	return escape(name, func(i int, c byte) bool {
		return c > ' ' && c <= '~' && strings.IndexByte(`\*?%`, c) < 0 && (c != '.' || i > 0)
	})
}

// escapeValue is how a text that must stay on one line is stored.
func escapeValue(text string) string {
	return escape(text, func(_ int, c byte) bool { return c >= ' ' && c != '%' })
}

// Unescape reads %XX, upper or lower case; a % without two digits stays.
func Unescape(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '%' && i+2 < len(name) {
			if c, ok := hexByte(name[i+1], name[i+2]); ok {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

func hexByte(a, b byte) (byte, bool) {
	high, low := hexDigit(a), hexDigit(b)
	return byte(high<<4 | low), high >= 0 && low >= 0
}

// hexDigit is -1 for what is none.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
