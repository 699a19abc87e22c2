package config

import (
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"
)

func number[T any](field func(*T) *int, least int) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			*field(to), err = parseNumber(word, least)
			return err
		},
		show: func(of *T) []string { return []string{strconv.Itoa(*field(of))} },
	}
}

func parseNumber(word string, least int) (int, error) {
	n, err := strconv.ParseInt(word, 10, 32)
	switch {
	case err != nil && strings.Trim(word, "+-0123456789") == "":
		return 0, complain("integer value too large.")
	case err != nil:
		return 0, complain("integer value invalid.")
	case int(n) < least:
		return 0, complain("integer value too small.")
	}
	return int(n), nil
}

// ParsePort reads a port as -p takes it: a number from 1 to 65535 or the name of
// a service.
func ParsePort(word string) (int, error) { return parsePort(word) }

// parsePort takes a number from 1 to 65535 or the name of a service.
func parsePort(word string) (int, error) {
	n, err := strconv.ParseUint(word, 10, 16)
	if err == nil && n > 0 {
		return int(n), nil
	}
	if strings.Trim(word, "+-0123456789") != "" {
		if port, err := net.LookupPort("tcp", word); err == nil && port > 0 {
			return port, nil
		}
	}
	return 0, complain("Bad port '%s'.", printable(word))
}

// seconds is a time in OpenSSH's formats. With none, the word "none" stands for
// zero, and none is what the dump prints for zero.
func seconds[T any](field func(*T) *time.Duration, none string) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			word, err := a.next()
			if err != nil {
				return complain("missing time value.")
			}
			if none != "" && word == "none" {
				*field(to) = 0
				return nil
			}
			*field(to), err = ParseTime(word)
			return err
		},
		show: func(of *T) []string {
			if d := *field(of); d != 0 || none == "" {
				return []string{strconv.FormatInt(int64(d/time.Second), 10)}
			}
			return []string{none}
		},
	}
}

// ParseTime reads a time in the formats of sshd_config(5), TIME FORMATS: a sum
// of numbers with s, m, h, d or w after them, seconds where there is none.
func ParseTime(s string) (time.Duration, error) {
	bad := complain("invalid time value.")
	if s == "" {
		return 0, bad
	}
	total := int64(0)
	for s != "" {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
		n, err := strconv.ParseInt(s[:digits], 10, 32)
		if err != nil {
			return 0, bad
		}
		unit := int64(1)
		if s = s[digits:]; s != "" {
			if unit = timeUnit(s[0]); unit == 0 {
				return 0, bad
			}
			s = s[1:]
		}
		if total += n * unit; total > math.MaxInt32 {
			return 0, bad
		}
	}
	return time.Duration(total) * time.Second, nil
}

func timeUnit(c byte) int64 {
	switch c | 0x20 {
	case 's':
		return 1
	case 'm':
		return 60
	case 'h':
		return 60 * 60
	case 'd':
		return 24 * 60 * 60
	case 'w':
		return 7 * 24 * 60 * 60
	}
	return 0
}

// parseSize reads a number of bytes with K, M, G, T, P or E after it.
func parseSize(s string) (uint64, error) {
	bad := complain("Bad number '%s': Invalid argument", s)
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.ParseUint(s[:digits], 10, 63)
	if err != nil {
		return 0, bad
	}
	shift := 0
	switch unit := strings.ToUpper(s[digits:]); {
	case unit == "" || unit == "B":
	case len(unit) == 1 && strings.Contains("KMGTPE", unit):
		shift = 10 * (1 + strings.Index("KMGTPE", unit))
	default:
		return 0, bad
	}
	if n > math.MaxInt64>>shift {
		return 0, bad
	}
	return n << shift, nil
}

func rekeyLimit[T any](field func(*T) *RekeyLimit) value[T] {
	return value[T]{
		parse: func(to *T, a *args) (err error) {
			*field(to), err = parseRekeyLimit(a)
			return err
		},
		show: func(of *T) []string {
			limit := *field(of)
			return []string{fmt.Sprintf("%d %d", limit.Bytes, limit.Interval/time.Second)}
		},
	}
}

func parseRekeyLimit(a *args) (limit RekeyLimit, err error) {
	word, err := a.next()
	if err != nil {
		return limit, err
	}
	if word != "default" {
		if limit.Bytes, err = parseSize(word); err != nil {
			return limit, err
		}
		if limit.Bytes != 0 && limit.Bytes < 16 {
			return limit, complain("RekeyLimit too small")
		}
	}
	if len(a.words) == 0 {
		return limit, nil
	}
	if word, err = a.next(); err == nil && word != "none" {
		limit.Interval, err = ParseTime(word)
	}
	return limit, err
}
