package cert

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// backdate is how long before now a certificate of "+1h" begins: the clock of
// the other side may be slow.
const backdate = 59

// ParseValidity reads ssh-keygen -V: "+1h", or "from:to" where each is relative
// to now (-1d, +52w), absolute (YYYYMMDD, YYYYMMDDHHMM[SS], with Z in UTC),
// seconds in hexadecimal (0x...), or always and forever. Both results are
// seconds since 1970.
func ParseValidity(spec string, now time.Time) (after, before uint64, err error) {
	seconds := now.Unix()
	if strings.HasPrefix(spec, "+") && !strings.Contains(spec, ":") {
		life, err := parseDuration(spec[1:])
		if err != nil {
			return 0, 0, fmt.Errorf("invalid relative certificate life %s", spec)
		}
		return uint64((seconds - backdate) / 60 * 60), uint64(seconds + life), nil
	}
	from, to, ok := strings.Cut(spec, ":")
	if !ok || from == "" || to == "" {
		return 0, 0, fmt.Errorf("invalid certificate life specification %s", spec)
	}
	if after, err = parseEnd(from, "always", 0, "from", seconds); err != nil {
		return 0, 0, err
	}
	if before, err = parseEnd(to, "forever", Forever, "to", seconds); err != nil {
		return 0, 0, err
	}
	if before <= after {
		return 0, 0, errors.New("empty certificate validity interval")
	}
	return after, before, nil
}

func parseEnd(text, word string, meaning uint64, end string, now int64) (uint64, error) {
	switch {
	case text == word:
		return meaning, nil
	case text[0] == '-' || text[0] == '+':
		return parseRelative(text, now)
	case strings.HasPrefix(text, "0x"):
		n, err := strconv.ParseUint(text[2:], 16, 64)
		if err != nil {
			return 0, errors.New("invalid certificate time: not a number")
		}
		return n, nil
	}
	t, err := ParseTime(text)
	if err != nil {
		return 0, fmt.Errorf("invalid %s time \"%s\"", end, text)
	}
	return t, nil
}

func parseRelative(text string, now int64) (uint64, error) {
	n, err := parseDuration(text[1:])
	switch {
	case err != nil:
		return 0, fmt.Errorf("invalid relative certificate time %s", text)
	case text[0] == '+':
		return uint64(now + n), nil
	case n > now:
		return 0, fmt.Errorf("certificate time %s cannot be represented", text)
	}
	return uint64(now - n), nil
}

// parseDuration reads sshd_config(5)'s time formats: 90, 1h30m, 2w. Seconds.
func parseDuration(s string) (int64, error) {
	units := map[byte]int64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}
	if s == "" {
		return 0, errors.New("no duration")
	}
	var total int64
	for s != "" {
		digits := 0
		for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
			digits++
		}
		n, err := strconv.ParseInt(s[:digits], 10, 32)
		if err != nil {
			return 0, err
		}
		s = s[digits:]
		unit := int64(1)
		if s != "" {
			if unit = units[s[0]|0x20]; unit == 0 {
				return 0, errors.New("unknown unit")
			}
			s = s[1:]
		}
		if total += n * unit; total > math.MaxInt32 {
			return 0, errors.New("too long")
		}
	}
	return total, nil
}

// ParseTime reads YYYYMMDD[HHMM[SS]][Z] in seconds since 1970, local time
// without the Z.
func ParseTime(s string) (uint64, error) {
	digits, zone := s, time.Local
	for _, mark := range []string{"Z", "UTC"} {
		if len(s) > len(mark) && strings.EqualFold(s[len(s)-len(mark):], mark) {
			digits, zone = s[:len(s)-len(mark)], time.UTC
		}
	}
	layouts := map[int]string{8: "20060102", 12: "200601021504", 14: "20060102150405"}
	layout, ok := layouts[len(digits)]
	t, err := time.ParseInLocation(layout, digits, zone)
	if !ok || err != nil || t.Unix() < 0 {
		return 0, fmt.Errorf("%q is no time: want YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, and Z for UTC", s)
	}
	return uint64(t.Unix()), nil
}

// FormatTime is how OpenSSH shows a time: local, without a zone.
func FormatTime(seconds uint64) string {
	return time.Unix(int64(min(seconds, 1<<55)), 0).Format("2006-01-02T15:04:05")
}

// Validity is when a certificate holds, in the words of ssh-keygen -L.
func (c *Contents) Validity() string {
	switch {
	case c.ValidAfter == 0 && c.ValidBefore == Forever:
		return "forever"
	case c.ValidAfter == 0:
		return "before " + FormatTime(c.ValidBefore)
	case c.ValidBefore == Forever:
		return "after " + FormatTime(c.ValidAfter)
	}
	return "from " + FormatTime(c.ValidAfter) + " to " + FormatTime(c.ValidBefore)
}
