package keyfile

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// An AuthorizedKey is one line of authorized_keys, or of a .pub file, which
// has no options (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
type AuthorizedKey struct {
	Key     key.Public
	Options []Option // in the line's order
	Comment string
}

// An Option is one word before the key: "no-pty", or "command" with a value.
type Option struct {
	Name     string // lower-case
	Value    string // without its quotes
	HasValue bool   // tells command="" from command
}

// ErrNoKey says that a line is empty or a comment.
var ErrNoKey = errors.New("line holds no key")

// Option returns the first option of a name.
func (k *AuthorizedKey) Option(name string) (Option, bool) {
	for _, o := range k.Options {
		if o.Name == name {
			return o, true
		}
	}
	return Option{}, false
}

// ParseAuthorizedKey reads one line, with or without its newline. An empty line
// or a comment gives [ErrNoKey], a key of a type that isn't known a
// *[key.UnsupportedError]. Nothing of line is kept.
func ParseAuthorizedKey(line []byte) (AuthorizedKey, error) {
	if len(line) > MaxLine {
		return AuthorizedKey{}, fmt.Errorf("line is longer than %d bytes", MaxLine)
	}
	line = bytes.Trim(line, " \t\r\n")
	if len(line) == 0 || line[0] == '#' {
		return AuthorizedKey{}, ErrNoKey
	}
	if bytes.ContainsAny(line, "\n\x00") {
		return AuthorizedKey{}, errors.New("line holds a line break or a NUL")
	}
	if k, comment, ok, err := parseKeyText(line); ok {
		return AuthorizedKey{Key: k, Comment: comment}, err
	}
	options, rest, err := cutOptions(line)
	if err != nil {
		return AuthorizedKey{}, err
	}
	k, comment, ok, err := parseKeyText(rest)
	if err != nil {
		return AuthorizedKey{}, err
	}
	if !ok {
		return AuthorizedKey{}, errors.New("no key was found on the line")
	}
	return AuthorizedKey{Key: k, Options: options, Comment: comment}, nil
}

// parseKeyText reads "type base64 comment". It reports ok when that is what
// text is, by the type's name inside the base64: options never look like it.
func parseKeyText(text []byte) (k key.Public, comment string, ok bool, err error) {
	name, rest := cutBlank(text)
	encoded, rest := cutBlank(rest)
	known := len(name) > 0 && key.TypeOf(string(name)) == string(name)
	blob, err := base64.StdEncoding.Strict().AppendDecode(nil, encoded)
	if err != nil {
		if known {
			return nil, "", true, fmt.Errorf("base64 of the key: %w", err)
		}
		return nil, "", false, nil
	}
	r := wire.NewReader(blob)
	if inner := r.Bytes(); r.Err() != nil || !bytes.Equal(inner, name) {
		if known {
			return nil, "", true, fmt.Errorf("key is not of the type %s that is written before it", name)
		}
		return nil, "", false, nil
	}
	k, err = key.ParsePublic(blob)
	return k, string(rest), true, err
}

// cutBlank splits at the first run of spaces and tabs.
func cutBlank(b []byte) (word, rest []byte) {
	i := bytes.IndexAny(b, " \t")
	if i < 0 {
		return b, nil
	}
	return b[:i], bytes.TrimLeft(b[i:], " \t")
}

// ParseOptions reads the options of a line alone, all of text.
func ParseOptions(text []byte) ([]Option, error) {
	options, rest, err := cutOptions(text)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, errors.New("there is something behind the options")
	}
	return options, nil
}

// cutOptions reads options up to the first blank that is outside quotes.
func cutOptions(line []byte) (options []Option, rest []byte, err error) {
	for {
		var o Option
		if o, line, err = cutOption(line); err != nil {
			return nil, nil, err
		}
		options = append(options, o)
		if len(line) == 0 || line[0] == ' ' || line[0] == '\t' {
			return options, bytes.TrimLeft(line, " \t"), nil
		}
		if line[0] != ',' {
			return nil, nil, fmt.Errorf("option %q is followed by %q, not by a comma", o.Name, line[0])
		}
		line = line[1:]
	}
}

func cutOption(line []byte) (o Option, rest []byte, err error) {
	n := 0
	for n < len(line) && isOptionByte(line[n]) {
		n++
	}
	if n == 0 {
		return o, nil, errors.New("no key and no option was found on the line")
	}
	o.Name, rest = strings.ToLower(string(line[:n])), line[n:]
	if len(rest) == 0 || rest[0] != '=' {
		return o, rest, nil
	}
	if len(rest) < 2 || rest[1] != '"' {
		return o, nil, fmt.Errorf("value of option %q must be in double quotes", o.Name)
	}
	o.HasValue = true
	value := make([]byte, 0, 64)
	for i := 2; i < len(rest); i++ {
		switch {
		case rest[i] == '"':
			o.Value = string(value)
			return o, rest[i+1:], nil
		case rest[i] == '\\' && i+1 < len(rest) && rest[i+1] == '"':
			i++ // the one escape there is; every other backslash is itself
		}
		value = append(value, rest[i])
	}
	return o, nil, fmt.Errorf("value of option %q lacks its closing quote", o.Name)
}

func isOptionByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-'
}

// MarshalAuthorizedKey writes a line with its newline. What would end the line
// early becomes a blank, and a value that ends in a backslash, for which the
// format has no spelling, gets one behind it. The caller owns the result.
func MarshalAuthorizedKey(k AuthorizedKey) []byte {
	var b []byte
	for i, o := range k.Options {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, o.Name...)
		if o.HasValue {
			b = append(b, `="`...)
			b = append(b, strings.ReplaceAll(o.Value, `"`, `\"`)...)
			if strings.HasSuffix(o.Value, `\`) {
				b = append(b, ' ')
			}
			b = append(b, '"')
		}
	}
	if len(b) > 0 {
		b = append(b, ' ')
	}
	b = append(append(b, k.Key.Type()...), ' ')
	b = base64.StdEncoding.AppendEncode(b, k.Key.Blob())
	if k.Comment != "" {
		b = append(append(b, ' '), k.Comment...)
	}
	for i, c := range b {
		if c == '\n' || c == '\r' || c == 0 {
			b[i] = ' '
		}
	}
	return append(b, '\n')
}

// ScanAuthorizedKeys reads a whole file and calls each for every line that is
// not empty and not a comment, with its number from 1; a line that can't be
// read comes with its error. It stops when each returns false, and holds one
// line at a time.
func ScanAuthorizedKeys(r io.Reader, each func(line int, k AuthorizedKey, err error) bool) error {
	b := bufio.NewReaderSize(r, MaxLine)
	for n := 1; ; n++ {
		line, err := b.ReadSlice('\n')
		tooLong := err == bufio.ErrBufferFull
		for err == bufio.ErrBufferFull {
			_, err = b.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return err
		}
		var k AuthorizedKey
		parseErr := error(fmt.Errorf("line is longer than %d bytes", MaxLine))
		if !tooLong {
			k, parseErr = ParseAuthorizedKey(line)
		}
		if parseErr != ErrNoKey && !each(n, k, parseErr) {
			return nil
		}
		if err == io.EOF {
			return nil
		}
	}
}
