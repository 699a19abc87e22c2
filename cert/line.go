package cert

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/wire"
)

// ParseLine reads "type base64 comment": a line of a .pub file with a plain key
// or a certificate. An empty line or a comment gives keyfile.ErrNoKey. Nothing
// of line is kept.
func ParseLine(line []byte) (k key.Public, comment string, err error) {
	if len(line) > MaxLine {
		return nil, "", fmt.Errorf("line is longer than %d bytes", MaxLine)
	}
	line = bytes.Trim(line, " \t\r\n")
	if len(line) == 0 || line[0] == '#' {
		return nil, "", keyfile.ErrNoKey
	}
	name, rest := cutBlank(line)
	encoded, rest := cutBlank(rest)
	blob, err := base64.StdEncoding.AppendDecode(nil, encoded)
	if err != nil || len(blob) == 0 {
		return nil, "", errors.New("line holds no key")
	}
	r := wire.NewReader(blob)
	if inner := r.Bytes(); r.Err() != nil || !bytes.Equal(inner, name) {
		return nil, "", errors.New("key is not of the type that is written before it")
	}
	k, err = ParsePublic(blob)
	return k, string(rest), err
}

// ParseFile reads the first key of a .pub file.
func ParseFile(text []byte) (k key.Public, comment string, err error) {
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		k, comment, err = ParseLine(line)
		if !errors.Is(err, keyfile.ErrNoKey) {
			return k, comment, err
		}
		text = rest
	}
	return nil, "", keyfile.ErrNoKey
}

// MarshalLine writes a line of a .pub file with its newline. The caller owns the
// result.
func MarshalLine(k key.Public, comment string) []byte {
	return keyfile.MarshalAuthorizedKey(keyfile.AuthorizedKey{Key: k, Comment: comment})
}

func cutBlank(b []byte) (word, rest []byte) {
	i := bytes.IndexAny(b, " \t")
	if i < 0 {
		return b, nil
	}
	return b[:i], bytes.TrimLeft(b[i:], " \t")
}
