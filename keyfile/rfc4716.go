package keyfile

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/nacre-ssh/nacre/key"
)

// The marks of RFC 4716, section 3.1.
const (
	rfc4716Begin = "---- BEGIN SSH2 PUBLIC KEY ----"
	rfc4716End   = "---- END SSH2 PUBLIC KEY ----"
	// rfc4716Line is the longest line that is written, in bytes (section 3).
	rfc4716Line = 72
	// maxHeader caps a header's value in bytes (section 3.3).
	maxHeader = 1024
)

func isRFC4716(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte(rfc4716Begin))
}

// parseRFC4716 reads the first key of a file. Lines may end in LF, CR or CR LF;
// a header may go on in the next line after a backslash.
func parseRFC4716(text []byte) (key.Public, string, error) {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	_, text, _ = bytes.Cut(text, []byte(rfc4716Begin))
	body, _, ok := bytes.Cut(text, []byte(rfc4716End))
	if !ok {
		return nil, "", errors.New("its end is missing")
	}
	comment, body, err := cutHeaders(body)
	if err != nil {
		return nil, "", err
	}
	encoded := bytes.Join(bytes.Fields(body), nil)
	blob, err := base64.StdEncoding.AppendDecode(nil, encoded)
	if err != nil {
		return nil, "", fmt.Errorf("base64 of the key: %w", err)
	}
	k, err := key.ParsePublic(blob)
	return k, comment, err
}

// cutHeaders reads "Name: value" lines and returns the comment and what follows
// them: base64 has no colon.
func cutHeaders(body []byte) (comment string, rest []byte, err error) {
	rest = body
	for {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			if len(bytes.TrimSpace(line)) == 0 && len(after) > 0 {
				rest = after
				continue
			}
			return comment, rest, nil
		}
		full := append([]byte(nil), value...)
		for bytes.HasSuffix(full, []byte(`\`)) && len(after) > 0 {
			line, after, _ = bytes.Cut(after, []byte("\n"))
			full = append(full[:len(full)-1], line...)
			if len(full) > maxHeader {
				break
			}
		}
		if len(full) > maxHeader {
			return "", nil, fmt.Errorf("a header is longer than %d bytes", maxHeader)
		}
		if strings.EqualFold(string(bytes.TrimSpace(name)), "Comment") {
			comment = unquoteHeader(string(full))
		}
		rest = after
	}
}

// unquoteHeader takes off the quotes that are usual around comments (RFC 4716,
// section 3.3.2).
func unquoteHeader(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// marshalRFC4716 breaks base64 at 70, as OpenSSH, and a long comment with
// backslashes.
func marshalRFC4716(k key.Public, comment string) ([]byte, error) {
	b := append([]byte(rfc4716Begin), '\n')
	if comment != "" {
		b = appendHeader(b, `Comment: "`+oneLine(comment)+`"`)
	}
	text := base64.StdEncoding.EncodeToString(k.Blob())
	for len(text) > 0 {
		n := min(len(text), lineLength)
		b = append(append(b, text[:n]...), '\n')
		text = text[n:]
	}
	return append(append(b, rfc4716End...), '\n'), nil
}

func appendHeader(b []byte, header string) []byte {
	for len(header) > rfc4716Line {
		b = append(append(b, header[:rfc4716Line-1]...), '\\', '\n')
		header = header[rfc4716Line-1:]
	}
	return append(append(b, header...), '\n')
}

// oneLine keeps a comment in its header, and within what a reader takes.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == 0 {
			return ' '
		}
		return r
	}, s)
	return s[:min(len(s), maxHeader-20)]
}
