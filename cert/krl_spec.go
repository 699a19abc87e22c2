package cert

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/key"
)

// A Spec reads what to revoke from text (ssh-keygen(1), KEY REVOCATION LISTS):
// a line is serial:, id:, key:, sha1:, sha256: or hash: with its argument, or a
// key or certificate alone.
type Spec struct {
	// Authority is whose serials and ids the lines mean; nil for those of every
	// authority, which must be said with Any.
	Authority key.Public
	Any       bool
}

// A specRow is one keyword.
type specRow struct {
	word string
	do   func(s *Spec, l *KRL, arg string) error
}

func specRows() []specRow {
	return []specRow{
		{"serial:", (*Spec).serial},
		{"id:", (*Spec).id},
		{"hash:", (*Spec).hash},
		{"key:", func(_ *Spec, l *KRL, arg string) error {
			return withKey(arg, func(k key.Public) error { l.RevokeKey(k); return nil })
		}},
		{"sha1:", func(_ *Spec, l *KRL, arg string) error {
			return withKey(arg, func(k key.Public) error { l.RevokeSHA1(sha1.Sum(PlainKey(k).Blob())); return nil })
		}},
		{"sha256:", func(_ *Spec, l *KRL, arg string) error {
			return withKey(arg, func(k key.Public) error { l.RevokeSHA256(sha256.Sum256(PlainKey(k).Blob())); return nil })
		}},
		{"", func(_ *Spec, l *KRL, arg string) error { return withKey(arg, l.Revoke) }},
	}
}

// Errors of a specification that name no line, as the program prints them.
var (
	ErrSerialAuthority = errors.New("revoking certificates by serial number requires specification of a CA key")
	ErrIDAuthority     = errors.New("revoking certificates by key ID requires specification of a CA key")
)

// A LineError is a line that can't be used.
type LineError struct {
	Line int // from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// Read adds what a text names. It stops at the first line that it can't use,
// with a *LineError.
func (s *Spec) Read(l *KRL, r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, MaxLine)
	n := 0
	for lines.Scan() {
		n++
		text, _, _ := bytes.Cut(lines.Bytes(), []byte("#"))
		line := string(bytes.Trim(text, " \t\r"))
		if line == "" {
			continue
		}
		if err := s.line(l, line); err != nil {
			return &LineError{n, err}
		}
	}
	if err := lines.Err(); err != nil {
		return &LineError{n + 1, err}
	}
	return nil
}

func (s *Spec) line(l *KRL, line string) error {
	for _, row := range specRows() {
		n := len(row.word)
		if len(line) >= n && strings.EqualFold(line[:n], row.word) {
			return row.do(s, l, strings.TrimLeft(line[n:], " \t"))
		}
	}
	return nil // not reached: the last row's word is empty
}

func withKey(text string, do func(key.Public) error) error {
	k, _, err := ParseLine([]byte(text))
	if err != nil {
		return errors.New("invalid key")
	}
	return do(k)
}

func (s *Spec) serial(l *KRL, arg string) error {
	if s.Authority == nil && !s.Any {
		return ErrSerialAuthority
	}
	first, last, isRange := strings.Cut(arg, "-")
	lo, err := parseSerial(first, arg)
	if err != nil {
		return err
	}
	hi := lo
	if isRange {
		if hi, err = parseSerial(last, last); err != nil {
			return err
		}
		if hi <= lo {
			return fmt.Errorf("invalid serial range %d:%d", lo, hi)
		}
	}
	return l.RevokeSerials(s.Authority, lo, hi)
}

// parseSerial takes decimal, 0x and 0 as C does.
func parseSerial(text, shown string) (uint64, error) {
	n, err := strconv.ParseUint(text, 0, 64)
	if errors.Is(err, strconv.ErrRange) {
		return 0, errors.New("serial out of range")
	}
	if err != nil || strings.Contains(text, "_") {
		return 0, fmt.Errorf("invalid serial \"%s\"", shown)
	}
	return n, nil
}

func (s *Spec) id(l *KRL, arg string) error {
	if s.Authority == nil && !s.Any {
		return ErrIDAuthority
	}
	return l.RevokeID(s.Authority, arg)
}

func (s *Spec) hash(l *KRL, arg string) error {
	text, ok := strings.CutPrefix(arg, "SHA256:")
	if !ok {
		return errors.New("unsupported hash algorithm")
	}
	digest, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(digest) != sha256.Size {
		return errors.New("invalid SHA256 digest")
	}
	l.RevokeSHA256([sha256.Size]byte(digest))
	return nil
}
